"""Three tissues by intensity alone, as FSL's FAST divides a brain: for metrics that follow MRIQC."""

from __future__ import annotations

import itertools

import numpy as np

from allbrains.records import Array

_PURE = 0.7  # of a voxel's 3×3×3 neighbourhood; MRIQC takes .85 of FAST's fractions, which are nearly hard
_MIXED = 0.15  # of the way between two centres that FAST's mixel types still call pure, at either end


def fractions_of(
    values: Array, mask: Array, centres: tuple[float, float, float]
) -> tuple[Array, Array, Array]:
    """Return the fractions of the dark, the middle and the bright class: linear between their centres.

    Args:
        values: bias-corrected intensities, shape (x, y, z).
        mask: brain, bool.
        centres: of the three classes, lowest first.

    Returns:
        Three float32 arrays of that shape, 0-1, that sum to 1 in the mask and are 0 outside.
    """
    low, middle, high = centres
    up, down = (_MIXED * (one - other) for one, other in ((high, middle), (middle, low)))
    knots = [low + down, middle - down, middle + up, high - up]
    position = np.interp(values, knots, [0, 1, 1, 2]).astype(np.float32)
    dark = np.where(mask, np.clip(1 - position, 0, 1), np.float32(0))
    bright = np.where(mask, np.clip(position - 1, 0, 1), np.float32(0))
    return dark, np.where(mask, 1 - dark - bright, np.float32(0)), bright


def three_means(values: Array) -> tuple[float, float, float]:
    """Return the centres of three classes of intensities, lowest first: k-means on a histogram."""
    positive = values[values > 0]
    if positive.size < 3:
        return 0.0, 1.0, 2.0
    top = float(np.percentile(positive, 99.8))  # vessels would drag the bright class up
    counts, edges = np.histogram(positive, 1024, (0.0, top))
    middles = (edges[:-1] + edges[1:]) / 2
    centres = top * np.array([0.25, 0.6, 0.85])
    for _ in range(200):
        nearest = abs(middles[:, None] - centres).argmin(axis=1)
        sums = np.bincount(nearest, counts * middles, 3)
        totals = np.bincount(nearest, counts, 3)
        moved = np.where(totals > 0, sums / np.maximum(totals, 1), centres)
        if np.array_equal(moved, centres):
            break
        centres = moved
    low, middle, high = (float(one) for one in np.sort(centres))
    tiny = 1e-6 * top  # classes that fell together still need an order
    return low, max(middle, low + tiny), max(high, middle + 2 * tiny, low + 3 * tiny)


def pure(fraction: Array) -> Array:
    """Return a tissue's voxels with a 3×3×3 neighbourhood of mostly that tissue.

    A voxel counts by what surrounds it, as in FAST's random field: a cut in its own fraction would cut the
    very spread that is to be measured. Only voxels that have none of the tissue themselves are left out.
    """
    from scipy.ndimage import uniform_filter

    found: Array = (uniform_filter(fraction, 3) > _PURE) & (fraction > 0)
    return found


def eroded(mask: Array) -> Array:
    """Return the voxels with all 18 nearest neighbours in the mask; the grid's end is not in it."""
    padded = np.pad(mask, 1)
    kept = mask.copy()
    for steps in itertools.product((-1, 0, 1), repeat=3):
        if 0 < sum(map(abs, steps)) < 3:
            x, y, z = (slice(1 + s, 1 + s + n) for s, n in zip(steps, mask.shape, strict=True))
            kept &= padded[x, y, z]
    return kept
