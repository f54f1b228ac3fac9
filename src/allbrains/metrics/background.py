"""Background level: air is dark, but in some images it is noise as bright as the brain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """Gives ``background_level``: how bright the field of view's corners are, brightest voxels = 1.

    A ratio image such as MP2RAGE's UNI has noise of every brightness where there is no signal, so it
    comes out near 0.5; air gives a few hundredths and defaced or stripped images 0. The median of eight
    corners, so that a shoulder in one or a defaced face in two doesn't matter.

    Attributes:
        corner: edge of a corner's block, as a share of the field of view.
        brightest: percentile that counts as 1.
    """

    name: ClassVar[str] = "background"
    version: ClassVar[int] = 1

    corner: float = 0.1
    brightest: float = 99.0

    def __call__(self, case: Case) -> dict[str, float]:
        """Return ``background_level``; needs the whole ``t1w``."""
        values = case.images["t1w"].array
        edge = [max(1, round(self.corner * n)) for n in values.shape]
        ends = [(slice(None, n), slice(-n, None)) for n in edge]
        medians = [np.median(abs(values[x, y, z])) for x in ends[0] for y in ends[1] for z in ends[2]]
        # a percentile of a regular eighth is that of all, at an eighth of the time
        top = float(np.percentile(values[::2, ::2, ::2], self.brightest))
        return {"background_level": float(np.median(medians)) / top if top > 0 else float("nan")}
