"""NIfTI-1 and NIfTI-2, single file."""

from __future__ import annotations

from typing import Any

import numpy as np

from allbrains.errors import Reason, ScanUnusable
from allbrains.images.placement import axes, edges_mm, fault, plausible
from allbrains.images.promise import Promise, three_sides
from allbrains.records import Affine

_LENGTHS = {348: "NIfTI-1", 540: "NIfTI-2"}
_MM_PER_UNIT = {1: 1000.0, 3: 0.001}  # metres and micrometres; every other code is taken for mm
MAX_OFFSET = 16 << 20  # header extensions hold a history or an atlas's names; 200 kB have been met
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
    affine, source, numbers = placement(header)
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if not np.isfinite(slope) or slope == 0:  # the standard's way to say that nothing is scaled
        slope, intercept = 1.0, 0.0
    vox_offset = float(header["vox_offset"])
    if not vox_offset <= MAX_OFFSET:  # NaN too
        raise ScanUnusable(Reason.CORRUPT, f"voxels would start at byte {vox_offset:g}")
    return Promise(
        shape=three_sides(_sides(header)),
        dtype=_dtype(header),
        offset=max(int(vox_offset), length(start) + 4),
        affine=affine,
        slope=slope,
        intercept=intercept if np.isfinite(intercept) else 0.0,
        orientation_from=source,
        numbers=numbers,
    )


def placement(header: Any) -> tuple[Affine, str, dict[str, float]]:
    """Return the affine, which form gave it, and whether the two forms tell different stories.

    The sform is believed before the qform, but for two cases: it can't be true, or it leads to another
    brain's space and stretches this one on the way, so that volumes would come out in that brain's
    millimetres, while the qform leads to the scanner. Where neither is set nobody knows where left is;
    then the axes are taken as nibabel and SPM take them, the first from right to left.

    Args:
        header: of nibabel.

    Returns:
        Affine; ``sform``, ``qform`` or ``nothing``; and the numbers ``orientation_unknown`` and
        ``header_axes_conflict``, 0 or 1: the forms disagree on where an axis runs.

    Raises:
        ScanUnusable: no form that is set can be true.
    """
    found = {name: form for name in ("sform", "qform") if (form := _form(header, name)) is not None}
    if not found:
        return plausible(_millimetres(header, header.get_base_affine())), "nothing", _told(unknown=True)
    faults = {name: said for name, form in found.items() if (said := fault(form))}
    sound = {name: form for name, form in found.items() if name not in faults}
    if not sound:
        raise ScanUnusable(Reason.BAD_AFFINE, "; ".join(f"{name}: {said}" for name, said in faults.items()))
    name = next(iter(sound))
    if len(sound) == 2 and _leads_elsewhere(header, sound["sform"], sound["qform"]):
        name = "qform"
    conflict = len({axes(form) for form in sound.values()}) > 1
    return sound[name], name, _told(conflict=conflict)


def _told(*, unknown: bool = False, conflict: bool = False) -> dict[str, float]:
    return {"orientation_unknown": float(unknown), "header_axes_conflict": float(conflict)}


def _form(header: Any, name: str) -> Affine | None:
    """Return a form that is set, in mm; one of NaN where it is set and makes no sense."""
    if int(header[f"{name}_code"]) <= 0:
        return None
    if name == "sform":
        return _millimetres(header, header.get_sform())
    from nibabel.spatialimages import HeaderDataError

    try:
        return _millimetres(header, header.get_qform())
    except (ValueError, HeaderDataError):  # no such quaternion, negative voxels
        return np.full((4, 4), np.nan)


def _millimetres(header: Any, affine: Affine) -> Affine:
    """Return an affine in mm: other units are believed only where they make voxels of a head scan."""
    factor = _MM_PER_UNIT.get(int(header["xyzt_units"]) & 7, 1.0)
    scaled = np.diag([factor, factor, factor, 1.0]) @ np.asarray(affine, np.float64)
    return scaled if factor != 1.0 and not fault(scaled) else np.asarray(affine, np.float64)


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
