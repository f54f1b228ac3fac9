"""Twelve ways in which programs write a head's header wrongly, and what of it is then wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np

from allbrains.records import Volume

if TYPE_CHECKING:
    from allbrains.records import Affine, Array

Way = Callable[[Volume], bytes]
PIXDIM_AT, FORM_CODES_AT = 80, 252  # byte offsets in a NIfTI-1 header
_ALIGNED, _SCANNER = 2, 1


def written(array: Array, *, sform: Affine | None, qform: Affine | None, code: int = _SCANNER) -> bytes:
    """Return an uncompressed int16 NIfTI with these forms; None: not set. ``pixdim`` is the qform's."""
    image = nib.Nifti1Image(np.rint(array).astype(np.int16), qform if qform is not None else sform)
    image.header.set_xyzt_units("mm", "sec")
    image.set_qform(qform, code if qform is not None else 0)
    image.set_sform(sform, code if sform is not None else 0)
    data: bytes = image.to_bytes()
    return data


def edges_of(scan: Volume) -> Affine:
    """Return the diagonal of a scan's voxel edges."""
    return np.diag([*scan.spacing, 1.0])


def about_middle(scan: Volume, linear: Affine) -> Affine:
    """Return an affine with this linear part that leaves the array's middle where it is."""
    middle = np.asarray([*((n - 1) / 2 for n in scan.array.shape), 1.0])
    out = np.eye(4)
    out[:3, :3] = linear[:3, :3]
    out[:3, 3] = (scan.affine @ middle)[:3] - out[:3, :3] @ middle[:3]
    return out


def _both(scan: Volume, affine: Affine) -> bytes:
    return written(scan.array, sform=affine, qform=affine)


def _identity(scan: Volume) -> bytes:
    return written(scan.array, sform=np.eye(4), qform=None, code=_ALIGNED)


def _no_forms(scan: Volume) -> bytes:
    data = bytearray(_both(scan, scan.affine))
    data[FORM_CODES_AT : FORM_CODES_AT + 4] = bytes(4)
    return bytes(data)


def _no_forms_unit_edges(scan: Volume) -> bytes:
    data = bytearray(_no_forms(scan))
    data[PIXDIM_AT : PIXDIM_AT + 12] = np.ones(3, "<f4").tobytes()
    return bytes(data)


def _straight(scan: Volume) -> bytes:
    affine = edges_of(scan)
    affine[:3, 3] = scan.affine[:3, 3]
    return _both(scan, affine)


def _straight_at_zero(scan: Volume) -> bytes:
    return _both(scan, edges_of(scan))


def _straight_centred(scan: Volume) -> bytes:
    affine = edges_of(scan)
    affine[:3, 3] = -affine[:3, :3] @ (np.asarray(scan.array.shape) / 2)
    return _both(scan, affine)


def _unit_edges(scan: Volume) -> bytes:
    return _both(scan, about_middle(scan, scan.affine / np.asarray([*scan.spacing, 1.0])))


def _unit_sform(scan: Volume) -> bytes:
    sform = about_middle(scan, scan.affine / np.asarray([*scan.spacing, 1.0]))
    return written(scan.array, sform=sform, qform=scan.affine)


def _swapped(scan: Volume) -> bytes:
    turn = np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1.0]])
    return _both(scan, turn @ scan.affine)


def _upside_down(scan: Volume) -> bytes:
    return _both(scan, np.diag([1, -1, -1, 1.0]) @ scan.affine)


def _one_mirrored(scan: Volume) -> bytes:
    return _both(scan, np.diag([1, 1, -1, 1.0]) @ scan.affine)


def _contradicting(scan: Volume) -> bytes:
    return written(scan.array, sform=np.diag([-1, 1, 1, 1.0]) @ scan.affine, qform=scan.affine)


WRONG_HEADERS: Mapping[str, Way] = {
    "identity": _identity,
    "no forms": _no_forms,
    "no forms, edges 1": _no_forms_unit_edges,
    "no rotation, origin kept": _straight,
    "no rotation, origin 0": _straight_at_zero,
    "no rotation, centred": _straight_centred,
    "edges 1": _unit_edges,
    "edges 1 in the sform": _unit_sform,
    "two axes swapped": _swapped,
    "upside down": _upside_down,
    "one axis mirrored": _one_mirrored,
    "sform mirrored, qform not": _contradicting,
}
