"""Connected pieces of a mask. Pure."""

from __future__ import annotations

import numpy as np

from allbrains.errors import Reason, ScanUnusable
from allbrains.records import Array


def largest_piece(mask: Array, neighbours: int = 6) -> Array:
    """Return the largest connected piece of a mask; of two as large, the one that comes first.

    Args:
        mask: bool, shape (x, y, z).
        neighbours: 6, 18 or 26 voxels that a voxel is joined to.

    Raises:
        ScanUnusable: the mask is empty.
    """
    import cc3d

    pieces = cc3d.connected_components(mask, connectivity=neighbours)
    sizes = np.bincount(pieces.ravel())
    if sizes.size < 2:
        raise ScanUnusable(Reason.NO_BRAIN_FOUND, "the mask of the brain is empty")
    sizes[0] = 0
    out: Array = pieces == sizes.argmax()
    return out


def largest_filled(mask: Array, neighbours: int = 6) -> Array:
    """Return the largest connected piece of a mask with its holes filled, as ``largest_piece`` finds it."""
    import fill_voids

    box = bounding_box(mask, [0, 0, 0])  # what lies outside it has no part in either
    out = np.zeros(mask.shape, bool)
    out[box] = fill_voids.fill(largest_piece(mask[box], neighbours), in_place=True)
    return out


def bounding_box(mask: Array, margin: list[int]) -> tuple[slice, slice, slice]:
    """Return the box of a mask plus ``margin`` voxels, cut at the image's edge.

    Raises:
        ScanUnusable: the mask is empty.
    """
    slices = []
    for axis in range(3):
        line = np.flatnonzero(mask.any(axis=tuple(k for k in range(3) if k != axis)))
        if not line.size:
            raise ScanUnusable(Reason.NO_BRAIN_FOUND, "the mask of the brain is empty")
        start, stop = max(int(line[0]) - margin[axis], 0), int(line[-1]) + 1 + margin[axis]
        slices.append(slice(start, min(stop, mask.shape[axis])))
    return (slices[0], slices[1], slices[2])
