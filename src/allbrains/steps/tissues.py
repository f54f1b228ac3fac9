"""Three tissues from intensities, with partial volume; the template says where a tissue surely is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case, Warp
from allbrains.errors import Reason, ScanUnusable
from allbrains.records import Array, Volume
from allbrains.space.grid import sample, through
from allbrains.space.template import deep_csf
from allbrains.steps.noise import noise_sd, smoothed
from allbrains.steps.regional import TissuePrior, greyless, local_centres, prior_on, white_odds


@dataclass(frozen=True, slots=True, kw_only=True)
class Tissues:
    """Split the brain into CSF, GM and WM.

    The centres of GM and WM are the modes of what the warped template calls surely GM or WM, and of the
    whole histogram: the histogram alone loses them where a tissue is scarce or spotted, as at ninety. Around
    each voxel they move with the scan's own brightness (``regional.py``). The centre of CSF is that of the
    ventricles, which the warp finds: a centre estimated freely from the histogram slides with the amount of
    CSF, and GM would then seem to grow with age; one at a fixed share of WM holds for one contrast only.
    Between two neighbouring centres a voxel is a linear mix; in the brainstem and where the template has no
    GM beside a ventricle, CSF mixes with WM directly.

    Attributes:
        dark_cut: share of the first guess of the WM centre under which nothing counts as GM when the
            centres are sought.
        window: half width of the part of the histogram that a centre is the mean of, as a share of the
            distance between the centres. A centre that is the mean of its whole class sits too low,
            pulled by mixed voxels on one side: WM then comes out 10 to 50 % too large. 0.4 gave the best
            Dice of GM and WM on manual labels and on phantoms alike.
        sure_gm, sure_wm: the template's fraction above which a voxel is surely that tissue.
        histogram: weight of the whole histogram's centres beside the sure voxels'.
        white_weight: how much the template counts where GM and WM are told apart; 0 for nothing.
        ventricle_percentile: of the brightness of deep CSF that counts as pure: narrow ventricles are
            half mixed voxels.
        csf_highest: the centre of CSF at most, as a share of GM's, where the warp misses the ventricles.
        noisy: noise, as a share of the distance between GM and WM, above which voxels are averaged with
            neighbours as bright as they are. Measured: Dice of GM and WM rises by 0.03 at 0.27 and by 0.08
            at 0.9, and by nothing below 0.15, where a second would be wasted on it.
        similar: reach of that mean, in standard deviations of the noise.
    """

    name: ClassVar[str] = "tissues"
    version: ClassVar[int] = 4
    needs: ClassVar[tuple[str, ...]] = ("t1w", "mask", "warp")
    gives: ClassVar[tuple[str, ...]] = ("csf", "gm", "wm")

    dark_cut: float = 0.40
    window: float = 0.4
    sure_gm: float = 0.75
    sure_wm: float = 0.9
    histogram: float = 0.3
    white_weight: float = 0.3
    ventricle_percentile: float = 35.0
    csf_highest: float = 0.6
    noisy: float = 0.15
    similar: float = 2.5

    def __call__(self, case: Case) -> Case:
        """Return the case with ``csf``, ``gm`` and ``wm``: fractions 0-1 that sum to 1 in the mask.

        Also ``noise``, its standard deviation as a share of the distance between the centres of GM and
        WM, and ``csf_centre`` and ``gm_centre`` as shares of ``wm_centre_raw``.

        Raises:
            ScanUnusable: the brain has one brightness only.
        """
        t1w, mask, warp = case.images["t1w"], case.images["mask"].array, case.warps["warp"]
        first = bright_centres(t1w.array[mask], self.dark_cut, self.window)
        sd = noise_sd(t1w.array, mask)
        noise = sd / (first[1] - first[0])
        if noise > self.noisy:
            t1w = Volume(array=smoothed(t1w.array, mask, self.similar * sd), affine=t1w.affine)
            first = bright_centres(t1w.array[mask], self.dark_cut, self.window)
        prior = prior_on(t1w, mask, warp)
        gm, wm = self._centres(prior, first)
        csf = min(self._ventricles(t1w, warp), self.csf_highest * gm)
        fields = [*local_centres(prior, csf, gm, wm), white_odds(prior, self.white_weight), greyless(prior)]
        gm_here, wm_here, odds, pure = (field[mask] for field in prior.spread(fields, mask.shape))
        fractions = regional_volumes(t1w.array[mask], csf, gm=gm_here, wm=wm_here, odds=odds, greyless=pure)
        images = {}
        for name, fraction in zip(("csf", "gm", "wm"), fractions, strict=True):
            array = np.zeros(mask.shape, np.float32)
            array[mask] = fraction
            images[name] = Volume(array=array, affine=t1w.affine)
        centres = {"csf_centre": csf / wm, "gm_centre": gm / wm, "wm_centre_raw": wm}
        return case.plus(images=images, numbers={**centres, "noise": noise})

    def _centres(self, prior: TissuePrior, first: tuple[float, float]) -> tuple[float, float]:
        """Return the centres of GM and WM: of the template's sure voxels, held to the histogram's."""
        cerebrum = prior.lobes > 0
        gm, wm = sure_centres(
            prior.values[cerebrum & (prior.gm > self.sure_gm)],
            prior.values[cerebrum & (prior.wm > self.sure_wm)],
            first,
            self.window,
        )
        share = self.histogram
        return (1 - share) * gm + share * first[0], (1 - share) * wm + share * first[1]

    def _ventricles(self, t1w: Volume, warp: Warp) -> float:
        (values,) = sample([t1w.array], t1w.affine, through(warp, deep_csf()))
        return float(np.percentile(values, self.ventricle_percentile))


def sure_centres(gm: Array, wm: Array, start: tuple[float, float], window: float) -> tuple[float, float]:
    """Return the centres of GM and of WM, each sought among voxels of its own; without any, ``start``.

    Args:
        gm, wm: brightness of voxels that are surely GM, and surely WM.
        start: centres to begin with.
        window: half width, as a share of the distance between the centres.
    """
    if min(gm.size, wm.size) < 1000:
        return start
    edges = np.linspace(0, float(np.percentile(wm, 99.8)), 513)
    middles = (edges[1:] + edges[:-1]) / 2
    counts = [np.histogram(values, edges)[0] for values in (gm, wm)]
    centres = start
    for _ in range(200):
        reach = window * (centres[1] - centres[0])
        found = []
        for centre, count in zip(centres, counts, strict=True):
            near = np.abs(middles - centre) < reach
            found.append(
                float(np.average(middles[near], weights=count[near])) if count[near].sum() else centre
            )
        if (found[0], found[1]) == centres or not found[1] > found[0]:
            break
        centres = (found[0], found[1])
    return centres


def bright_centres(values: Array, dark_cut: float, window: float) -> tuple[float, float]:
    """Return the centres of GM and WM, in the unit of ``values``.

    First 2-means on the histogram above ``dark_cut`` × the WM centre, then each centre moves to the mean
    of a window around itself until both stand still.

    Args:
        values: intensities in the brain, bias-corrected, any unit.
        dark_cut: share of the WM centre.
        window: half width, as a share of the distance between the centres.

    Raises:
        ScanUnusable: the brain has one brightness only.
    """
    positive = values[values > 0]
    if positive.size < 1000:
        raise ScanUnusable(Reason.CONSTANT, f"{positive.size} voxels of the brain are above zero")
    top = float(np.percentile(positive, 99.8))  # vessels and fat would drag the WM centre up
    counts, edges = np.histogram(positive, bins=1024, range=(0.0, top))
    middles = (edges[:-1] + edges[1:]) / 2

    def split(gm: float, wm: float) -> tuple[Array, Array]:
        between = (gm + wm) / 2
        return (middles > dark_cut * wm) & (middles <= between), middles > between

    def around(gm: float, wm: float) -> tuple[Array, Array]:
        reach = window * (wm - gm)
        return abs(middles - gm) < reach, abs(middles - wm) < reach

    start = _settled(middles, counts, (0.6 * top, 0.85 * top), split)
    return _settled(middles, counts, start, around)


def _settled(
    middles: Array,
    counts: Array,
    centres: tuple[float, float],
    classes: Callable[[float, float], tuple[Array, Array]],
) -> tuple[float, float]:
    """Return where two centres come to rest when each is the mean of its class, again and again."""
    for _ in range(200):
        parts = classes(*centres)
        if not all(counts[part].sum() for part in parts):
            raise ScanUnusable(Reason.CONSTANT, "the brain's intensities don't fall into two groups")
        gm, wm = (float(np.average(middles[part], weights=counts[part])) for part in parts)
        if (gm, wm) == centres:
            break
        centres = (gm, wm)
    return centres


def regional_volumes(
    values: Array, csf: float, *, gm: Array, wm: Array, odds: Array, greyless: Array
) -> tuple[Array, Array, Array]:
    """Return the fractions of CSF, GM and WM of each value, which sum to 1.

    Args:
        values: brightness.
        csf: its centre.
        gm, wm: their centres around each value, GM's below WM's.
        odds: of WM against GM before the brightness is seen.
        greyless: share, 0-1, of a second reading in which there is CSF and WM only.
    """
    white = np.clip((values - gm) / (wm - gm), 0, 1)
    dark = np.clip((gm - values) / (gm - csf), 0, 1)
    # a voxel that is no CSF: its share of WM, moved by the odds
    white = np.where(dark > 0, white, white * odds / (white * odds + 1 - white))
    two = np.clip((values - csf) / (wm - csf), 0, 1)
    white += greyless * (two - white)
    dark += greyless * (1 - two - dark)
    return dark, np.maximum(1 - white - dark, 0), white
