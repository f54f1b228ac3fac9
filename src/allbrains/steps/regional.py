"""Local brightness of GM and WM, and what a scan's anatomy says may lie beside what.

One threshold for the whole brain can't serve it: thalamus and putamen lie between cortex and WM, the stem is
darker than the hemispheres' WM, and a voxel that is half ventricle, half WM is as bright as cortex. So the
warped template says where a tissue surely is, the scan how bright it is there, and both fields are smoothed.
Everything is made on a grid of about 2 mm and spread to the scan's voxels. Values in, values out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allbrains.case import Warp
from allbrains.records import Array, Volume
from allbrains.space.grid import Grid, sample, spread
from allbrains.space.regions import LOBES, Region
from allbrains.space.template import near_ventricles, template
from allbrains.steps.labels import region_at, template_points

_COARSE_MM = 2.0
_WIDE_MM, _NARROW_MM = 12.0, 4.0  # FWHM of the centres' smoothing; narrow where nuclei lie side by side
# weight of the global centre beside the local mean, whose own weight is a share of voxels, 0 to 1: without it
# WM's volume differs three times as much between two scans of a person
_HOLD_WIDE, _HOLD_NARROW = 0.3, 0.05
_LEAST_GAP = 0.15  # between local GM and WM, as a share of the global distance: pallidum comes near to WM


@dataclass(frozen=True, slots=True, kw_only=True)
class TissuePrior:
    """What the warped template says on a coarse grid along the scan's axes; arrays of shape (x, y, z).

    Attributes:
        values: the scan's brightness.
        gm, wm: the template's fractions; 0 outside the brain, as all that follows.
        deep, stem, lobes: 1 in deep grey matter, in the brainstem, in the cerebrum's lobes.
        ventricle: how much of the neighbourhood is ventricle, 0-1.
        spacing: of this grid, mm.
        stride, first: which voxels of the scan were taken, by axis.
    """

    values: Array
    gm: Array
    wm: Array
    deep: Array
    stem: Array
    lobes: Array
    ventricle: Array
    spacing: Array
    stride: Array
    first: Array

    def smooth(self, field: Array, fwhm_mm: float) -> Array:
        """Return a field smoothed by a Gaussian of that full width at half maximum."""
        from scipy.ndimage import gaussian_filter

        out: Array = gaussian_filter(field, fwhm_mm / 2.355 / self.spacing, truncate=3.0, mode="nearest")
        return out

    def spread(self, fields: list[Array], shape: tuple[int, ...]) -> list[Array]:
        """Return coarse fields at every voxel of the scan."""
        affine = np.diag([*self.stride.astype(float), 1.0])
        affine[:3, 3] = self.first
        return spread(fields, affine, Grid(shape=(shape[0], shape[1], shape[2]), affine=np.eye(4)))


def prior_on(t1w: Volume, mask: Array, warp: Warp) -> TissuePrior:
    """Return what the template says on a grid of about 2 mm in the scan."""
    stride = np.asarray([max(1, round(_COARSE_MM / s)) for s in t1w.spacing])
    first = stride // 2
    picked = tuple(slice(f, None, s) for f, s in zip(first, stride, strict=True))
    affine = t1w.affine @ np.diag([*stride.astype(float), 1.0])
    affine[:3, 3] = (t1w.affine @ np.asarray([*first, 1.0]))[:3]
    inside = mask[picked]
    points = template_points(warp, affine, inside)
    region, fixed = region_at(points), template(1.0)
    gm, wm = sample([fixed.gm, fixed.wm], fixed.affine, points)
    ventricles = near_ventricles()
    (near,) = sample([ventricles.array], ventricles.affine, points)

    def whole(part: Array) -> Array:
        out = np.zeros(inside.shape, np.float32)
        out[inside] = part
        return out

    return TissuePrior(
        values=t1w.array[picked],
        gm=whole(gm),
        wm=whole(wm),
        deep=whole(region == Region.DEEP_GM),
        stem=whole(region == Region.BRAINSTEM),
        lobes=whole(np.isin(region, LOBES)),
        ventricle=whole(near),
        spacing=np.asarray(t1w.spacing) * stride,
        stride=stride,
        first=first,
    )


def local_centres(prior: TissuePrior, csf: float, gm: float, wm: float) -> tuple[Array, Array]:
    """Return the brightness of pure GM and of pure WM around each point of the prior's grid.

    Means over neighbours where the template has the tissue and the scan its brightness, held to the global
    centres; in deep grey matter over few neighbours, and of whatever brightness above CSF.

    Args:
        prior: of the scan.
        csf, gm, wm: global centres.
    """
    gap, middle, values = wm - gm, (gm + wm) / 2, prior.values
    grey = prior.gm * prior.lobes * (np.abs(values - gm) < 0.5 * gap)
    white = prior.wm * (prior.wm > 0.8) * (values > middle) * (values < wm + gap)
    deep = prior.gm * prior.deep * (values > (csf + gm) / 2)

    def mean(weight: Array, fwhm: float, hold: float, towards: Array | float) -> Array:
        found: Array = (prior.smooth(weight * values, fwhm) + hold * towards) / (
            prior.smooth(weight, fwhm) + hold
        )
        return found

    gm_here = mean(grey, _WIDE_MM, _HOLD_WIDE, gm)
    wm_here = mean(white, _WIDE_MM, _HOLD_WIDE, wm)
    nuclei = np.clip(mean(deep, _NARROW_MM, _HOLD_NARROW, gm_here), gm_here, wm_here - _LEAST_GAP * gap)
    gm_here += np.clip(prior.smooth(prior.deep, _NARROW_MM), 0, 1) * (nuclei - gm_here)
    return gm_here, np.maximum(wm_here, gm_here + _LEAST_GAP * gap)


def greyless(prior: TissuePrior) -> Array:
    """Return where a voxel is CSF and WM only, 0 to 1: the brainstem, and ventricles' borders with WM."""
    stem = np.clip(2 * prior.stem - 0.5, 0, 1)
    # the template's grey rim of the ventricles, 0.1 to 0.4, is what it averaged over people, not tissue
    border = np.clip((0.4 - prior.gm) / 0.3, 0, 1) * np.clip(prior.ventricle / 0.1, 0, 1)
    out: Array = np.maximum(stem, border).astype(np.float32)
    return out


def white_odds(prior: TissuePrior, weight: float) -> Array:
    """Return by how much the template favours WM over GM, 1 to 4, as odds; 1 in deep grey matter.

    Args:
        prior: of the scan.
        weight: exponent of the ratio of the template's fractions; 0 for none.
    """
    odds = np.clip(((prior.wm + 0.05) / (prior.gm + 0.05)) ** weight, 1, 4)
    out: Array = (odds * (1 - prior.deep) + prior.deep).astype(np.float32)
    return out
