"""Planes as a volume: their order and their place, or why they aren't one. Pure.

References:
    DICOM PS3.3 C.7.6.2: image plane; positions and directions in LPS+ mm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from allbrains.dicom.instances import Plane
from allbrains.dicom.refusal import Refusal, Unsuitable
from allbrains.records import Affine, Array

SAME_DIRECTION = 1e-3  # of unit vectors; scanners write six digits
SAME_PLACE_MM = 1e-2
MOST_TILT_DEG = 0.5  # shifts a slice by half a voxel over 60 mm
UNEVEN = 0.05  # of a step; above it, a slice is somewhere else
THICKEST_MM = 2.5  # the limit of ``spacing_max_mm`` in ``allbrains.limits``
SHORTEST_MM = 100.0  # along any axis; an adult's brain is 130 mm or more
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Planes in order along their normal.

    Attributes:
        planes: first to last.
        affine: shape (4, 4), (column, row, plane) index → RAS+ mm.
        shape: columns, rows, planes.
        spacing: mm between columns, rows, planes.
    """

    planes: tuple[Plane, ...]
    affine: Affine
    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]

    @property
    def centre_mm(self) -> tuple[float, float, float]:
        """Its middle, RAS+ mm."""
        middle = self.affine[:3, :3] @ ((np.array(self.shape) - 1) / 2) + self.affine[:3, 3]
        return (float(middle[0]), float(middle[1]), float(middle[2]))

    @property
    def edges(self) -> str:
        """The voxels' edges in words."""
        return edges_in_words(self.affine)


def edges_in_words(affine: Affine) -> str:
    """Return a voxel's edges in words, mm, in the order that the page has: across, along and up the head.

    Args:
        affine: shape (4, 4), index → RAS+ mm.
    """
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    along = np.abs(affine[:3, :3]) / lengths
    order = max(permutations(range(3)), key=lambda order: sum(along[axis, k] for axis, k in enumerate(order)))
    return " × ".join(f"{lengths[k]:.2f}" for k in order) + " mm"


def stack(planes: Sequence[Plane]) -> Stack:
    """Return planes as a volume with even steps.

    Raises:
        Unsuitable: they have no place, point to several directions, are tilted, lie on each other, or some
            are missing.
    """
    positions, directions, between = _places(planes)
    if np.abs(directions - directions[0]).max() > SAME_DIRECTION:
        raise Unsuitable(
            Refusal.MIXED_ORIENTATIONS, "the slices of the series point into different directions"
        )
    along, down = directions[0, :3], directions[0, 3:]
    normal = np.cross(along, down)
    depth = positions @ normal
    order = np.argsort(depth, kind="stable")
    if len(planes) < 2 or depth[order[-1]] - depth[order[0]] < SAME_PLACE_MM:
        raise Unsuitable(Refusal.NOT_A_VOLUME, f"the series' slices ({len(planes)}) lie all at one place")
    _see_steps(np.diff(depth[order]))
    step = (positions[order[-1]] - positions[order[0]]) / (len(planes) - 1)
    _see_tilt(step, normal)
    one = planes[0].instance
    lps = np.eye(4)
    lps[:3, 0], lps[:3, 1], lps[:3, 2] = along * between[1], down * between[0], step
    lps[:3, 3] = positions[order[0]]
    return Stack(
        planes=tuple(planes[k] for k in order),
        affine=_LPS_TO_RAS @ lps,
        shape=(one.columns, one.rows, len(planes)),
        spacing=(float(between[1]), float(between[0]), float(np.linalg.norm(step))),
    )


def see_that_it_is_a_head(found: Stack) -> None:
    """Refuse a volume that volumes of a brain can't be measured in.

    Raises:
        Unsuitable: slices are thick, or cover no whole head.
    """
    if max(found.spacing) > THICKEST_MM:
        raise Unsuitable(
            Refusal.THICK_SLICES,
            f"the voxels are {max(found.spacing):.1f} mm long; at most {THICKEST_MM:g} mm can be used",
        )
    extent = min(n * mm for n, mm in zip(found.shape, found.spacing, strict=True))
    if extent < SHORTEST_MM:
        raise Unsuitable(
            Refusal.TOO_FEW_SLICES,
            f"the series has {found.shape[2]} slices and covers {extent:.0f} mm; a head needs "
            f"{SHORTEST_MM:.0f} mm in each direction",
        )


def _places(planes: Sequence[Plane]) -> tuple[Array, Array, Array]:
    """Return positions (n, 3) and directions (n, 6), LPS+, and the spacing between rows and columns, mm."""
    frames = [plane.frame for plane in planes]
    if not frames or any(f.position is None or f.orientation is None or f.spacing is None for f in frames):
        raise Unsuitable(Refusal.NO_PLACE, "the files don't say where in space their slices lie")
    directions = np.array([f.orientation for f in frames], float)
    lengths = np.linalg.norm(directions.reshape(-1, 2, 3), axis=-1)
    spacing = np.array(frames[0].spacing, float)
    if np.abs(lengths - 1).max() > 0.01 or not (spacing > 0).all():
        raise Unsuitable(Refusal.NO_PLACE, "the files' directions or voxel sizes can't be true")
    return np.array([f.position for f in frames], float), directions, spacing


def _see_steps(steps: Array) -> None:
    if steps.min() < SAME_PLACE_MM:
        raise Unsuitable(Refusal.NOT_A_VOLUME, "the series holds several images of the same places")
    usual = float(np.median(steps))
    usual = min(usual, float(steps.min()) * (1 + UNEVEN))  # where every other slice is gone, too
    missing = int((np.rint(steps / usual) - 1).sum())
    if missing:
        raise Unsuitable(
            Refusal.MISSING_SLICES,
            f"{missing} of {len(steps) + 1 + missing} slices are missing between the first and the last",
        )
    if np.abs(steps / usual - 1).max() > UNEVEN:
        raise Unsuitable(Refusal.MISSING_SLICES, "the steps between the series' slices are uneven")


def _see_tilt(step: Array, normal: Array) -> None:
    upright = float(step @ normal)
    sideways = float(np.linalg.norm(step - upright * normal))
    tilt = float(np.degrees(np.arctan2(sideways, upright)))
    if tilt > MOST_TILT_DEG:
        raise Unsuitable(Refusal.GANTRY_TILT, f"the slices are tilted by {tilt:.1f}° (gantry tilt)")
