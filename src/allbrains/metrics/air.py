"""What lies outside the head: blanked voxels, air above the plane through nasion and inion, artefacts in it.

Made on every n-th voxel, because outlines of air need no more, and brought back to the full grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allbrains.metrics.classes import eroded
from allbrains.records import Affine, Array, Volume

_COARSE_MM = 3.0
_PLANE_MM = -14.0  # template z of glabella and inion, the plane below which MRIQC looks at no air
_GRADIENT_SHARE = 0.15  # of the gradient's 99.5th percentile: MRIQC's edge of the head
_GRADIENT_VOXELS = 3.0  # MRIQC's smoothing of it, voxels of the full grid
_BRAIN_REACH = 4.0  # how far MRIQC grows the brain and closes gaps, voxels of the full grid
_ARTEFACT_Z = 10.0  # robust deviations of the air's median
_ARTEFACT_APART = 0.1  # of the largest distance to the head: nearer is blur of the skin
_FEWEST_FRAME = 500  # voxels; MRIQC ignores a smaller frame
_FEWEST_AIR = 1000  # voxels, below which MRIQC doesn't measure the background


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is outside the head, on the full grid.

    Attributes:
        background: bool, neither head nor blanked.
        head: bool.
        hat: bool, the part of ``background`` above the plane.
        artefacts: bool, voxels of the hat as bright as no noise is.
        samples: intensities of the hat without artefacts and without its outermost voxels, 1-D.
    """

    background: Array
    head: Array
    hat: Array
    artefacts: Array
    samples: Array


def surroundings(
    native: Volume, values: Array, mask: Volume, to_scan: Affine, *, stripped: bool
) -> tuple[Array, Surroundings | None]:
    """Return the blanked voxels, and what is outside the head; the latter None where there is no air.

    Args:
        native: the head as read.
        values: bias-corrected, on its grid.
        mask: the brain, cropped.
        to_scan: shape (4, 4), template RAS+ mm → scan RAS+ mm.
        stripped: whether everything outside the brain was blanked before.
    """
    stride = [max(1, round(_COARSE_MM / s)) for s in native.spacing]
    coarse = tuple(slice(None, None, n) for n in stride)
    frame_coarse = blanked(native.array[coarse])
    frame = finer(frame_coarse, stride, native.array.shape) & (native.array <= 0)
    if np.count_nonzero(frame) < _FEWEST_FRAME:
        frame, frame_coarse = np.zeros_like(frame), np.zeros_like(frame_coarse)
    if stripped:
        return frame, None
    brain = np.zeros(native.array.shape, bool)
    start = np.rint((np.linalg.inv(native.affine) @ mask.affine[:, 3])[:3]).astype(int)
    brain[tuple(slice(s, s + n) for s, n in zip(start, mask.array.shape, strict=True))] = mask.array
    head_coarse = head_of(values[coarse], brain[coarse], stride)
    high = _height(native, to_scan, coarse) > _PLANE_MM
    head = finer(head_coarse, stride, native.array.shape)
    background = ~head & ~frame
    hat = background & finer(high, stride, native.array.shape)
    artefacts = hat & _artefacts(native.array, hat, _apart(head_coarse, high), stride)
    samples = values[eroded(hat & ~artefacts)]
    if samples.size < _FEWEST_AIR:
        return frame, None
    return frame, Surroundings(
        background=background, head=head, hat=hat, artefacts=artefacts, samples=samples
    )


def blanked(values: Array) -> Array:
    """Return the largest piece of voxels at or below 0 that is thicker than noise."""
    from scipy.ndimage import binary_opening, generate_binary_structure, label

    padded = np.pad(values <= 0, 1, constant_values=True)  # so that opening leaves the borders alone
    opened = binary_opening(padded, generate_binary_structure(3, 2))[1:-1, 1:-1, 1:-1]
    pieces, count = label(opened)
    if count == 0:
        return np.zeros(values.shape, bool)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    found: Array = pieces == sizes.argmax()
    return found


def head_of(values: Array, brain: Array, stride: list[int]) -> Array:
    """Return the head on a coarse grid: where brightness changes, around a grown brain, without holes."""
    from scipy.ndimage import (
        binary_closing,
        binary_dilation,
        binary_fill_holes,
        gaussian_gradient_magnitude,
        generate_binary_structure,
    )

    sigma = [max(_GRADIENT_VOXELS / n, 0.5) for n in stride]
    slope = gaussian_gradient_magnitude(values.astype(np.float32), sigma, truncate=3.0)
    edges = slope > _GRADIENT_SHARE * np.percentile(slope, 99.5)
    near, reach = generate_binary_structure(3, 2), max(1, round(_BRAIN_REACH / max(stride)))
    grown = edges | binary_dilation(brain, near, reach)
    padded = np.pad(grown, reach)
    closed = binary_closing(padded, near, reach)[tuple(slice(reach, -reach) for _ in range(3))]
    filled: Array = binary_fill_holes(closed | grown)
    return filled


def finer(coarse: Array, stride: list[int], shape: tuple[int, ...]) -> Array:
    """Return a coarse grid's voxels on the full grid, each for the block that it stands for."""
    full = coarse
    for axis, n in enumerate(stride):
        full = np.repeat(full, n, axis=axis)
    return full[tuple(slice(None, n) for n in shape)]


def _height(native: Volume, to_scan: Affine, coarse: tuple[slice, ...]) -> Array:
    """Return template z, mm, of every coarse voxel by the affine alone."""
    row = (np.linalg.inv(to_scan) @ native.affine)[2]
    x, y, z = (row[k] * np.arange(n)[coarse[k]] for k, n in enumerate(native.array.shape))
    height: Array = x[:, None, None] + y[None, :, None] + z[None, None, :] + row[3]
    return height


def _apart(head: Array, high: Array) -> Array:
    """Return whether a voxel of air lies well apart from the head, on the coarse grid."""
    from scipy.ndimage import distance_transform_edt

    distance = distance_transform_edt(~head) * high
    most = float(distance.max())
    apart: Array = distance >= _ARTEFACT_APART * most if most > 0 else np.zeros(head.shape, bool)
    return apart


def _artefacts(raw: Array, hat: Array, apart: Array, stride: list[int]) -> Array:
    from scipy.ndimage import binary_opening

    air = raw[hat]
    air = air[air > 0]
    none = np.zeros(raw.shape, bool)
    if air.size < 100:
        return none
    middle = float(np.median(air))
    spread = float(np.median(abs(air - middle))) / 0.6745
    bright = hat & (raw > middle + _ARTEFACT_Z * spread) & finer(apart, stride, raw.shape)
    return binary_opening(bright) if bright.any() else none
