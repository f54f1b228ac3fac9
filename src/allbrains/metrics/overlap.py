"""How well the registered scan covers the template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.records import Array
from allbrains.space.template import template


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Gives ``template_mask_dice`` and, with the template's tissues, ``gm_overlap`` and ``wm_overlap``.

    The tissues' is the soft Dice ``2 Σ min(a, b) / Σ (a + b)`` of two fractions, 0-1.
    """

    name: ClassVar[str] = "overlap"
    version: ClassVar[int] = 1

    def __call__(self, case: Case) -> dict[str, float]:
        """Return the numbers above."""
        mask = case.images["template_mask"]
        fixed = template(mask.spacing[0])
        return {
            "template_mask_dice": soft_dice(mask.array, fixed.mask),
            "gm_overlap": soft_dice(case.images["template_gm"].array, fixed.gm),
            "wm_overlap": soft_dice(case.images["template_wm"].array, fixed.wm),
        }


def soft_dice(one: Array, other: Array) -> float:
    """Return ``2 Σ min(a, b) / Σ (a + b)`` of two arrays of one shape, values 0-1."""
    total = float(one.sum(dtype=np.float64) + other.sum(dtype=np.float64))
    return 2 * float(np.minimum(one, other).sum(dtype=np.float64)) / total if total else 0.0
