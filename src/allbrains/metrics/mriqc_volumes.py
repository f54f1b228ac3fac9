"""Shares of the tissues and how mixed their voxels are: MRIQC's ``icvs_*`` and ``rpve_*``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.metrics.native_head import NativeHead
from allbrains.records import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class TissueShares:
    """Gives ``icvs_<tissue>``, its share of the three, and ``rpve_<tissue>``, residual partial volume.

    ``rpve`` follows MRIQC's code and not its formula: every voxel of the image that has none of the tissue
    counts as 1, so that it tells mostly how large the field of view is (10-33, where mixing gives below 1).
    """

    name: ClassVar[str] = "tissue_shares"
    version: ClassVar[int] = 1

    def __call__(self, head: NativeHead) -> dict[str, float]:
        """Return six numbers."""
        sums = {name: float(one.sum(dtype=np.float64)) for name, one in head.fractions.items()}
        total = sum(sums.values())
        told = {f"icvs_{name}": one / total if total > 0 else float("nan") for name, one in sums.items()}
        voxels = head.raw.size
        return told | {f"rpve_{name}": residual_error(f, voxels) for name, f in head.fractions.items()}


def residual_error(fractions: Array, voxels: int) -> float:
    """Return ``(Σ p over p > ½ + Σ (1 - p) over the rest) / n``, n voxels having some of the tissue.

    Args:
        fractions: 0-1; those of the tissue outside their own 2nd to 98th percentile count as 0.
        voxels: of the whole image: those not in ``fractions`` have none.
    """
    some = fractions[fractions > 0]
    if not some.size:
        return float("nan")
    low, high = np.percentile(some, [2, 98])
    kept = some[(some >= low) & (some <= high)]
    most = kept > 0.5
    without = voxels - kept.size
    total = kept[most].sum(dtype=np.float64) + (1 - kept[~most]).sum(dtype=np.float64) + without
    return float(total) / some.size
