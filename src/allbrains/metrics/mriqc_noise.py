"""Noise against signal and contrast: MRIQC's ``cjv``, ``cnr``, ``snr_*`` and ``snrd_*``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.metrics.mriqc_summary import statistics
from allbrains.metrics.native_head import NativeHead

_DIETRICH = float(np.sqrt((4 - np.pi) / 2))  # Rayleigh noise of the air → noise of the signal
_NAN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalToNoise:
    """Gives ``cjv``, ``cnr``, ``snr_csf``, ``snr_gm``, ``snr_wm``, ``snr_total`` and ``snrd_`` of the same.

    ``cjv = (mad_wm + mad_gm) / |median_wm - median_gm|``; ``cnr`` is that distance over
    ``√(sd_air² + sd_gm² + sd_wm²)``; ``snr = median / (sd √(n / (n - 1)))``; ``snrd`` has the air's robust
    deviation instead, times Dietrich's factor. ``cnr`` and ``snrd_*`` read the air: NaN where there is none.

    References:
        Ganzetti et al. 2016 (CJV); Magnotta & Friedman 2006 (SNR, CNR); Dietrich et al. 2007 (SNRd); as MRIQC
        21 computes them.
    """

    name: ClassVar[str] = "signal_to_noise"
    version: ClassVar[int] = 1

    def __call__(self, head: NativeHead) -> dict[str, float]:
        """Return ten numbers."""
        of = {name: statistics(values) for name, values in head.samples.items()}
        apart = abs(of["wm"]["median"] - of["gm"]["median"])
        told = {"cjv": (of["wm"]["mad"] + of["gm"]["mad"]) / apart if apart > 0 else _NAN, "cnr": _NAN}
        snr = {name: _snr(one) for name, one in of.items()}
        snrd = dict.fromkeys(of, _NAN)
        if head.around is not None:
            air = statistics(head.around.samples)
            told["cnr"] = apart / float(np.sqrt(sum(s["stdv"] ** 2 for s in (air, of["gm"], of["wm"]))))
            # MRIQC adds 1 to a deviation below 1, of intensities whose WM is 1000
            noise = air["mad"] + (air["mad"] < 1)
            snrd = {name: _DIETRICH * one["median"] / noise for name, one in of.items()}
        for kind, values in (("snr", snr), ("snrd", snrd)):
            told |= {f"{kind}_{name}": value for name, value in values.items()}
            told[f"{kind}_total"] = float(np.mean(list(values.values())))
        return told


def _snr(of: dict[str, float]) -> float:
    if of["n"] < 2 or not of["stdv"] > 0:
        return _NAN
    return of["median"] / (of["stdv"] * float(np.sqrt(of["n"] / (of["n"] - 1))))
