"""Artefacts and noise in the air above the head: MRIQC's ``qi_1`` and ``qi_2``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.metrics.native_head import NativeHead
from allbrains.records import Array

_NAN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class AirQuality:
    """Gives ``qi_1``, the share of the air that is artefacts, and ``qi_2``, how far its noise is from χ².

    ``qi_2`` is the mean distance between the density of the air's intensities and of the χ² distribution that
    fits them best, from half the density's peak upwards. NaN where there is no air.

    Attributes:
        fitted: how many intensities, evenly spaced quantiles, the distribution is fitted to.

    References:
        Mortamet et al. 2009, MRM 62:365-372; as MRIQC 21 computes them.
    """

    name: ClassVar[str] = "air_quality"
    version: ClassVar[int] = 1

    fitted: int = 2000

    def __call__(self, head: NativeHead) -> dict[str, float]:
        """Return the two numbers."""
        if head.around is None:
            return {"qi_1": _NAN, "qi_2": _NAN}
        hat = head.around.hat
        air = head.raw[hat]
        return {
            "qi_1": int(head.around.artefacts.sum()) / int(hat.sum()),
            "qi_2": misfit(air[air > 0], self.fitted),
        }


def misfit(air: Array, fitted: int) -> float:
    """Return how far intensities above 0 are from the best χ²; as in MRIQC 0 for fewer than 1000."""
    from scipy.ndimage import gaussian_filter1d
    from scipy.stats import chi2

    if air.size < 1000:
        return 0.0
    top, width = (float(np.percentile(air, p)) for p in (99, 98))
    width *= 0.05
    bins = 1000
    step = top / (bins - 1)
    counts, _ = np.histogram(air, bins, (-step / 2, top + step / 2))
    density = gaussian_filter1d(counts / (air.size * step), width / step, mode="constant")
    above = np.flatnonzero(density > 0.5 * density.max())
    tail = slice(int(above[-1]), None)
    level = np.linspace(0, 95, fitted)
    _, *place = chi2.fit(np.percentile(air, level), f0=32)
    expected = chi2.pdf(np.linspace(0.0, top, bins), 32, *place)
    return float(abs(density[tail] - expected[tail]).mean())
