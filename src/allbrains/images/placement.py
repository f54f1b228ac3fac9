"""Untrusted affines: which one to believe, and whether it can be true."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from allbrains.errors import Reason, ScanUnusable
from allbrains.records import Affine

MIN_EDGE_MM, MAX_EDGE_MM = 0.05, 20.0  # of a voxel


def edges_mm(affine: Affine) -> tuple[float, float, float]:
    """Return the edge lengths of a voxel, mm."""
    x, y, z = np.sqrt((np.asarray(affine)[:3, :3] ** 2).sum(axis=0)).tolist()
    return (x, y, z)


def by(lengths: Iterable[float]) -> str:
    """Return lengths as people write them: ``1 × 1.333 × 1.333``."""
    return " × ".join(f"{length:.4g}" for length in lengths)


def fault(affine: Affine) -> str:
    """Return why an affine can't be that of a head scan, or an empty text."""
    if np.isnan(affine).any():
        return "the affine has NaN in it"
    if not np.isfinite(affine).all():
        return "the affine has infinity in it"
    if abs(affine[:3, :3]).max() > MAX_EDGE_MM:  # before anything is squared
        return f"voxels of over {MAX_EDGE_MM:g} mm"
    edges = np.asarray(edges_mm(affine))
    # a sheared or flat frame encloses much less than the product of its edges
    if not (edges > 0).all() or abs(np.linalg.det(affine[:3, :3])) < 0.2 * edges.prod():
        return f"the affine is singular: voxel edges {by(edges)} mm"
    if edges.min() < MIN_EDGE_MM or edges.max() > MAX_EDGE_MM:
        return f"voxels of {by(edges)} mm"
    return ""


def plausible(affine: Affine) -> Affine:
    """Return the affine as it is.

    Raises:
        ScanUnusable: it can't be true.
    """
    if said := fault(affine):
        raise ScanUnusable(Reason.BAD_AFFINE, said)
    return affine


def axes(affine: Affine) -> str:
    """Return where the array's axes run to, closest, such as ``RAS`` or ``LIA``."""
    import nibabel

    return "".join(nibabel.aff2axcodes(affine))
