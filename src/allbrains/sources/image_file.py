"""Read an image file from a stranger: every promise of its header is checked before memory is spent.

nibabel accepts a gzip stream with a wrong checksum and hundreds of MB of trailing bytes, and a small
file may unpack to many GB. So the stream is unpacked here, to its very end, with a cap that comes
from the header.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from allbrains.errors import Reason, ScanUnusable
from allbrains.records import Array, Volume
from allbrains.sources.image_header import (
    GZIP,
    HEADER_BYTES,
    SLACK,
    affine_of,
    dtype_of,
    header_of,
    offset_of,
    shape_of,
)


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


def read_image(path: Path) -> Volume:
    """Return the image of a NIfTI file, ``.nii`` or ``.nii.gz`` whatever its name says.

    The affine is the sform if it is set, else the qform, as nibabel chooses. A 4-D image with one
    frame is a 3-D image.

    Raises:
        ScanUnusable: with the reason code for each way in which the file can be bad.
    """
    with path.open("rb") as raw:
        zipped = raw.read(2) == GZIP
    try:
        if zipped:
            with gzip.open(path, "rb") as stream:
                header, data = _read(stream)
        else:
            with path.open("rb") as plain:
                header, data = _read(plain)
    except EOFError as error:
        raise ScanUnusable(Reason.TRUNCATED, "the gzip stream ends early") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ScanUnusable(Reason.CORRUPT, f"the gzip stream is damaged ({error})") from error
    return Volume(array=_scaled(data, header), affine=affine_of(header))


def _read(stream: _Readable) -> tuple[Any, Array]:
    """Return the header and the stored voxels, having read the stream to its end."""
    start = stream.read(HEADER_BYTES)
    header = header_of(start)
    shape, dtype, offset = shape_of(header), dtype_of(header), offset_of(header)
    wanted = int(np.prod(shape, dtype=object)) * dtype.itemsize
    skipped = start + stream.read(max(offset - len(start), 0))
    voxels = skipped[offset:] + stream.read(max(wanted - len(skipped[offset:]), 0))
    if len(voxels) < wanted:
        raise ScanUnusable(Reason.TRUNCATED, f"expected {wanted} bytes of voxels, found {len(voxels)}")
    rest = len(stream.read(SLACK + 1))  # to the end of the stream, where its checksum stands
    if rest > SLACK:
        raise ScanUnusable(Reason.CORRUPT, f"more than {SLACK} bytes follow the last voxel")
    return header, np.frombuffer(voxels, dtype, count=wanted // dtype.itemsize).reshape(shape, order="F")


def _scaled(data: Array, header: Any) -> Array:
    """Return the voxels as float32 with slope and intercept applied; slope 0 or NaN means none."""
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    out = data.astype(np.float32)
    if np.isfinite(slope) and slope != 0 and (slope, intercept) != (1.0, 0.0):
        out *= np.float32(slope)
        if np.isfinite(intercept):
            out += np.float32(intercept)
    return out
