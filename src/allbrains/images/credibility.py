"""Which numbers of a header are measured, and which are those that programs write for want of better. Pure.

A scanner's affine carries the tilt of its planes, edges that are seldom all 1 mm, an origin near its
isocentre, and the order in which it stores axes. A program that makes an image of an array without asking
for its place writes an identity, a diagonal of edges, or the array's middle as the origin. Such a header is
valid, and its directions and sometimes its edges were not measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allbrains.images.placement import by, edges_mm
from allbrains.records import Affine

_STRAIGHT = 1e-3  # largest sine of an angle that counts as none: headers are written in float32
_UNIT = 1e-4  # mm; how near to 1 an edge is 1: scanners' edges are fractions of a field of view
_CORNER = 1.01  # voxels: programs that count from 1 have the first voxel at 1 or -1
_COMPUTED = 0.02  # voxels; an origin so near to the array's middle was computed, not measured
_EDGES = 0.02  # relative difference between two accounts of a voxel's edge; rounding stays below .005
# mm; the longest field of view that is believed at 1 × 1 × 1 mm: heads are taken with 160 to 280, whole
# necks with up to 300. At other edges a field of view may be any: such a header was not made up.
_LARGEST_UNIT_FOV = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a header says of a scan's place.

    Attributes:
        affine: the one that is believed, voxel → RAS+ mm.
        shape: voxels along x, y, z.
        edges: of a voxel as the header says them elsewhere, mm; empty where it doesn't.
        set: whether any part of the header says where left is.
    """

    affine: Affine
    shape: tuple[int, int, int]
    edges: tuple[float, ...] = ()
    set: bool = True


def doubts(account: Account) -> tuple[dict[str, float], str]:
    """Return what a header leaves unknown, and why.

    Returns:
        The numbers ``orientation_unknown`` (which way the axes run), ``side_unknown`` (which side is left)
        and ``spacing_unknown`` (how long a voxel is), 0 or 1; and the reasons as one text, empty where
        there are none.
    """
    place, edges = _of_place(account), _of_edges(account)
    spacing = bool(edges) or (bool(place) and _is_unit(account.affine))
    if spacing and not edges:
        edges = "voxels of 1 × 1 × 1 mm beside it"
    numbers = {
        "orientation_unknown": float(bool(place)),
        "side_unknown": float(bool(place)),
        "spacing_unknown": float(spacing),
    }
    return numbers, "; ".join(filter(None, (place, edges)))


def _of_place(account: Account) -> str:
    """Return why the directions were not measured, or an empty text."""
    if not account.set:
        return "the header says nothing of directions"
    if not _is_diagonal(account.affine):
        return ""
    sides = np.asarray(account.shape)
    zero = -account.affine[:3, 3] / np.diag(account.affine)[:3]  # the voxel, counted from 0, at the origin
    if (np.minimum(abs(zero), abs(zero - sides + 1)) < _CORNER).all():
        return "an affine without rotation whose origin is a corner of the array"
    # the isocentre of a scan that holds a head lies in it; turn one axis and keep the offset: it lies before
    if (zero < -0.5).any() and (abs(zero) < sides).all():
        return "an affine without rotation whose origin lies as far outside as it would inside, mirrored"
    # FreeSurfer, too, centres a scan whose place it lost, on `n / 2`, but keeps its edges and its axes
    kept = np.linalg.det(account.affine[:3, :3]) < 0 and not _is_unit(account.affine)
    middles = (sides - 1) / 2, *(() if kept else (sides / 2,))
    if any((abs(zero - middle) < _COMPUTED).all() for middle in middles):
        return "an affine without rotation whose origin is the array's middle"
    return ""


def _of_edges(account: Account) -> str:
    """Return why a voxel's edges are not to be believed, or an empty text."""
    edges = np.asarray(edges_mm(account.affine))
    other = np.asarray(account.edges)
    said = (
        other.size and (other > 0).all() and (other != 1).any()
    )  # programs leave 1, 1, 1 where they don't ask
    if said and (abs(edges / other - 1) > _EDGES).any():
        return f"voxels of {by(edges)} mm by the affine and of {by(other)} mm by the header"
    extent = edges * account.shape
    if _is_unit(account.affine) and extent.max() > _LARGEST_UNIT_FOV:
        return f"voxels of 1 × 1 × 1 mm and a field of view of {by(extent)} mm"
    return ""


def _is_diagonal(affine: Affine) -> bool:
    linear = affine[:3, :3] / np.asarray(edges_mm(affine))
    return bool(abs(linear - np.diag(np.diag(linear))).max() < _STRAIGHT)


def _is_unit(affine: Affine) -> bool:
    return bool((abs(np.asarray(edges_mm(affine)) - 1) < _UNIT).all())
