"""Left-right symmetry: a brain is nearly its own mirror image, and little else is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.records import Array, Volume


@dataclass(frozen=True, slots=True, kw_only=True)
class Symmetry:
    """Compare the hemispheres in template space, where the midplane is known.

    Gives ``left_right_ratio``, brain tissue (GM and WM) left of the midplane over that to the right, in the
    scan's own volume; and ``left_right_correlation``, Pearson's r of the brain's brightness with that of
    its mirror image, inside both masks.

    A low correlation or a ratio far from 1 tells of a lesion, a cut, a bad registration or no brain. No
    number can tell that a header swaps left and right: a brain is too symmetric for that.
    """

    name: ClassVar[str] = "symmetry"
    version: ClassVar[int] = 1

    def __call__(self, case: Case) -> dict[str, float]:
        """Return both numbers; NaN where a half is empty."""
        tissue = case.images["template_gm"].array + case.images["template_wm"].array
        volume = case.images["template_logjac"]
        stretch = np.exp(volume.array)  # the affine's part is the same left and right
        left, right = halves(Volume(array=tissue * stretch, affine=volume.affine))
        whole = case.images["template_mask"]
        return {
            "left_right_ratio": left / right if right else float("nan"),
            "left_right_correlation": mirror_correlation(case.images["template_t1w"], whole.array),
        }


def halves(volume: Volume) -> tuple[float, float]:
    """Return the sums left (x < 0) and right of the template's midplane; a plane on it counts half."""
    planes = volume.array.sum(axis=(1, 2), dtype=np.float64)
    x = positions(volume)
    on = 0.5 * float(planes[x == 0].sum())
    return float(planes[x < 0].sum()) + on, float(planes[x > 0].sum()) + on


def positions(volume: Volume) -> Array:
    """Return x, mm, of the planes of an axis-aligned volume; rounded, so that the midplane is 0."""
    x = volume.affine[0, 0] * np.arange(volume.array.shape[0]) + volume.affine[0, 3]
    return np.asarray(np.round(x, 6))


def mirror_correlation(volume: Volume, mask: Array) -> float:
    """Return Pearson's r between an axis-aligned image and its mirror image about x = 0.

    Only voxels inside the mask on both sides count; each pair once. The mirror of a voxel's centre must
    be a voxel's centre, or lie half way between two: then the farther from the midplane is taken.
    """
    x = positions(volume)
    right = np.flatnonzero(x > 0)
    mirrored = np.ceil((-x[right] - x[0]) / (x[1] - x[0]) - 0.5).astype(int)
    kept = (mirrored >= 0) & (mirrored < len(x))
    right, mirrored = right[kept], mirrored[kept]
    both = mask[right] & mask[mirrored]
    one, other = volume.array[right][both], volume.array[mirrored][both]
    if one.size < 2 or not (one.std() > 0 and other.std() > 0):
        return float("nan")
    return float(np.corrcoef(one, other)[0, 1])
