"""Closest canonical orientation (RAS+ axes), float32, and what can be judged from voxels alone."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.errors import Reason, ScanUnusable
from allbrains.records import Array, Volume


@dataclass(frozen=True, slots=True, kw_only=True)
class Canonical:
    """Turn and flip the axes so that they run closest to right, anterior, superior; no resampling.

    Attributes:
        max_non_finite: share of NaN or infinite voxels above which a scan is refused, 0-1; below it
            they become 0.
        min_extent_mm: a field of view smaller than this along any axis holds no head.
        max_below: how far the darkest percent may lie below 0, as a share of the range up to the
            brightest. Interpolation leaves ripples of a hundredth below 0; a ratio image such as
            MP2RAGE's runs from -0.5 to 0.5, and is lifted until its darkest voxel is 0.
    """

    name: ClassVar[str] = "canonical"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("t1w",)
    gives: ClassVar[tuple[str, ...]] = ("t1w", "t1w_native")

    max_non_finite: float = 0.01
    min_extent_mm: float = 60.0
    max_below: float = 0.1

    def __call__(self, case: Case) -> Case:
        """Return the case with ``t1w`` reoriented: a voxel keeps its world coordinates.

        ``t1w_native`` is the same image; it stays whole and as it is until the metrics have read it.
        """
        given = case.images["t1w"]
        volume = reorient(given)
        array = np.ascontiguousarray(volume.array, dtype=np.float32)
        extent = [n * s for n, s in zip(array.shape, volume.spacing, strict=True)]
        if min(extent) < self.min_extent_mm:
            found = "×".join(f"{e:.0f}" for e in extent)
            raise ScanUnusable(
                Reason.IMPLAUSIBLE_BRAIN,
                f"the field of view is {found} mm; a head needs {self.min_extent_mm:.0f} mm along each axis",
            )
        bad = ~np.isfinite(array)
        share = float(bad.mean())
        if share > self.max_non_finite:
            raise ScanUnusable(Reason.NON_FINITE, f"{share:.1%} of the voxels are NaN or infinite")
        if share:
            array = np.where(bad, np.float32(0), array)
        low, high = float(array.min()), float(array.max())
        if not high > low:
            raise ScanUnusable(Reason.CONSTANT, f"every voxel is {low:g}")
        lifted = low < 0 and self._runs_below(array)
        if lifted:
            array = array - np.float32(low)
        return case.plus(
            images=dict.fromkeys(("t1w", "t1w_native"), Volume(array=array, affine=volume.affine)),
            numbers={
                **{f"fov_{axis}_mm": e for axis, e in zip("xyz", extent, strict=True)},
                **{f"spacing_{axis}_mm": s for axis, s in zip("xyz", volume.spacing, strict=True)},
                "voxels": float(array.size),
                "non_finite_share": share,
                "lifted": float(lifted),
            },
            # the grid of the file as published, which maps are brought back to
            texts={"scan_grid": json.dumps({"shape": given.array.shape, "affine": given.affine.tolist()})},
        )

    def _runs_below(self, array: Array) -> bool:
        dark, bright = np.percentile(array[::2, ::2, ::2], [1, 99])
        return bool(dark < -self.max_below * (bright - dark))


def reorient(volume: Volume) -> Volume:
    """Return the volume with axes permuted and flipped to be closest to RAS+; world positions stay."""
    from nibabel import orientations

    turn = orientations.io_orientation(volume.affine)
    array = orientations.apply_orientation(volume.array, turn)
    affine = volume.affine @ orientations.inv_ornt_aff(turn, volume.array.shape)
    return Volume(array=array, affine=affine)
