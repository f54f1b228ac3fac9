"""How much of each tissue is mixed voxels, and how much of the brain each tissue is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.records import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialVolume:
    """Residual partial-volume error and fraction of each tissue.

    Gives ``rpve_csf``, ``rpve_gm``, ``rpve_wm``: over the mixed voxels of a tissue, without the 2 % at
    either end, the sum of ``p`` where ``p ≥ 0.5`` and of ``1 - p`` below, over their number; and
    ``csf_fraction``, ``gm_fraction``, ``wm_fraction`` of the three together, 0-1.

    References:
        MRIQC 24's ``rpve`` by its formula; its code also counts each voxel that it leaves out as 1.
    """

    name: ClassVar[str] = "partial_volume"
    version: ClassVar[int] = 1

    def __call__(self, case: Case) -> dict[str, float]:
        """Return the six numbers."""
        maps = {name: case.images[name].array for name in ("csf", "gm", "wm")}
        sums = {name: float(one.sum(dtype=np.float64)) for name, one in maps.items()}
        total = sum(sums.values())
        told = {f"rpve_{name}": residual_partial_volume(one) for name, one in maps.items()}
        return told | {f"{name}_fraction": one / total if total else 0.0 for name, one in sums.items()}


def residual_partial_volume(fractions: Array) -> float:
    """Return the rPVE of one tissue's fractions, 0-1 each; 0 where no voxel is mixed."""
    mixed = fractions[(fractions > 0) & (fractions < 1)]
    if not mixed.size:
        return 0.0
    low, high = np.percentile(mixed, [2, 98])
    kept = mixed[(mixed >= low) & (mixed <= high)]
    return float(np.where(kept >= 0.5, kept, 1 - kept).sum(dtype=np.float64)) / mixed.size
