"""NIfTI-1 and NIfTI-2, single file."""

from __future__ import annotations

from typing import Any

import numpy as np

from allbrains.errors import Reason, ScanUnusable
from allbrains.images.credibility import Account, doubts
from allbrains.images.placement import axes, by, edges_mm, fault, plausible
from allbrains.images.promise import Promise, three_sides
from allbrains.records import Affine, Array

_LENGTHS = {348: "NIfTI-1", 540: "NIfTI-2"}
_MM_PER_UNIT = {1: 1000.0, 3: 0.001}  # metres and micrometres; every other code is taken for mm
MAX_OFFSET = 16 << 20  # header extensions hold a history or an atlas's names; 200 kB have been met
_FORMS = ("sform", "qform")  # the one that is believed first
_ROUNDING = 1e-3  # by which writers' quaternions have been too long
_SCANNER = 1  # the form code of the scanner's own frame
_STRETCH = 0.01  # relative difference of a voxel's edge from the header's, above which a form isn't rigid


def length(start: bytes) -> int:
    """Return the header's length as its first four bytes say it, in either byte order; 0 if not NIfTI."""
    said = (int.from_bytes(start[:4], "little"), int.from_bytes(start[:4], "big"))
    return next((n for n in said if n in _LENGTHS), 0)


def sides(start: bytes) -> tuple[int, ...]:
    """Return voxels along each axis, frames included, as a file's first bytes say it.

    Raises:
        ScanUnusable: they are not a NIfTI header.
    """
    return _sides(_header(start))


def _sides(header: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in header["dim"][1 : 1 + max(0, min(int(header["dim"][0]), 7))])


def promise(start: bytes) -> Promise:
    """Return what a file's first bytes promise.

    Raises:
        ScanUnusable: with the reason code for each way in which they can be bad.
    """
    header = _header(start)
    shape = three_sides(_sides(header))
    affine, source, conflict = placement(header)
    numbers, reasons = doubts(
        Account(
            affine=affine,
            shape=shape,
            edges=_told_edges(header, affine),
            set=source != "nothing",
        )
    )
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if not np.isfinite(slope) or slope == 0:  # the standard's way to say that nothing is scaled
        slope, intercept = 1.0, 0.0
    vox_offset = float(header["vox_offset"])
    if not vox_offset <= MAX_OFFSET:  # NaN too
        raise ScanUnusable(Reason.CORRUPT, f"voxels would start at byte {vox_offset:g}")
    return Promise(
        shape=shape,
        dtype=_dtype(header),
        offset=max(int(vox_offset), length(start) + 4),
        affine=affine,
        slope=slope,
        intercept=intercept if np.isfinite(intercept) else 0.0,
        orientation_from=source,
        numbers={**numbers, "header_axes_conflict": float(conflict)},
        doubts=reasons,
    )


def placement(header: Any) -> tuple[Affine, str, bool]:
    """Return the affine, the form that gave it, and whether qform and sform contradict each other.

    The sform is believed before the qform, but for two cases: it can't be true, or it leads to another
    brain's space and stretches this one on the way, so that volumes would come out in that brain's
    millimetres, while the qform leads to the scanner. Where neither is set nobody knows where left is;
    then the axes are taken as nibabel and SPM take them, the first from right to left.

    Args:
        header: of nibabel.

    Returns:
        Affine; ``sform``, ``qform`` or ``nothing``; and whether the forms disagree on where an axis runs.

    Raises:
        ScanUnusable: no form that is set can be true.
    """
    forms = {name: _form(header, name) for name in _FORMS if int(header[f"{name}_code"]) > 0}
    if not forms:
        return plausible(_millimetres(header, header.get_base_affine())), "nothing", False
    sound = {name: form for name, form in forms.items() if not isinstance(form, str)}
    if not sound:
        raise ScanUnusable(Reason.BAD_AFFINE, "; ".join(f"{name}: {said}" for name, said in forms.items()))
    name = next(iter(sound))
    if len(sound) == 2 and _leads_elsewhere(header, sound["sform"], sound["qform"]):
        name = "qform"
    return sound[name], name, len({axes(form) for form in sound.values()}) > 1


def _form(header: Any, name: str) -> Affine | str:
    """Return a form that is set, in mm, or why it can't be true."""
    if name == "qform" and (said := _bad_rotation(header)):
        return said
    affine = _millimetres(header, _qform(header) if name == "qform" else header.get_sform())
    return fault(affine) or affine


def _bad_rotation(header: Any) -> str:
    """Return why quaternion and voxel edges make no affine, or an empty text."""
    if not (header["pixdim"][1:4] > 0).all():
        return f"voxels of {by(_edges(header))} mm"
    length = float(np.linalg.norm(_quaternion(header)))
    # the quaternion's first part follows from the others: above 1 there is none
    if length <= 1 + _ROUNDING:
        return ""
    return (
        "its quaternion has NaN in it"
        if np.isnan(length)
        else f"its quaternion has length {length:.4g}, over 1"
    )


def _qform(header: Any) -> Affine:
    """Return the qform's affine in the header's unit.

    What the standard says and nibabel refuses: a ``pixdim[0]`` that is neither 1 nor -1 counts as 1; and a
    quaternion that is too long by a rounding error has length 1.
    """
    from nibabel.quaternions import quat2mat

    quaternion = _quaternion(header)
    quaternion /= max(1.0, float(np.linalg.norm(quaternion)))
    first = np.sqrt(max(0.0, 1.0 - float(quaternion @ quaternion)))
    mirror = -1.0 if float(header["pixdim"][0]) < 0 else 1.0
    affine = np.eye(4)
    affine[:3, :3] = quat2mat([first, *quaternion]) * (np.asarray(_edges(header)) * (1, 1, mirror))
    affine[:3, 3] = [header[f"qoffset_{axis}"] for axis in "xyz"]
    return affine


def _quaternion(header: Any) -> Array:
    return np.asarray([header[f"quatern_{part}"] for part in "bcd"], np.float64)


def _edges(header: Any) -> list[float]:
    return [float(edge) for edge in header["pixdim"][1:4]]


def _millimetres(header: Any, affine: Affine) -> Affine:
    """Return an affine in mm: other units are believed only where they make voxels of a head scan."""
    factor = _MM_PER_UNIT.get(int(header["xyzt_units"]) & 7, 1.0)
    scaled = np.diag([factor, factor, factor, 1.0]) @ np.asarray(affine, np.float64)
    return scaled if factor != 1.0 and not fault(scaled) else np.asarray(affine, np.float64)


def _told_edges(header: Any, affine: Affine) -> tuple[float, ...]:
    """Return ``pixdim`` in mm: in the unit, of those that the header may mean, that fits the affine best."""
    factors = {1.0, _MM_PER_UNIT.get(int(header["xyzt_units"]) & 7, 1.0)}
    told = [tuple(edge * factor for edge in _edges(header)) for factor in sorted(factors)]
    return min(told, key=lambda edges: float(np.abs(np.subtract(edges, edges_mm(affine))).max()))


def _leads_elsewhere(header: Any, sform: Affine, qform: Affine) -> bool:
    edges, own = np.asarray(edges_mm(sform)), np.asarray(edges_mm(qform))
    stretched = bool((abs(edges / own - 1) > _STRETCH).any())
    return int(header["sform_code"]) > _SCANNER and int(header["qform_code"]) == _SCANNER and stretched


def _header(start: bytes) -> Any:
    import nibabel

    size = length(start)
    kinds = {348: nibabel.Nifti1Header, 540: nibabel.Nifti2Header}
    if len(start) < size:
        raise ScanUnusable(Reason.TRUNCATED, f"expected a header of {size} bytes, found {len(start)}")
    magic = start[344:348] if size == 348 else start[4:8]
    if not magic.startswith((b"n+1", b"n+2")):
        raise ScanUnusable(Reason.UNREADABLE, f"not a single-file NIfTI: its magic is {magic!r}")
    return kinds[size](start[:size], check=False)


def _dtype(header: Any) -> np.dtype[Any]:
    try:
        dtype: np.dtype[Any] = header.get_data_dtype()
    except (KeyError, ValueError) as error:
        raise ScanUnusable(Reason.UNREADABLE, f"unknown data type code {int(header['datatype'])}") from error
    return dtype
