"""Overlap of the registered scan with the template: Dice and Jaccard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.records import Array
from allbrains.space.template import Template, template


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Gives ``template_mask_dice`` and, with the template's tissues, the overlap of each fraction, 0-1.

    ``gm_overlap`` and ``wm_overlap`` are the soft Dice ``2 Σ min(a, b) / Σ (a + b)``; ``tpm_overlap_csf``,
    ``tpm_overlap_gm`` and ``tpm_overlap_wm`` MRIQC's fuzzy Jaccard ``Σ min(a, b) / Σ max(a, b)``, here in
    template space; CSF of the template is what its brain has besides the two.
    """

    name: ClassVar[str] = "overlap"
    version: ClassVar[int] = 2

    def __call__(self, case: Case) -> dict[str, float]:
        """Return the numbers above."""
        mask = case.images["template_mask"]
        fixed = template(mask.spacing[0])
        gm, wm = (case.images[f"template_{name}"].array for name in ("gm", "wm"))
        pairs = {
            "csf": tuple(np.clip(m - g - w, 0, 1) for m, g, w in ((mask.array, gm, wm), fixed_maps(fixed))),
            "gm": (gm, fixed.gm),
            "wm": (wm, fixed.wm),
        }
        return {
            "template_mask_dice": soft_dice(mask.array, fixed.mask),
            "gm_overlap": soft_dice(*pairs["gm"]),
            "wm_overlap": soft_dice(*pairs["wm"]),
            **{f"tpm_overlap_{name}": fuzzy_jaccard(*pair) for name, pair in pairs.items()},
        }


def fixed_maps(fixed: Template) -> tuple[Array, Array, Array]:
    """Return the template's brain mask, GM and WM."""
    return fixed.mask.astype(np.float32), fixed.gm, fixed.wm


def soft_dice(one: Array, other: Array) -> float:
    """Return ``2 Σ min(a, b) / Σ (a + b)`` of two arrays of one shape, values 0-1."""
    total = float(one.sum(dtype=np.float64) + other.sum(dtype=np.float64))
    return 2 * float(np.minimum(one, other).sum(dtype=np.float64)) / total if total else 0.0


def fuzzy_jaccard(one: Array, other: Array) -> float:
    """Return ``Σ min(a, b) / Σ max(a, b)`` of two arrays of one shape, values 0-1; 0 where both are empty."""
    most = float(np.maximum(one, other).sum(dtype=np.float64))
    return float(np.minimum(one, other).sum(dtype=np.float64)) / most if most else 0.0
