"""FreeSurfer's MGH and MGZ.

References:
    FreeSurfer's file format wiki, "MGH/MGZ volume format": 284 bytes, big-endian, in use since 1999.
"""

from __future__ import annotations

import struct

import numpy as np

from allbrains.errors import Reason, ScanUnusable
from allbrains.images.credibility import Account, doubts
from allbrains.images.placement import plausible
from allbrains.images.promise import Promise, three_sides

MAGIC = b"\x00\x00\x00\x01"  # the version, and at once the byte order
_OFFSET = 284
_TYPES = {0: ">u1", 1: ">i4", 3: ">f4", 4: ">i2", 10: ">u2"}
# a header without directions means a coronal scan: x to the left, y downwards, z to the front
_CORONAL = (1.0, 1.0, 1.0, -1.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0)


def promise(start: bytes) -> Promise:
    """Return what a file's first bytes promise.

    Raises:
        ScanUnusable: with the reason code for each way in which they can be bad.
    """
    if len(start) < _OFFSET:
        raise ScanUnusable(Reason.TRUNCATED, f"expected a header of {_OFFSET} bytes, found {len(start)}")
    _, x, y, z, frames, kind, _, known = struct.unpack(">7ih", start[:30])
    if kind not in _TYPES:
        raise ScanUnusable(Reason.UNREADABLE, f"unknown MGH data type {kind}")
    shape = three_sides([x, y, z, frames])
    place = struct.unpack(">15f", start[30:90]) if known == 1 else _CORONAL
    directions = np.asarray(place[3:12]).reshape(3, 3).T * place[:3]
    affine = np.eye(4)
    affine[:3, :3] = directions
    affine[:3, 3] = np.asarray(place[12:15]) - directions @ (np.asarray(shape) / 2)
    numbers, reasons = doubts(Account(affine=affine, shape=shape, set=known == 1))
    return Promise(
        shape=shape,
        dtype=np.dtype(_TYPES[kind]),
        offset=_OFFSET,
        affine=plausible(affine),
        orientation_from="mgh" if known == 1 else "nothing",
        numbers={**numbers, "header_axes_conflict": 0.0},
        doubts=reasons,
    )
