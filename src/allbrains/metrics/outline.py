"""The brain mask's outline: its shape, and where something other than the skull ends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.records import Array, Volume


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What ends the brain mask, and how round it is.

    Gives ``mask_sphericity``, 1 for a ball: ``π^⅓ (6V)^⅔ / A``; ``cut_by_fov``, the share of the mask's
    surface that lies on a face of the field of view; and ``cut_by_void``, the share that touches a region
    in which every voxel has one and the same lowest value, as defacing leaves it. An image stripped
    before has nothing else around it, so for one ``cut_by_void`` is 0.

    Attributes:
        coarse_mm: voxels are left out down to this spacing: the shape needs no more.
        smoothing_mm: standard deviation of the Gaussian before the area is read from slopes: faces of
            voxels have half as much area again as the surface that they stand for.
        void_mm: a region thinner than twice this is a dark gap, no void.
        touch_mm: how far a void may be from the mask to touch it; a voxel of the coarse grid at least.
    """

    name: ClassVar[str] = "outline"
    version: ClassVar[int] = 2

    coarse_mm: float = 2.0
    smoothing_mm: float = 2.0
    void_mm: float = 3.0
    touch_mm: float = 2.0

    def __call__(self, case: Case) -> dict[str, float]:
        """Return the numbers; needs ``t1w`` before anything outside the mask is blanked."""
        mask, volume = case.images["mask"], case.images["t1w"]
        stripped = case.texts.get("input_stripped") == "yes"
        coarse = thinned(mask, self.coarse_mm)
        return {
            "mask_sphericity": sphericity(coarse, self.smoothing_mm),
            "cut_by_fov": share_on_faces(mask),
            "cut_by_void": 0.0 if stripped else self._share_on_void(coarse, thinned(volume, self.coarse_mm)),
        }

    def _share_on_void(self, mask: Volume, volume: Volume) -> float:
        from scipy.ndimage import distance_transform_edt

        inside = mask.array
        lowest = (volume.array == volume.array.min()) & ~inside
        if not lowest.any():
            return 0.0
        # opened by a ball: what is left after wearing it down by its radius, grown back by it
        deep = distance_transform_edt(lowest, sampling=mask.spacing) > self.void_mm
        if not deep.any():
            return 0.0
        to_void = distance_transform_edt(~deep, sampling=mask.spacing) - self.void_mm
        surface = surface_of(inside)
        # measured from centre to centre, a neighbour is one edge away, however long that is
        reach = max(self.touch_mm, *mask.spacing) * (1 + 1e-6)
        return float((to_void[surface] <= reach).mean())


def thinned(volume: Volume, spacing_mm: float) -> Volume:
    """Return every n-th voxel along each axis, so that the spacing comes close to the one wanted."""
    steps = [max(1, round(spacing_mm / s)) for s in volume.spacing]
    x, y, z = (slice(None, None, n) for n in steps)
    return Volume(array=volume.array[x, y, z], affine=volume.affine @ np.diag([*steps, 1.0]))


def surface_of(mask: Array) -> Array:
    """Return the mask's voxels that have a neighbour outside it; the field of view's end is no outside."""
    from scipy.ndimage import binary_erosion

    surface: Array = mask & ~binary_erosion(mask, border_value=1)
    return surface


def share_on_faces(mask: Volume) -> float:
    """Return the share of a mask's surface, counted in voxels' faces, that lies on the grid's own faces."""
    inside, (x, y, z) = mask.array, mask.spacing
    on_grid = total = 0.0
    for axis, area in enumerate((y * z, x * z, x * y)):
        ends = sum(int(np.take(inside, k, axis=axis).sum()) for k in (0, -1))
        between = int(np.count_nonzero(np.diff(inside, axis=axis)))
        on_grid += ends * area
        total += (ends + between) * area
    return on_grid / total if total else 0.0


def sphericity(mask: Volume, smoothing_mm: float) -> float:
    """Return ``π^⅓ (6V)^⅔ / A``: 1 for a ball, less for everything else.

    The area is the integral of the slope of the smoothed mask (the coarea formula).
    """
    from scipy.ndimage import gaussian_filter

    margin = [int(np.ceil(3 * smoothing_mm / s)) for s in mask.spacing]
    padded = np.pad(mask.array, [(n, n) for n in margin]).astype(np.float32)
    smooth = gaussian_filter(padded, [smoothing_mm / s for s in mask.spacing], truncate=3.0)
    squares = sum(np.gradient(smooth, s, axis=k) ** 2 for k, s in enumerate(mask.spacing))
    voxel = float(np.prod(mask.spacing))
    area = float(np.sqrt(squares).sum(dtype=np.float64)) * voxel
    volume = float(mask.array.sum()) * voxel
    return float(np.pi ** (1 / 3) * (6 * volume) ** (2 / 3) / area) if area else float("nan")
