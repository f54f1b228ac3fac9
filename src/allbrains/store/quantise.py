"""From real numbers to the integers that are stored, with a stated error. Pure.

====================  ======  ==============================  =============================
map                   type    step                            largest error inside the range
====================  ======  ==============================  =============================
``intensity``         uint16  p99.9 / 1023                    0.05 % of p99.9
``probability``       uint8   1/255                           0.00196
``density``           uint16  1/1024                          0.0005
``log_jacobian``      int16   1/256                           0.00195 (0.2 % of volume)
``labels``            uint8   1                               0
``displacement``      int16   1/256 mm                        0.00195 mm
====================  ======  ==============================  =============================

Float32 would store the scanner's noise: 10 bits add 0.03 % to its variance, and nothing is gained above.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from allbrains.records import StoredMap

if TYPE_CHECKING:
    from allbrains.records import Affine, Array


def intensity(array: Array) -> StoredMap:
    """Return intensities with 1023 steps up to the 99.9th percentile of the voxels above 0.

    The type holds 64 times that percentile, so bright vessels and fat are not cut. Values below 0 become 0.
    An image without a voxel above 0 is stored with step 1.

    Raises:
        ValueError: a value is not finite.
    """
    foreground = array[array > 0]
    top = float(np.percentile(foreground, 99.9)) if foreground.size else 1023.0
    return _rounded(array, np.uint16, top / 1023)


def probability(array: Array) -> StoredMap:
    """Return probabilities; what lies outside 0 to 1 is cut.

    Raises:
        ValueError: a value is not finite.
    """
    return _rounded(array, np.uint8, 1 / 255)  # 255 steps end at 1: the type's own limits cut


def density(array: Array) -> StoredMap:
    """Return modulated tissue (probability × Jacobian determinant, no unit), 0 to 63.999.

    Raises:
        ValueError: a value is not finite.
    """
    return _rounded(array, np.uint16, 1 / 1024)


def log_jacobian(array: Array, support: Array) -> StoredMap:
    """Return the natural logarithm of the Jacobian determinant, −128 to 127.996, and 0 outside ``support``.

    Args:
        array: shape (x, y, z); outside the support anything may stand, NaN too.
        support: shape (x, y, z), bool: the brain, dilated by a few voxels. Without it the map is the
            largest of all: four times the bytes for numbers that describe no tissue.

    Raises:
        ValueError: a value in the support is not finite.
    """
    return _rounded(np.where(support, array, 0), np.int16, 1 / 256)


def labels(array: Array) -> StoredMap:
    """Return whole numbers 0 to 255 as they are: a mask or a segmentation.

    Raises:
        ValueError: a value is not a whole number from 0 to 255.
    """
    kept = array.astype(np.uint8)
    if not np.array_equal(kept, array):
        raise ValueError("a label is not a whole number from 0 to 255")
    return StoredMap(array=np.ascontiguousarray(kept), scale=1.0)


def displacement(array: Array, affine: Affine) -> StoredMap:
    """Return displacements in mm, −128 to 127.996.

    Args:
        array: shape (x, y, z, 3), mm.
        affine: shape (4, 4), voxel → template RAS+ mm.

    Raises:
        ValueError: a value is not finite.
    """
    return replace(_rounded(array, np.int16, 1 / 256), affine=affine)


def values(stored: Array, scale: float, offset: float, out: Array | None = None) -> Array:
    """Return ``stored * scale + offset`` as float32, in ``out`` where it is given."""
    result = np.multiply(stored, np.float32(scale), out=out, dtype=np.float32)
    if offset:
        result += np.float32(offset)
    return result


def _rounded(array: Array, kind: type[np.integer[Any]], step: float) -> StoredMap:
    """Return the nearest steps in C order; what the type can't hold is cut to its ends."""
    if not np.isfinite(array).all():
        raise ValueError("a map holds NaN or infinity")
    limits = np.iinfo(kind)
    steps = np.clip(np.rint(np.asarray(array, dtype=np.float64) / step), limits.min, limits.max)
    return StoredMap(array=np.ascontiguousarray(steps.astype(kind)), scale=step)
