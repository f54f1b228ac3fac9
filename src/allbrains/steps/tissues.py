"""Three tissues from intensities alone, with partial volume; no prior, so no anatomy is assumed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.errors import Reason, ScanUnusable
from allbrains.recipe import Case
from allbrains.records import Array, Volume


@dataclass(frozen=True, slots=True, kw_only=True)
class Tissues:
    """Split the brain into CSF, GM and WM.

    The centres of GM and WM are found by 2-means among voxels brighter than a dark cut, and that cut
    hangs on the WM centre. A freely estimated CSF centre would slide with the amount of CSF, and GM
    would then seem to grow with age. Between two neighbouring centres a voxel is a linear mix.

    Attributes:
        dark_cut: intensity, as a share of the WM centre, where a voxel is half CSF, half GM.
            0.40 was found on 30 manually labelled brains of one scanner.
    """

    name: ClassVar[str] = "tissues"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("t1w", "mask")
    gives: ClassVar[tuple[str, ...]] = ("csf", "gm", "wm")

    dark_cut: float = 0.40

    def __call__(self, case: Case) -> Case:
        """Return the case with ``csf``, ``gm`` and ``wm``: fractions 0-1 that sum to 1 in the mask."""
        volume, mask = case.images["t1w"], case.images["mask"].array
        values = volume.array[mask]
        gm, wm = bright_centres(values, self.dark_cut)
        csf = 2 * self.dark_cut * wm - gm  # so that the middle between CSF and GM is the dark cut
        fractions = partial_volumes(values, csf, gm, wm)
        images = {}
        for name, fraction in zip(("csf", "gm", "wm"), fractions, strict=True):
            array = np.zeros(mask.shape, np.float32)
            array[mask] = fraction
            images[name] = Volume(array=array, affine=volume.affine)
        return case.plus(images=images, numbers={"gm_centre": gm / wm, "wm_centre_raw": wm})


def bright_centres(
    values: Array, dark_cut: float, *, bins: int = 1024, rounds: int = 200
) -> tuple[float, float]:
    """Return the centres of GM and WM: 2-means on the histogram above ``dark_cut`` × the WM centre.

    Args:
        values: intensities in the brain, bias-corrected, any unit.
        dark_cut: share of the WM centre.

    Raises:
        ScanUnusable: the brain has one brightness only.
    """
    positive = values[values > 0]
    if positive.size < 1000:
        raise ScanUnusable(Reason.CONSTANT, f"{positive.size} voxels of the brain are above zero")
    top = float(np.percentile(positive, 99.8))  # vessels and fat would drag the WM centre up
    counts, edges = np.histogram(positive, bins=bins, range=(0.0, top))
    middles = (edges[:-1] + edges[1:]) / 2
    gm, wm = 0.6 * top, 0.85 * top
    for _ in range(rounds):
        dark, bright = dark_cut * wm, (gm + wm) / 2
        between, above = (middles > dark) & (middles <= bright), middles > bright
        if not counts[between].sum() or not counts[above].sum():
            raise ScanUnusable(Reason.CONSTANT, "the brain's intensities don't fall into two groups")
        new = (
            float(np.average(middles[between], weights=counts[between])),
            float(np.average(middles[above], weights=counts[above])),
        )
        if new == (gm, wm):
            break
        gm, wm = new
    return gm, wm


def partial_volumes(values: Array, csf: float, gm: float, wm: float) -> tuple[Array, Array, Array]:
    """Return the fractions of CSF, GM and WM of each value: linear between neighbouring centres."""
    white = np.clip((values - gm) / (wm - gm), 0, 1)
    dark = np.clip((gm - values) / (gm - csf), 0, 1)
    return dark, 1 - white - dark, white
