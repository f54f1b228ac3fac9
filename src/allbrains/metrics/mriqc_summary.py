"""How bright each tissue and the air are: MRIQC's ``summary_*``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.metrics.native_head import NativeHead
from allbrains.records import Array

_MAD_TO_SD = 0.6744897501960817  # quantile .75 of the normal distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Gives ``summary_<tissue>_<statistic>`` of ``csf``, ``gm``, ``wm`` and ``bg``, the air; WM is 1000.

    Statistics: ``mean``, ``median``, ``mad`` (scaled to a normal standard deviation), ``stdv``, ``k``
    (excess kurtosis), ``p05``, ``p95``, ``n``. Of ``bg`` NaN where there is no air.
    """

    name: ClassVar[str] = "summary"
    version: ClassVar[int] = 1

    def __call__(self, head: NativeHead) -> dict[str, float]:
        """Return 32 numbers."""
        air = np.zeros(0, np.float32) if head.around is None else head.around.samples
        groups = {**head.samples, "bg": air}
        return {
            f"summary_{group}_{name}": value
            for group, values in groups.items()
            for name, value in statistics(values).items()
        }


def statistics(values: Array) -> dict[str, float]:
    """Return the eight statistics of 1-D intensities; NaN, but for ``n``, of fewer than two."""
    names = ("mean", "median", "mad", "stdv", "k", "p05", "p95")
    if values.size < 2:
        return dict.fromkeys(names, float("nan")) | {"n": float(values.size)}
    mean, sd = float(values.mean(dtype=np.float64)), float(values.std(dtype=np.float64))
    low, median, high = (float(one) for one in np.percentile(values, [5, 50, 95]))
    tails = float(((values - mean).astype(np.float64) ** 4).mean()) / sd**4 - 3 if sd > 0 else float("nan")
    found = (mean, median, robust_sd(values), sd, tails, low, high)
    return dict(zip(names, found, strict=True)) | {"n": float(values.size)}


def robust_sd(values: Array) -> float:
    """Return the median distance to the median, scaled to the standard deviation of a normal distribution."""
    return float(np.median(abs(values - np.median(values)))) / _MAD_TO_SD
