"""Euler characteristic of white matter: noise and motion tear handles and holes into it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.records import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Gives ``wm_euler``, the Euler characteristic of the largest piece of white matter.

    Pieces - handles + cavities: 1 for a ball, far below 0 for a noisy segmentation. On the template's
    grid, so that scans of different voxels and sizes can be compared.

    References:
        Rosen et al. 2018, NeuroImage 169:407-418 (the Euler number as the best automatic measure of quality,
        there of FreeSurfer's surfaces).
    """

    name: ClassVar[str] = "topology"
    version: ClassVar[int] = 1

    def __call__(self, case: Case) -> dict[str, float]:
        """Return ``wm_euler``."""
        from scipy.ndimage import label

        pieces, count = label(case.images["template_wm"].array > 0.5)
        if not count:
            return {"wm_euler": 0.0}
        sizes = np.bincount(pieces.ravel())
        sizes[0] = 0
        return {"wm_euler": float(euler(pieces == sizes.argmax()))}


def euler(mask: Array) -> int:
    """Return the Euler characteristic of a mask of closed cubes: vertices - edges + faces - cubes.

    Cubes that share an edge or a corner touch (26-connectivity).
    """
    padded = np.pad(mask, 1)
    total = 0
    for axes in range(8):  # over which axes the cells have no extent: none for cubes, all for vertices
        cells = padded
        for axis in range(3):
            if axes >> axis & 1:
                low = tuple(slice(None, -1) if k == axis else slice(None) for k in range(3))
                high = tuple(slice(1, None) if k == axis else slice(None) for k in range(3))
                cells = cells[low] | cells[high]
        total += (-1) ** (3 - axes.bit_count()) * int(np.count_nonzero(cells))
    return total
