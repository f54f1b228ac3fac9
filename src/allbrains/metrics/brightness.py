"""White matter over maximum: how far the brightest voxels stand above white matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Brightness:
    """Gives ``wm2max_brain``: median of white matter over the brain's 99.95th percentile, 0-1.

    MRIQC takes the percentile over the whole head, where fat and the neck's vessels lower it to 0.6-0.8;
    within the brain it is higher, and the same for defaced and stripped images.

    Attributes:
        purity: fraction above which a voxel counts as white matter.
    """

    name: ClassVar[str] = "brightness"
    version: ClassVar[int] = 2

    purity: float = 0.9

    def __call__(self, case: Case) -> dict[str, float]:
        """Return ``wm2max_brain``; NaN without white matter."""
        values = case.images["t1w"].array
        white = values[case.images["wm"].array > self.purity]
        top = float(np.percentile(values[case.images["mask"].array], 99.95))
        return {"wm2max_brain": float(np.median(white)) / top if white.size and top > 0 else float("nan")}
