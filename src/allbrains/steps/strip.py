"""Crop to the brain and blank the rest, for recipes with mask steps that leave the images whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.records import Volume
from allbrains.steps.brain_mask import box_of, crop


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Crop T1w, mask and every image on their grid to the brain; set the T1w outside the mask to 0.

    ``t1w_native`` stays whole: metrics read the air and the face in it.

    Attributes:
        margin_mm: kept around the brain.
    """

    name: ClassVar[str] = "strip"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("t1w", "mask")
    gives: ClassVar[tuple[str, ...]] = ("t1w", "mask")

    margin_mm: float = 8.0

    def __call__(self, case: Case) -> Case:
        """Return the case with its images cropped; those of other grids stay as they are."""
        mask = case.images["mask"]
        box = box_of(mask, self.margin_mm)
        images = {
            name: crop(volume, box)
            for name, volume in case.images.items()
            if name != "t1w_native"
            and volume.array.shape == mask.array.shape
            and np.array_equal(volume.affine, mask.affine)
        }
        t1w = images["t1w"]
        blank = np.where(images["mask"].array, t1w.array, np.float32(0))
        return case.plus(images=images | {"t1w": Volume(array=blank, affine=t1w.affine)})
