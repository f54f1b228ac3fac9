"""Crop to the brain and blank the rest, for recipes whose masks leave the image whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.recipe import Case
from allbrains.records import Volume
from allbrains.steps.brain_mask import cropped


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Crop T1w and mask to the brain, and set what is outside the mask to 0.

    Attributes:
        margin_mm: kept around the brain.
    """

    name: ClassVar[str] = "strip"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("t1w", "mask")
    gives: ClassVar[tuple[str, ...]] = ("t1w", "mask")

    margin_mm: float = 8.0

    def __call__(self, case: Case) -> Case:
        """Return the case with ``t1w`` and ``mask`` cropped; other images keep their grids."""
        images = cropped(case.images["t1w"], case.images["mask"].array, self.margin_mm)
        t1w, mask = images["t1w"], images["mask"]
        stripped = np.where(mask.array, t1w.array, np.float32(0))
        return case.plus(images={"t1w": Volume(array=stripped, affine=t1w.affine), "mask": mask})
