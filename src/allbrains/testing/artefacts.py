"""Scanner artefacts, applied to a finished image: motion, ghosts, spikes, wrap-around and others.

Motion is simulated where it happens, in k-space: each stretch of phase-encoding lines is measured of the head
in another pose. The image's phase is not known, so it is taken as 0.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.fft import fftn, ifftn
from scipy.ndimage import affine_transform, gaussian_filter
from scipy.spatial.transform import Rotation

from allbrains.records import Array, Volume

_STRETCHES = 8  # of k-space between moves; the middle one, which decides contrast, is the pose at rest


def moved_head(volume: Volume, size: float, rng: np.random.Generator, *, axis: int = 1) -> Volume:
    """Return a head that moved while it was scanned.

    Args:
        volume: of one head.
        size: each pose's shift along and rotation about every axis, mm and degrees: 0.5 is a still person,
            1.5 restless, 4 unusable.
        rng: draws the directions.
        axis: along which lines were phase-encoded.
    """
    lines = volume.array.shape[axis]
    spectrum = fftn(volume.array)
    edges = np.linspace(0, lines, _STRETCHES + 1).astype(int)
    order = np.fft.fftshift(np.arange(lines))  # in the order in which they are measured: edge, middle, edge
    for k, (start, end) in enumerate(pairwise(edges)):
        shift, turn = size * rng.choice([-1.0, 1.0], (2, 3))
        if k in (_STRETCHES // 2 - 1, _STRETCHES // 2):
            continue
        other = fftn(posed(volume, shift, turn))
        measured = [slice(None)] * 3
        measured[axis] = order[start:end]  # type: ignore[call-overload]
        spectrum[tuple(measured)] = other[tuple(measured)]
    return Volume(array=_real(spectrum), affine=volume.affine)


def posed(volume: Volume, shift_mm: Array, turn_deg: Array) -> Array:
    """Return the head shifted and turned about the middle of the field of view, 0 outside.

    By cubic splines: a linear resampling would smooth the noise, and motion would look like an improvement.
    """
    spacing = np.asarray(volume.spacing)
    turn = Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix()
    matrix = turn * spacing / spacing[:, None]
    middle = (np.asarray(volume.array.shape) - 1) / 2
    offset = middle - matrix @ (middle + shift_mm / spacing)
    moved: Array = affine_transform(np.asarray(volume.array, np.float32), matrix, offset, order=3)
    return moved


def ghosted(volume: Volume, strength: float, *, axis: int = 1) -> Volume:
    """Return an image with a copy half a field away: every second line of k-space is weaker by a share."""
    spectrum = fftn(volume.array)
    lines = [slice(None)] * 3
    lines[axis] = slice(1, None, 2)
    spectrum[tuple(lines)] *= 1 - strength
    return Volume(array=_real(spectrum), affine=volume.affine)


def spiked(volume: Volume, strength: float, rng: np.random.Generator, count: int = 3) -> Volume:
    """Return an image with stripes: single points of k-space, raised by a share of its largest value."""
    spectrum = fftn(volume.array)
    top = abs(spectrum).max()
    for _ in range(count):
        place = tuple(int(rng.integers(n // 16, n // 5)) for n in spectrum.shape)
        spectrum[place] += strength * top
    return Volume(array=_real(spectrum), affine=volume.affine)


def noisy(volume: Volume, sd: float, rng: np.random.Generator) -> Volume:
    """Return the image with Rician noise; ``sd`` in units of its 99th percentile."""
    values = np.asarray(volume.array, np.float32)
    scale = sd * float(np.percentile(values, 99))
    real, imaginary = (scale * rng.standard_normal(values.shape, np.float32) for _ in range(2))
    return Volume(array=np.hypot(values + real, imaginary), affine=volume.affine)


def blurred(volume: Volume, fwhm_mm: float) -> Volume:
    """Return the image smoothed by a Gaussian of this full width at half maximum."""
    sigma = [fwhm_mm / 2.355 / s for s in volume.spacing]
    return Volume(array=gaussian_filter(np.asarray(volume.array, np.float32), sigma), affine=volume.affine)


def wrapped(volume: Volume, share: float, *, axis: int = 1) -> Volume:
    """Return the image of a field of view too short by a share: its ends lie over each other."""
    values = np.asarray(volume.array, np.float32)
    cut = round(share * values.shape[axis])
    kept, over = np.split(np.moveaxis(values, axis, 0), [values.shape[axis] - cut])
    folded = kept.copy()
    folded[:cut] += over
    return Volume(array=np.ascontiguousarray(np.moveaxis(folded, 0, axis)), affine=volume.affine)


def clipped_bright(volume: Volume, percentile: float) -> Volume:
    """Return the image with all above a percentile of its voxels cut off, as by an overdriven receiver."""
    values = np.asarray(volume.array, np.float32)
    return Volume(array=np.minimum(values, np.percentile(values, percentile)), affine=volume.affine)


def with_void(volume: Volume, centre: Array, radius_mm: float) -> Volume:
    """Return the image with a ball without signal and a bright rim, as metal leaves it.

    Args:
        volume: of one head.
        centre: voxel indices.
        radius_mm: of the ball.
    """
    axes = np.meshgrid(*map(np.arange, volume.array.shape), indexing="ij", sparse=True)
    squares = [((x - c) * s) ** 2 for x, c, s in zip(axes, centre, volume.spacing, strict=True)]
    distance = np.sqrt(squares[0] + squares[1] + squares[2])
    values = np.where(distance < radius_mm, 0, volume.array).astype(np.float32)
    values[(distance >= radius_mm) & (distance < 1.15 * radius_mm)] *= 1.8
    return Volume(array=values, affine=volume.affine)


def _real(spectrum: Array) -> Array:
    """Return the magnitude image of a k-space, as a scanner gives it."""
    image: Array = abs(ifftn(spectrum)).astype(np.float32)
    return image
