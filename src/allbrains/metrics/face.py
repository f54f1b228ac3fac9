"""Whether a head still has its face: how far forward the first tissue lies, below the eyes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.metrics.native_head import box_in
from allbrains.records import Array
from allbrains.space.grid import sample, transform

_STEP_MM = 1.5
_CUT_MM = 45.0  # between 30, the furthest defaced head, and 63, the shallowest face, of 38 heads
_BRAIN_CUT = 0.01  # share of the brain's surface that touches a blanked region: the limit of ``cut_by_void``


class FaceState(StrEnum):
    """What is left of a head around its brain."""

    INTACT = "intact"
    REMOVED = "removed"
    BRAIN_CUT = "brain cut"
    NO_HEAD = "no head"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """Gives ``face_signal``: template y, mm, of the first tissue in front, at the height of the mouth.

    The median of rays at x from -24 to 24 and z from -72 to -51 mm, brought to the scan by the affine alone.
    Measured: 63 to 96 in heads with a face, below 45 in defaced ones, where the first tissue is the throat or
    the spine. NaN where the field of view holds fewer than half of the rays, or the scan was stripped.

    Attributes:
        thick_mm: so much tissue in one piece is no noise and no ghost.
        tissue: of WM's median, above which a voxel is tissue; air and faint ghosts stay below it.
    """

    name: ClassVar[str] = "face"
    version: ClassVar[int] = 1

    thick_mm: float = 6.0
    tissue: float = 0.2

    def __call__(self, case: Case) -> dict[str, float]:
        """Return ``face_signal``; needs ``t1w_native``, ``t1w``, ``wm`` and the warp ``affine``."""
        if case.texts.get("input_stripped") == "yes":
            return {"face_signal": float("nan")}
        native, white = case.images["t1w_native"], case.images["wm"].array > 0.9
        forward = np.arange(130.0, -60.0, -_STEP_MM)
        x, z = np.arange(-24.0, 25.0, 4.0), np.arange(-72.0, -50.0, 3.0)
        points = np.stack(np.meshgrid(x, forward, z, indexing="ij"), axis=-1).astype(np.float32)
        (seen,) = sample([native.array], native.affine, transform(case.warps["affine"].affine, points))
        lines = np.moveaxis(seen, 1, -1).reshape(-1, len(forward))
        known = lines.any(axis=1)
        if known.mean() < 0.5 or not white.any():
            return {"face_signal": float("nan")}
        raw = native.array[box_in(case.images["wm"], native)]
        level = self.tissue * float(np.median(raw[white]))
        return {"face_signal": float(np.median(_first(lines[known] > level, forward, self.thick_mm)))}


def face_state(signal: float, *, stripped: bool, cut_by_void: float) -> FaceState:
    """Return what is left of a head.

    Args:
        signal: ``face_signal``.
        stripped: everything outside the brain was blanked before.
        cut_by_void: share of the mask's surface that touches a blanked region; NaN where unknown.
    """
    if stripped:
        return FaceState.NO_HEAD
    if cut_by_void > _BRAIN_CUT:
        return FaceState.BRAIN_CUT
    if np.isnan(signal):
        return FaceState.UNKNOWN
    return FaceState.INTACT if signal > _CUT_MM else FaceState.REMOVED


def _first(tissue: Array, forward: Array, thick_mm: float) -> Array:
    """Return where each line first has so much tissue in one piece; the line's end where it has none.

    Args:
        tissue: bool, shape (lines, points), front first.
        forward: template y of the points, mm.
        thick_mm: length of the piece.
    """
    count = round(thick_mm / _STEP_MM)
    pieces = np.lib.stride_tricks.sliding_window_view(tissue, count, axis=1).all(axis=-1)
    found: Array = np.where(pieces.max(axis=1), forward[pieces.argmax(axis=1)], forward[-1])
    return found
