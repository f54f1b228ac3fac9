"""Blur in voxels, and the grid: MRIQC's ``fwhm_*``, ``size_*`` and ``spacing_*``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from allbrains.metrics.native_head import NativeHead
from allbrains.metrics.smoothness import fwhm_mm


@dataclass(frozen=True, slots=True, kw_only=True)
class VoxelSmoothness:
    """Gives ``fwhm_x``, ``fwhm_y``, ``fwhm_z`` and their mean ``fwhm_avg``, in voxels, of the raw brain.

    Also ``size_x`` … in voxels and ``spacing_x`` … in mm, of the grid with RAS+ axes.

    References:
        Forman et al. 1995; AFNI's ``3dFWHMx``, which MRIQC runs on the image as it was read.
    """

    name: ClassVar[str] = "voxel_smoothness"
    version: ClassVar[int] = 1

    def __call__(self, head: NativeHead) -> dict[str, float]:
        """Return ten numbers."""
        brain = head.raw[head.box]
        widths = [fwhm_mm(brain, head.mask, axis, 1.0) for axis in range(3)]
        told = {f"fwhm_{name}": width for name, width in zip("xyz", widths, strict=True)}
        told["fwhm_avg"] = sum(widths) / 3
        told |= {f"size_{name}": float(n) for name, n in zip("xyz", head.raw.shape, strict=True)}
        return told | {f"spacing_{name}": s for name, s in zip("xyz", head.spacing, strict=True)}
