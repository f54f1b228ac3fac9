"""Tissue fractions: the shares of CSF, GM and WM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class TissueFractions:
    """Gives ``csf_fraction``, ``gm_fraction``, ``wm_fraction``: shares of the three together, 0-1.

    By the recipe's own tissues; MRIQC's ``icvs_*``, by three classes of intensity, are in ``mriqc_volumes``.
    """

    name: ClassVar[str] = "tissue_fractions"
    version: ClassVar[int] = 1

    def __call__(self, case: Case) -> dict[str, float]:
        """Return the three numbers."""
        sums = {name: float(case.images[name].array.sum(dtype=np.float64)) for name in ("csf", "gm", "wm")}
        total = sum(sums.values())
        return {f"{name}_fraction": one / total if total else 0.0 for name, one in sums.items()}
