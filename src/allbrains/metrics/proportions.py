"""Whether a head has a head's proportions: voxels whose edges were lost show here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Proportions:
    """Gives ``affine_anisotropy``: by how much more the template was stretched one way than another.

    It is the affine's largest singular value over its smallest. Ten real heads have 1.05 to 1.17, for brains
    differ in breadth over length by 5 % (standard deviation); edges of 1 × 1.33 × 1.33 mm that were read as
    1 × 1 × 1 make it 1.25 and more.
    """

    name: ClassVar[str] = "proportions"
    version: ClassVar[int] = 1

    def __call__(self, case: Case) -> dict[str, float]:
        """Return ``affine_anisotropy``, 1 and more."""
        scales = np.linalg.svd(case.warps["warp"].affine[:3, :3])[1]
        return {"affine_anisotropy": float(scales.max() / scales.min())}
