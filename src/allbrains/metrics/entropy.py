"""Entropy focus criterion: ghosts and blur spread an image's energy over more voxels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.records import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Entropy:
    """Gives ``efc_brain``, the entropy focus criterion of the brain, 0 (one voxel has it all) to 1 (uniform).

    Over the brain alone; MRIQC's ``efc``, of all that was not blanked, is in ``mriqc_energy``.

    References:
        Atkinson et al. 1997, IEEE TMI 16:903-910, normalised as MRIQC 24 does.
    """

    name: ClassVar[str] = "entropy"
    version: ClassVar[int] = 2

    def __call__(self, case: Case) -> dict[str, float]:
        """Return ``efc_brain``; NaN for a brain without energy."""
        return {"efc_brain": entropy_focus(case.images["t1w"].array[case.images["mask"].array])}


def entropy_focus(values: Array) -> float:
    """Return ``Σ (x/X) ln(x/X) / (√n ln(1/√n))`` with ``X = √Σx²``, of n values; negative ones count as 0."""
    positive = values[values > 0].astype(np.float64)
    energy = float(np.sqrt((positive**2).sum()))
    if values.size < 2 or not energy > 0:
        return float("nan")
    share = positive / energy
    most = np.sqrt(values.size) * np.log(1 / np.sqrt(values.size))
    return float((share * np.log(share)).sum() / most)
