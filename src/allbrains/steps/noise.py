"""How noisy a brain is, and a mean over neighbours that keeps edges. Pure."""

from __future__ import annotations

from itertools import product

import numpy as np

from allbrains.records import Array

# of the weight per face that lies between two voxels: a corner is farther than a face
_FALL = 0.35
_MAD_TO_SD = 1.4826  # of a normal distribution: median absolute deviation → standard deviation


def noise_sd(values: Array, mask: Array) -> float:
    """Return the noise's standard deviation in the unit of ``values``; 0 for a mask without a thick part.

    From second differences, in which anatomy all but cancels, along the axis that has least of it; a
    median, so that edges don't count.

    Args:
        values: shape (x, y, z).
        mask: same shape, bool.
    """
    found = []
    for axis in range(3):
        one, two, three = (
            tuple(slice(i, n - 2 + i) if k == axis else slice(None) for k, n in enumerate(values.shape))
            for i in range(3)
        )
        inside = mask[one] & mask[two] & mask[three]
        bend = (2 * values[two] - values[one] - values[three])[inside]
        if bend.size:
            found.append(_MAD_TO_SD * float(np.median(np.abs(bend))) / np.sqrt(6))
    return float(min(found, default=0.0))


def smoothed(values: Array, mask: Array, reach: float) -> Array:
    """Return each voxel as a mean of its 3×3×3 neighbours in the mask that are about as bright.

    Args:
        values: shape (x, y, z).
        mask: same shape, bool; what lies outside counts for nothing.
        reach: difference in brightness at which a neighbour's weight is ``exp(-½)``, above 0.

    Returns:
        float32, same shape; outside the mask as given.

    References:
        Tomasi & Manduchi 1998, ICCV (bilateral filter).
    """
    given = values.astype(np.float32, copy=False)
    padded, inside = np.pad(given, 1), np.pad(mask, 1)
    total, weights = given.copy(), np.ones_like(given)
    for step in product((-1, 0, 1), repeat=3):
        if not any(step):
            continue
        here = tuple(slice(1 + s, 1 + s + n) for s, n in zip(step, given.shape, strict=True))
        weight = padded[here] - given
        weight *= weight
        weight *= np.float32(-0.5 / reach**2)
        weight -= np.float32(_FALL * sum(abs(s) for s in step))
        np.exp(weight, out=weight)
        weight *= inside[here]
        weights += weight
        weight *= padded[here]
        total += weight
    return np.where(mask, total / weights, given)
