"""Proportions and tilt of the head in the affine: wrong headers show here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportions:
    """Gives ``affine_anisotropy``, by how much more the template was stretched one way than another.

    It is the affine's largest singular value over its smallest. Ten real heads have 1.05 to 1.17, for brains
    differ in breadth over length by 5 % (standard deviation); edges of 1 × 1.33 × 1.33 mm that were read as
    1 × 1 × 1 make it 1.25 and more. And ``affine_turn_deg``, by how much the template was turned: heads lie
    nose down by up to 45°; beyond 60° it is the header that is turned.
    """

    name: ClassVar[str] = "proportions"
    version: ClassVar[int] = 1

    def __call__(self, case: Case) -> dict[str, float]:
        """Return both numbers; of the warp's affine part."""
        left, scales, right = np.linalg.svd(case.warps["warp"].affine[:3, :3])
        cosine = (np.trace(left @ right) - 1) / 2
        return {
            "affine_anisotropy": float(scales.max() / scales.min()),
            "affine_turn_deg": float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))),
        }
