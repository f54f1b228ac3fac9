"""Smoothness: the blur of an image along each axis, as FWHM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.records import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothness:
    """Full width at half maximum of the point spread, from differences of neighbours inside the brain.

    Gives ``fwhm_x_mm``, ``fwhm_y_mm``, ``fwhm_z_mm`` (axes closest to right, anterior, superior), and
    ``fwhm_anisotropy``, the largest over the smallest: slices that were thick and have been interpolated
    give themselves away by it. ``width = edge · √(-2 ln 2 / ln(1 - var(difference) / (2 var)))``.

    References:
        Forman et al. 1995, MRM 33:636-647; AFNI's ``3dFWHMx`` without ``-acf``.
    """

    name: ClassVar[str] = "smoothness"
    version: ClassVar[int] = 1

    def __call__(self, case: Case) -> dict[str, float]:
        """Return the numbers; NaN where neighbours have nothing in common."""
        volume, mask = case.images["t1w"], case.images["mask"].array
        widths = [fwhm_mm(volume.array, mask, axis, edge) for axis, edge in enumerate(volume.spacing)]
        told = {f"fwhm_{name}_mm": width for name, width in zip("xyz", widths, strict=True)}
        return told | {"fwhm_anisotropy": max(widths) / min(widths)}


def fwhm_mm(values: Array, mask: Array, axis: int, edge_mm: float) -> float:
    """Return the width along one axis, mm; NaN where neighbours have nothing in common.

    Args:
        values: shape (x, y, z).
        mask: same shape, bool; only pairs of neighbours inside it count.
        axis: 0, 1 or 2.
        edge_mm: of a voxel along that axis.
    """
    before = tuple(slice(None, -1) if k == axis else slice(None) for k in range(3))
    after = tuple(slice(1, None) if k == axis else slice(None) for k in range(3))
    pairs = mask[before] & mask[after]
    steps = (values[after] - values[before])[pairs]
    variance = float(values[mask].var(dtype=np.float64)) if mask.any() else 0.0
    if steps.size < 2 or not variance > 0:
        return float("nan")
    alike = 1 - 0.5 * float(steps.var(dtype=np.float64)) / variance
    return edge_mm * float(np.sqrt(-2 * np.log(2) / np.log(alike))) if 0 < alike < 1 else float("nan")
