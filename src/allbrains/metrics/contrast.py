"""How well grey and white matter can be told apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.recipe import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Coefficient of joint variation and signal-to-noise ratio, from voxels of one tissue each.

    Gives ``cjv`` (lower is better: noise, motion and bias raise it), ``snr_gm`` and ``snr_wm``.

    Attributes:
        purity: fraction above which a voxel counts as one tissue. At 0.9 the partial volumes stay
            out, and with them most of what depends on the tissue model.

    References:
        Ganzetti et al. 2016 (CJV); formulas as MRIQC 24 writes them.
    """

    name: ClassVar[str] = "contrast"
    version: ClassVar[int] = 1

    purity: float = 0.9

    def __call__(self, case: Case) -> dict[str, float]:
        """Return ``cjv``, ``snr_gm`` and ``snr_wm``; NaN where a tissue has no pure voxel."""
        values = case.images["t1w"].array
        means, deviations, snr = {}, {}, {}
        for name in ("gm", "wm"):
            pure = values[case.images[name].array > self.purity]
            if pure.size < 2:
                return {"cjv": float("nan"), "snr_gm": float("nan"), "snr_wm": float("nan")}
            means[name], deviations[name] = float(pure.mean()), float(pure.std())
            snr[name] = means[name] / (deviations[name] * np.sqrt(pure.size / (pure.size - 1)))
        cjv = (deviations["wm"] + deviations["gm"]) / abs(means["wm"] - means["gm"])
        return {"cjv": cjv, "snr_gm": float(snr["gm"]), "snr_wm": float(snr["wm"])}
