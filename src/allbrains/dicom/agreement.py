"""Check that a converted volume has the files' numbers and that all its slices are of one image.

References:
    DICOM PS3.3 C.11.1: what a stored number means: × RescaleSlope + RescaleIntercept, of its own slice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from allbrains.dicom.geometry import Stack
from allbrains.dicom.instances import Plane
from allbrains.dicom.stored import plane_of
from allbrains.records import Array, Volume

_CLOSE = 1e-3  # of the range of a slice: scales in a NIfTI are 32-bit numbers, good to 1e-7
_SAMPLE = 12  # compressed slices; a scale of each slice's own shows in any two
_AROUND = 3  # slices to each side
_STRANGE, _ALIKE = 0.2, 0.6  # correlation with the slices around; heads 0.8 and more at 3 mm
_COARSE = 4  # every so many voxels


def as_stacked(volume: Volume, stack: Stack) -> Array:
    """Return a volume's array in the stack's order: column, row, plane. Their places must agree."""
    step = np.rint(np.linalg.inv(volume.affine)[:3, :3] @ stack.affine[:3, :3]).astype(int)
    axes = [int(np.flatnonzero(step[:, k])[0]) for k in range(3)]
    turned = volume.array.transpose(axes)
    flips = tuple(slice(None, None, int(step[axes[k], k])) for k in range(3))
    return turned[flips]


Decode = Callable[[Sequence[Plane]], Array | None]


def agrees(volume: Volume, stack: Stack, decode: Decode) -> bool:
    """Return whether each slice has the numbers that its file stores, scaled as the file says.

    Of slices whose voxels are compressed a sample is looked at, with the first and the last.

    Args:
        volume: what a converter gave.
        stack: the slices.
        decode: gives compressed slices as (plane, row, column), scaled; None where it can't, and then nobody
            looks at them.

    Raises:
        OSError: a file can't be read.
    """
    array = as_stacked(volume, stack)
    packed = []
    for k, plane in enumerate(stack.planes):
        stored = plane_of(plane.instance, plane.index)
        if stored is None:
            packed.append(k)
        elif not _close(array[:, :, k], stored.T * plane.frame.slope + plane.frame.intercept):
            return False
    evenly = np.linspace(0, len(packed) - 1, min(_SAMPLE, len(packed)))
    sample = [packed[int(k)] for k in evenly]
    decoded = decode([stack.planes[k] for k in sample]) if sample else None
    if decoded is None:
        return True
    return all(_close(array[:, :, k], plane.T) for k, plane in zip(sample, decoded, strict=True))


def _close(found: Array, expected: Array) -> bool:
    allowed = _CLOSE * max(float(np.ptp(expected)), 1e-6)
    return bool(np.abs(found.astype(np.float64) - expected).max() <= allowed)


def strangers(planes: Array) -> list[int]:
    """Return the indices of slices that are like none around them, where those are like each other.

    So phase and other images among magnitude are found that no label tells.

    Args:
        planes: shape (column, row, plane).
    """
    coarse = planes[::_COARSE, ::_COARSE].reshape(-1, planes.shape[2]).astype(np.float64)
    centred = coarse - coarse.mean(axis=0)
    length = np.linalg.norm(centred, axis=0)
    unit = centred / np.where(length > 0, length, 1.0)
    count = planes.shape[2]
    found = []
    for k in range(count):
        around = [j for j in range(max(0, k - _AROUND), min(count, k + _AROUND + 1)) if j != k]
        mine = np.median(unit[:, around].T @ unit[:, k])
        theirs = np.median((unit[:, around].T @ unit[:, around])[np.triu_indices(len(around), 1)])
        if mine < _STRANGE and theirs > _ALIKE:
            found.append(k)
    return found
