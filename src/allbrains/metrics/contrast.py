"""Contrast of grey and white matter: CJV, CNR and SNR."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.records import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Coefficient of joint variation, contrast and signal to noise, from voxels deep in one tissue.

    Gives ``cjv_deep``, ``(sd_wm + sd_gm) / |mean_wm - mean_gm|`` (lower is better: noise, motion and bias
    raise it); ``cnr_deep``, ``|mean_wm - mean_gm| / √(sd_wm² + sd_gm²)``, which unlike the usual one reads
    no air; and ``snr_gm_deep`` and ``snr_wm_deep``, ``mean / (sd √(n / (n - 1)))``. None for CSF: the
    little of it that is deep in CSF pulsates.

    A voxel counts by what surrounds it, not by its own fraction: fractions come from intensities, so a
    cut in them would cut the very spread that is to be measured (the SNR of grey matter was 26 in every
    scan that way).

    Attributes:
        purest: share of each tissue's voxels that count, those with most of it in their 3×3×3 neighbourhood.
            A share and no cut, so that a noisy scan has as many as a clean one.

    References:
        Ganzetti et al. 2016 (CJV); Magnotta & Friedman 2006 (SNR, CNR); means and standard
        deviations as they wrote them; MRIQC's own, of medians, are in ``mriqc_noise``.
    """

    name: ClassVar[str] = "contrast"
    version: ClassVar[int] = 3

    purest: float = 0.25

    def __call__(self, case: Case) -> dict[str, float]:
        """Return the four numbers; NaN where a tissue has no two voxels or all have one value."""
        values = case.images["t1w"].array
        gm, wm = (values[deep(case.images[name].array, self.purest)] for name in ("gm", "wm"))
        told = dict.fromkeys(("cjv_deep", "cnr_deep"), float("nan"))
        told |= {"snr_gm_deep": _snr(gm), "snr_wm_deep": _snr(wm)}
        if min(gm.size, wm.size) < 2:
            return told
        apart = abs(_mean(wm) - _mean(gm))
        if apart > 0:
            told["cjv_deep"] = (_deviation(wm) + _deviation(gm)) / apart
        if spread := float(np.hypot(_deviation(wm), _deviation(gm))):
            told["cnr_deep"] = apart / spread
        return told


def deep(fractions: Array, share: float) -> Array:
    """Return the given share of a tissue's voxels with most of it in their neighbourhood, or more on a tie.

    Args:
        fractions: of the tissue, shape (x, y, z), 0-1; its voxels are those above 0.5.
        share: 0-1.
    """
    from scipy.ndimage import uniform_filter

    inside = fractions > 0.5
    if not inside.any():
        return inside
    around = uniform_filter(fractions, 3)
    level = np.quantile(around[inside], 1 - share)
    chosen: Array = inside & (around >= level)
    return chosen


def _mean(values: Array) -> float:
    return float(values.mean(dtype=np.float64))


def _deviation(values: Array) -> float:
    return float(values.std(dtype=np.float64))


def _snr(values: Array) -> float:
    if values.size < 2 or not _deviation(values) > 0:
        return float("nan")
    return _mean(values) / (_deviation(values) * float(np.sqrt(values.size / (values.size - 1))))
