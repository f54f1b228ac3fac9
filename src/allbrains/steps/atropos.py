"""Three tissues by ANTs' Atropos, without priors or with the template's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.errors import Reason, ScanUnusable
from allbrains.records import Array, Volume
from allbrains.space.grid import sample
from allbrains.space.template import template
from allbrains.steps.ants_bridge import ants, to_ants
from allbrains.steps.centres import centres
from allbrains.steps.labels import template_points

_NAMES = ("csf", "gm", "wm")  # by rising brightness: the order of Atropos' k-means classes


@dataclass(frozen=True, slots=True, kw_only=True)
class Atropos:
    """Segment by a Gaussian mixture with a Markov random field.

    Attributes:
        prior_weight: 0 starts from k-means and uses no prior; above it the template's GM and WM, warped
            to the scan, and what they leave as CSF count so much against the intensities, 0-1.
        smoothing: weight of the Markov random field.
        iterations: at most.

    References:
        Avants et al. 2011, Neuroinformatics 9:381-400.
    """

    name: ClassVar[str] = "atropos"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("t1w", "mask", "warp")
    gives: ClassVar[tuple[str, ...]] = _NAMES

    prior_weight: float = 0.0
    smoothing: float = 0.1
    iterations: int = 3

    def __call__(self, case: Case) -> Case:
        """Return the case with ``csf``, ``gm`` and ``wm``: probabilities that sum to 1 in the mask.

        Raises:
            ScanUnusable: the brain has one brightness only, or a tissue is missing from it.
        """
        t1w, mask = case.images["t1w"], case.images["mask"]
        values = t1w.array[mask.array]
        if np.unique(values[:: max(1, values.size // 1000)]).size < len(_NAMES):
            raise ScanUnusable(Reason.CONSTANT, "the brain has fewer shades than tissues")
        # the grid without its place in the world: priors travel as files, whose 32-bit headers put an
        # oblique grid elsewhere by a rounding, and Atropos then refuses to see the same grid
        grid = np.diag([*t1w.spacing, 1.0])
        start: Any = f"kmeans[{len(_NAMES)}]"
        if self.prior_weight > 0:
            start = [to_ants(prior, grid) for prior in priors(case)]
        found = ants().atropos(
            a=to_ants(t1w.array, grid),
            x=to_ants(mask.array, grid),  # as float: Atropos dies of a mask of booleans
            i=start,
            m=f"[{self.smoothing:g},1x1x1]",
            c=f"[{self.iterations},0]",
            priorweight=self.prior_weight,
            r=0,  # its random start is the one thing that the deterministic mode leaves random
        )
        maps = [np.where(mask.array, image.numpy(), np.float32(0)) for image in found["probabilityimages"]]
        if len(maps) != len(_NAMES):
            raise ScanUnusable(Reason.CONSTANT, f"Atropos found {len(maps)} tissues of {len(_NAMES)}")
        return case.plus(
            images={n: Volume(array=a, affine=t1w.affine) for n, a in zip(_NAMES, maps, strict=True)},
            numbers=centres(t1w.array, maps[1], maps[2]),
        )


def priors(case: Case) -> list[Array]:
    """Return the template's CSF, GM and WM on the scan's grid: float32, sum 1 in the mask, 0 outside.

    CSF is what GM and WM leave: outside the template's brain, too, where the scan's mask goes beyond.
    """
    mask = case.images["mask"]
    fixed = template(1.0)
    points = template_points(case.warps["warp"], mask.affine, mask.array)
    gm, wm = sample([fixed.gm, fixed.wm], fixed.affine, points)
    total = np.maximum(gm + wm, 1)
    out = []
    for values in (1 - np.minimum(gm + wm, 1), gm / total, wm / total):
        array = np.zeros(mask.array.shape, np.float32)
        array[mask.array] = values
        out.append(array)
    return out
