"""Which brains are so alike that they are one person's. Pure.

A brain becomes a short vector: the displacement that carries the template onto it, 4 mm a cell, without what
is smooth over 44 mm, projected on random signs. Size, pose, contrast, noise and bias field are not in it;
what is left is where this person's folds lie. The projection keeps angles to about 1/√4096 = 0.016. Nobody
can see the brain again in it, and it is not stored.

What people have in common is the corpus' mean. Strangers' vectors differ from it in unrelated directions, two
scans of one person in the same. Comparing all with all is then a product of matrices in blocks: 60,000 scans
are 7 · 10¹² multiplications and 1.5 GB, instead of 1.8 · 10⁹ pairs of volumes.

References:
    Charikar et al. 2002, "Finding frequent items in data streams" (count sketch).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from allbrains.records import Array

LENGTH = 4096  # of a vector
CELL_MM = 4.0  # the displacement's own grid
SMOOTH_CELLS = 11  # an odd number: 44 mm; what is smoother is shape of the head, age, or the recipe's
# Measured (docs/benchmarks.md): one person's scans 0.75 to 0.98, strangers 0.31 and less.
THRESHOLD = 0.55
# Of so many pairs of strangers the most alike lies so many standard deviations above the median, if they are
# normally distributed; real tails are heavier.
_TAIL = 1.3
_HIGHEST = 0.85  # above it, two scans are one person's in any corpus
_SEED = 20_260_101  # any, but one for all vectors that are compared
_BLOCK, _WIDE = 512, 8192  # 16 MB of products at once
_LOOKED_AT = 2000  # scans whose pairs tell how alike strangers are


def vector(field: Array, spacing_mm: float) -> Array:
    """Return a brain's vector, shape (4096,), float32.

    Args:
        field: shape (x, y, z, component) or (x, y, z): the displacement, or another map of the warp.
        spacing_mm: of its grid.
    """
    cells = _averaged(field, max(1, round(CELL_MM / spacing_mm)))
    return _sketch(cells - _smooth(cells))


def alike(vectors: Array) -> Iterator[tuple[int, int]]:
    """Yield the pairs of places that hold one person's brains, the smaller place first.

    Args:
        vectors: shape (scan, 4096).
    """
    units = directions(vectors)
    threshold = threshold_for(units)
    for start in range(0, len(units), _BLOCK):
        rows = units[start : start + _BLOCK].astype(np.float32)
        for first in range(start, len(units), _WIDE):
            likeness = rows @ units[first : first + _WIDE].astype(np.float32).T
            for one, other in np.argwhere(likeness > threshold).tolist():
                if start + one < first + other:
                    yield start + one, first + other


def directions(vectors: Array) -> Array:
    """Return vectors with the scans' likeness as their products, −1 to 1; shape (scan, 4096), float16."""
    # as if one more scan were the template itself: two scans have no mean that tells anything
    mean = (vectors.sum(axis=0, dtype=np.float64) / (len(vectors) + 1)).astype(np.float32)
    units = np.empty(vectors.shape, np.float16)
    for place, one in enumerate(vectors):
        own = one - mean
        units[place] = own / max(float(np.linalg.norm(own)), 1e-12)
    return units


def threshold_for(units: Array) -> float:
    """Return the likeness above which two scans are one person's, by how alike strangers are here.

    Args:
        units: what ``directions`` returns.
    """
    if len(units) < 3:
        return THRESHOLD
    some = np.random.default_rng(_SEED).permutation(len(units))[:_LOOKED_AT]
    chosen = units[np.sort(some)].astype(np.float32)
    likeness = (chosen @ chosen.T)[np.triu_indices(len(chosen), 1)]
    middle = float(np.median(likeness))
    spread = 1.4826 * float(np.median(np.abs(likeness - middle)))  # robust: a few pairs are one person's
    pairs = len(units) * (len(units) - 1) / 2
    return min(max(THRESHOLD, middle + _TAIL * spread * math.sqrt(2 * math.log(pairs))), _HIGHEST)


def _averaged(field: Array, width: int) -> Array:
    """Return means over cells ``width`` voxels wide; a rest at the upper ends is cut off."""
    cells = [n // width for n in field.shape[:3]]
    x, y, z = (n * width for n in cells)
    parts: Array = field[:x, :y, :z].reshape(cells[0], width, cells[1], width, cells[2], width, -1)
    means: Array = parts.mean(axis=(1, 3, 5), dtype=np.float32)
    return means


def _smooth(field: Array) -> Array:
    """Return the running mean over cubes of ``SMOOTH_CELLS``, zeros beyond the edges."""
    smooth = field
    for axis in range(3):
        widths = [(0, 0)] * field.ndim
        widths[axis] = (SMOOTH_CELLS // 2 + 1, SMOOTH_CELLS // 2)
        sums = np.cumsum(np.pad(smooth, widths), axis=axis, dtype=np.float64)
        count = field.shape[axis]
        ends = [slice(None)] * field.ndim
        ends[axis] = slice(SMOOTH_CELLS, SMOOTH_CELLS + count)
        upper = sums[tuple(ends)]
        ends[axis] = slice(0, count)
        smooth = ((upper - sums[tuple(ends)]) / SMOOTH_CELLS).astype(np.float32)
    return smooth


def _sketch(array: Array) -> Array:
    """Return an array's sum over random bins with random signs, shape (4096,), float32."""
    random = np.random.default_rng([_SEED, array.size])
    bins = random.integers(0, LENGTH, array.size)
    signs = random.choice(np.array([-1.0, 1.0], np.float32), array.size)
    return np.bincount(bins, signs * array.reshape(-1), LENGTH).astype(np.float32)
