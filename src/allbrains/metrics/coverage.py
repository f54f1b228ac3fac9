"""Coverage: how much of the brain lies outside the field of view."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case, Warp
from allbrains.records import Affine
from allbrains.space.grid import Grid, transform
from allbrains.space.template import REGISTRATION_SPACING, template


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Gives ``brain_outside_fov``: the share of the template's brain that falls outside the scan's grid.

    By the affine alone: a non-linear warp pulls the template's edge onto whatever edge the scan has.
    """

    name: ClassVar[str] = "coverage"
    version: ClassVar[int] = 1

    def __call__(self, case: Case) -> dict[str, float]:
        """Return ``brain_outside_fov``, 0-1."""
        grid = json.loads(case.texts["scan_grid"])
        affine = np.asarray(grid["affine"], np.float64)
        return {"brain_outside_fov": outside(case.warps["warp"], affine, grid["shape"])}


def outside(warp: Warp, affine: Affine, shape: tuple[int, int, int]) -> float:
    """Return the share of the template's brain that the warp's affine puts outside a grid.

    Args:
        warp: template → scan.
        affine: voxel → scan RAS+ mm.
        shape: of the grid.
    """
    fixed = template(REGISTRATION_SPACING)
    points = Grid(shape=fixed.mask.shape, affine=fixed.affine).points()[fixed.mask]
    to_index = np.asarray(np.linalg.inv(affine) @ warp.affine, np.float64)
    index = transform(to_index, points)
    inside = ((index > -0.5) & (index < np.asarray(shape) - 0.5)).all(axis=-1)
    return float(1 - inside.mean())
