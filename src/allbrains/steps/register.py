"""Affine registration of the stripped brain to the template, at 2 mm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case, Warp
from allbrains.errors import Reason, ScanUnusable
from allbrains.records import Affine, Array, Volume
from allbrains.space.grid import Grid, coarsen, sample, through
from allbrains.space.template import REGISTRATION_SPACING, template
from allbrains.steps.pose import affine_pose

_NO_WARP = np.zeros((2, 2, 2, 3), np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class AffineToTemplate:
    """Find the affine map from template to scan, and refuse what doesn't look like the template.

    Attributes:
        min_correlation: with the template inside its mask after the affine. Measured: heads 0.57 to
            0.72; noise, spheres, macaques, wrong axes and inverted contrast at most 0.32.
        min_scale, max_scale: of the affine along its main axes, template → scan. Measured: adults 0.78
            to 1.04; a newborn's brain is about 0.55 as long as the template.
    """

    name: ClassVar[str] = "affine_to_template"
    version: ClassVar[int] = 3
    needs: ClassVar[tuple[str, ...]] = ("t1w", "mask")
    gives: ClassVar[tuple[str, ...]] = ("affine", "t1w_coarse")

    min_correlation: float = 0.35
    min_scale: float = 0.4
    max_scale: float = 1.6

    def __call__(self, case: Case) -> Case:
        """Return the case with the warp ``affine`` and ``t1w_coarse``, the brain at 2 mm.

        Raises:
            ScanUnusable: the match is worse than ``min_correlation``, or no head has that size.
        """
        brain = coarse_brain(case.images["t1w"])
        numbers, warp = matched(brain, affine_pose(brain))
        if not numbers["template_correlation_affine"] >= self.min_correlation:
            refuse_negative(brain, self.min_correlation)
        refuse_mismatch(numbers, self.min_correlation, self.min_scale, self.max_scale)
        return case.plus(images={"t1w_coarse": brain}, warps={"affine": warp}, numbers=numbers)


def matched(brain: Volume, matrix: Affine) -> tuple[dict[str, float], Warp]:
    """Return how well an affine (template → scan) fits, as numbers; and the affine as a warp."""
    warp = Warp(affine=matrix, displacement=_NO_WARP, grid_affine=template(REGISTRATION_SPACING).affine)
    scales = np.linalg.svd(matrix[:3, :3])[1]
    return {
        "template_correlation_affine": template_correlation(brain, warp),
        "wm_to_gm_affine": white_to_grey(brain, warp),
        "affine_determinant": float(np.linalg.det(matrix[:3, :3])),
        "affine_scale_min": float(scales.min()),
        "affine_scale_max": float(scales.max()),
    }, warp


def refuse_negative(brain: Volume, min_correlation: float) -> None:
    """Refuse a brain whose negative matches the template: dark and bright are exchanged, as in a T2w.

    A registration by brightness goes astray on such a brain, so that its own match tells nothing.

    Raises:
        ScanUnusable: the negative's correlation with the template is at least ``min_correlation``.
    """
    dark = np.where(brain.array > 0, brain.array.max() - brain.array, np.float32(0))
    negative = Volume(array=dark.astype(np.float32), affine=brain.affine)
    correlation = matched(negative, affine_pose(negative))[0]["template_correlation_affine"]
    if correlation >= min_correlation:
        raise ScanUnusable(
            Reason.WRONG_CONTRAST,
            f"its negative has a correlation of {correlation:.2f} with the template, the image itself has "
            f"less than {min_correlation:.2f}: grey matter is brighter than white, a T2w?",
        )


def refuse_mismatch(
    numbers: Mapping[str, float], min_correlation: float, min_scale: float, max_scale: float
) -> None:
    """Refuse what doesn't look like the template.

    Args:
        numbers: as ``matched`` gives them.
        min_correlation, min_scale, max_scale: as the step ``affine_to_template`` has them.

    Raises:
        ScanUnusable: the match is worse than ``min_correlation``, or no head has that size.
    """
    correlation, ratio = numbers["template_correlation_affine"], numbers["wm_to_gm_affine"]
    if correlation < 0 and ratio < 1:
        raise ScanUnusable(
            Reason.WRONG_CONTRAST,
            f"white matter has {ratio:.2f} times the brightness of grey and the correlation with the "
            f"template is {correlation:.2f}; expected over 1 and over 0: a T2w, a baby?",
        )
    if not correlation >= min_correlation:
        raise ScanUnusable(
            Reason.NO_MATCH_TO_TEMPLATE,
            f"correlation with the template is {correlation:.2f} after the affine; expected at least "
            f"{min_correlation:.2f}: another species, organ, contrast or orientation",
        )
    low, high = numbers["affine_scale_min"], numbers["affine_scale_max"]
    if numbers["affine_determinant"] <= 0 or low < min_scale or high > max_scale:
        raise ScanUnusable(
            Reason.NO_MATCH_TO_TEMPLATE,
            f"the template had to be scaled by {low:.2f} to {high:.2f}; expected {min_scale:.2f} "
            f"to {max_scale:.2f}",
        )


def coarse_brain(t1w: Volume) -> Volume:
    """Return the stripped image on a RAS-aligned 2 mm grid around it, 0 to 1 at its 99.5th percentile."""
    brain = coarsen(t1w, box_around(t1w, REGISTRATION_SPACING))
    inside = brain.array[brain.array > 0]
    scale = float(np.percentile(inside, 99.5)) if inside.size else 1.0
    return Volume(array=np.clip(brain.array / scale, 0, 1.2), affine=brain.affine)


def box_around(volume: Volume, spacing: float) -> Grid:
    """Return the RAS-aligned grid of cubic voxels, edge in mm, that covers a volume, corners included."""
    corners = np.stack(np.meshgrid(*[(-0.5, n - 0.5) for n in volume.array.shape]), -1).reshape(-1, 3)
    world = corners @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    low, high = world.min(axis=0), world.max(axis=0)
    return Grid.box(low.tolist(), (high - low).tolist(), spacing)


def template_correlation(brain: Volume, warp: Warp) -> float:
    """Return Pearson's r between the template and the warped brain inside the template's mask."""
    fixed = template(REGISTRATION_SPACING)
    points = Grid(shape=fixed.mask.shape, affine=fixed.affine).points()[fixed.mask]
    (values,) = sample([brain.array], brain.affine, through(warp, points))
    if not values.std() > 0:
        return 0.0
    return float(np.corrcoef(values, fixed.t1w[fixed.mask])[0, 1])


def white_to_grey(brain: Volume, warp: Warp) -> float:
    """Return how bright the template's white matter is in the scan, its grey matter = 1; medians.

    Above 1 in a T1w of anybody older than a year, below in a T2w: it needs no tissue model, which would
    call the brighter tissue white in both. NaN where nothing is bright.
    """
    fixed = template(REGISTRATION_SPACING)
    grid = Grid(shape=fixed.mask.shape, affine=fixed.affine)
    medians = []
    for tissue in (fixed.wm, fixed.gm):
        points = grid.points()[tissue > 0.8]
        (values,) = sample([brain.array], brain.affine, through(warp, points))
        medians.append(float(np.median(values)))
    return medians[0] / medians[1] if medians[1] > 0 else float("nan")


def metric_mask(margin_mm: float) -> Array:
    """Return the template's brain and a rim, bool, at ``REGISTRATION_SPACING``: where images are compared."""
    from scipy.ndimage import binary_dilation

    fixed = template(REGISTRATION_SPACING)
    out: Array = binary_dilation(fixed.mask, iterations=round(margin_mm / REGISTRATION_SPACING))
    return out
