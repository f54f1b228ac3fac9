"""Where an image's energy is: MRIQC's ``efc``, ``fber`` and ``wm2max``, of the whole head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.metrics.entropy import entropy_focus
from allbrains.metrics.native_head import NativeHead

_NAN = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """Gives ``efc``, ``fber`` and ``wm2max``.

    ``efc``: entropy focus criterion of all voxels that were not blanked. ``fber``: median energy of the head
    over that of the background, 0 where the latter's is nothing, NaN where there is no background.
    ``wm2max``: median of WM over the image's 99.95th percentile, 0.6-0.8 for a whole head.

    References:
        Atkinson et al. 1997 (EFC); Shehzad et al. 2015 (FBER); as MRIQC 21 computes them.
    """

    name: ClassVar[str] = "energy"
    version: ClassVar[int] = 1

    def __call__(self, head: NativeHead) -> dict[str, float]:
        """Return three numbers."""
        white = head.samples["wm"]
        top = float(np.percentile(head.values[::2, ::2, ::2], 99.95))
        return {
            "efc": entropy_focus(head.values[~head.frame]),
            "fber": _fber(head),
            "wm2max": float(np.median(white)) / top if white.size and top > 0 else _NAN,
        }


def _fber(head: NativeHead) -> float:
    if head.around is None:
        return _NAN
    bright, dark = (float(np.median(head.values[m])) ** 2 for m in (head.around.head, head.around.background))
    return bright / dark if dark >= 1e-3 else 0.0
