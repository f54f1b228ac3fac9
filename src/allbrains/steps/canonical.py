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
        min_extent_mm: a field of view smaller than this along any axis holds no head.
        max_off_zero: how far the darkest percent may lie below 0, or the darkest voxel above it, as a share
            of the range up to the brightest. Interpolation leaves ripples of a hundredth below 0, noise in
            air a few hundredths above; a ratio image such as MP2RAGE's runs from -0.5 to 0.5, CT's numbers
            begin at -1024, and unsigned copies of signed ones at 32768. Such an image is moved until its
            darkest voxel is 0.
        gap: between the darkest value and the next, as a multiple of the range above it, beyond which the
            darkest is not of the scan: a face or a border that was set to 0 in an image with an offset.
    """

    name: ClassVar[str] = "canonical"
    version: ClassVar[int] = 3
    needs: ClassVar[tuple[str, ...]] = ("t1w",)
    gives: ClassVar[tuple[str, ...]] = ("t1w", "t1w_native")

    min_extent_mm: float = 60.0
    max_off_zero: float = 0.1
    gap: float = 2.0

    def __call__(self, case: Case) -> Case:
        """Return the case with ``t1w`` reoriented: a voxel keeps its world coordinates.

        NaN and infinite voxels become 0, or the darkest value where that is less, and are marked in the image
        ``non_finite``, bool, which is there only where there are any: outside of the brain they harm nothing.
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
        if share == 1:
            raise ScanUnusable(Reason.NON_FINITE, "every voxel is NaN or infinite")
        lost = {"non_finite": Volume(array=bad, affine=volume.affine)} if share else {}
        if share:
            lowest = float(array.min(where=~bad, initial=0.0))
            array = np.where(bad, np.float32(lowest), array)
        low, high = float(array.min()), float(array.max())
        if not high > low:
            raise ScanUnusable(Reason.CONSTANT, f"every voxel is {low:g}")
        floor = self._floor(array, low)
        if floor:
            array = np.maximum(array - np.float32(floor), np.float32(0))
        return case.plus(
            images={
                **dict.fromkeys(("t1w", "t1w_native"), Volume(array=array, affine=volume.affine)),
                **lost,
            },
            numbers={
                **{f"fov_{axis}_mm": e for axis, e in zip("xyz", extent, strict=True)},
                **{f"spacing_{axis}_mm": s for axis, s in zip("xyz", volume.spacing, strict=True)},
                "voxels": float(array.size),
                "non_finite_share": share,
                "lifted": float(floor != 0),
            },
            # the grid of the file as published, which maps are brought back to
            texts={"scan_grid": json.dumps({"shape": given.array.shape, "affine": given.affine.tolist()})},
        )

    def _floor(self, array: Array, low: float) -> float:
        """Return the value that stands for nothing, where that is clearly not 0; else 0."""
        dark, bright = np.percentile(array[::2, ::2, ::2], [1, 99])
        if low < 0:
            return low if dark < -self.max_off_zero * (bright - dark) else 0.0
        # a constant was added, perhaps before a face or a border was set to 0
        next_lowest = float(array.min(where=array > low, initial=np.inf))
        floor = next_lowest if next_lowest - low > self.gap * (bright - next_lowest) > 0 else low
        return floor if floor > self.max_off_zero * (bright - floor) > 0 else 0.0


def reorient(volume: Volume) -> Volume:
    """Return the volume with axes permuted and flipped to be closest to RAS+; world positions stay."""
    from nibabel import orientations

    turn = orientations.io_orientation(volume.affine)
    array = orientations.apply_orientation(volume.array, turn)
    affine = volume.affine @ orientations.inv_ornt_aff(turn, volume.array.shape)
    return Volume(array=array, affine=affine)
