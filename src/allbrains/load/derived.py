"""Maps that are not stored because they follow from others: modulated tissue. Pure.

``modulated_gm`` is how much grey matter of the scan lies in a template voxel, ml per ml: the fraction
times the determinant of the whole way from template to scan. Its sum times the voxel's volume is the
scan's grey matter. ``modulated_csf`` and ``modulated_wm`` alike.

References:
    Good et al. 2001, NeuroImage 14:21-36 (modulation, "optimised VBM").
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from allbrains.store import quantise

if TYPE_CHECKING:
    from allbrains.records import Array

_PREFIX = "modulated_"
LOG_JACOBIAN = "logjac"
DETERMINANT = "affine_determinant"  # the number in the samples table

Stored = tuple["Array", tuple[float, float]]  # integers, and their scale and offset


def parts_of(name: str, stored: Collection[str]) -> tuple[str, ...]:
    """Return the stored maps that must be read for the map ``name``: itself, or what it is made of."""
    return (name,) if name in stored else (name.removeprefix(_PREFIX), LOG_JACOBIAN)


def possible(stored: Collection[str], columns: Collection[str]) -> tuple[str, ...]:
    """Return the derived maps that these stored maps and columns allow."""
    names = [f"{_PREFIX}{tissue}" for tissue in ("csf", "gm", "wm")]
    return tuple(
        name
        for name in names
        if name not in stored and DETERMINANT in columns and {*parts_of(name, stored)} <= {*stored}
    )


def modulated(tissue: Stored, logjac: Stored, determinant: float, out: Array | None = None) -> Array:
    """Return ``fraction · exp(log-Jacobian) · determinant``, float32, in ``out`` where it is given.

    Args:
        tissue: a tissue's fraction.
        logjac: the non-linear log-Jacobian, of the same shape.
        determinant: of the affine part, template → scan.
        out: C order, float32, of that shape.
    """
    integers, (scale, offset) = tissue
    result = quantise.values(logjac[0], *logjac[1], out)
    np.exp(result, out=result)
    np.multiply(result, quantise.values(integers, scale * determinant, offset * determinant), out=result)
    return result
