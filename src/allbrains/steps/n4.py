"""N4's equations on a regular grid, where each spline fit is three small tensor contractions.

N4 subtracts, again and again, a smooth field from the image's logarithm: it sharpens the histogram by a
Wiener filter, takes what each voxel is above its sharpened value, and fits a B-spline to that. On a grid the
weight of a control point is a product of three, one an axis, and so are the sums of Lee's fit: scattered
data, as ITK takes them, cost 20 times as much. The result differs from ANTs' as two runs with other
samplings do (``tests/steps/test_n4.py``). Values in, values out.

References:
    Tustison et al. 2010, IEEE TMI 29:1310-1320 (N4); Sled et al. 1998, IEEE TMI 17:87-97 (eq. 11-12:
    sharpening); Lee et al. 1997, IEEE TVCG 3:228-244 (eq. 4-5: the fit).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allbrains.records import Array

_BINS = 200  # of the histogram, as N4's
_PADDED = 512  # N4 pads the histogram to twice the next power of two
_NOISE = 0.01  # of the Wiener filter, as N4's
_LEVELS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Spline:
    """A cubic B-spline field on a box: the sum of one lattice of control points a level.

    Attributes:
        lattices: each of shape (i, j, k), control points along the axes; each level has twice the spans.
        origin, extent: the box along x, y, z, mm, in the frame with 0 at the centre of the first voxel.
    """

    lattices: tuple[Array, ...]
    origin: Array
    extent: Array

    def at(self, shape: tuple[int, ...], spacing: Array, first: Array) -> Array:
        """Return the field at the voxels of a grid along the same axes, float32.

        Args:
            shape: of the grid.
            spacing: mm along x, y, z.
            first: mm, where the grid's first voxel lies in the spline's frame.
        """
        total = np.zeros(shape, np.float32)
        for lattice in self.lattices:
            basis = [
                _basis((first[k] + np.arange(n) * spacing[k] - self.origin[k]) / self.extent[k], points - 3)
                for k, (n, points) in enumerate(zip(shape, lattice.shape, strict=True))
            ]
            total += _contracted(lattice, [b.astype(np.float32) for b in basis])
        return total


def log_bias(
    log_image: Array,
    mask: Array,
    spacing: Array,
    *,
    knots_mm: float,
    iterations: int,
    tolerance: float,
    sharpness: float,
) -> Spline:
    """Return the smooth field of an image's logarithm.

    Args:
        log_image: natural logarithm, shape (x, y, z); read inside the mask only.
        mask: bool, same shape.
        spacing: mm along x, y, z.
        knots_mm: distance of the control points on the first of four levels; halved on each.
        iterations: on each level, at most.
        tolerance: the variation of the field's last change (standard deviation over mean of its exponential)
            below which a level ends.
        sharpness: full width at half maximum of the field's assumed histogram, log units.
    """
    size = (np.asarray(mask.shape) - 1) * spacing
    spans = np.maximum(np.ceil(size / knots_mm).astype(int), 1)
    extent = spans * knots_mm
    origin = (size - extent) / 2  # the box is centred on the image, as ANTs centres it
    inside = np.where(mask, log_image, 0.0)
    field = np.zeros(mask.shape)
    lattices = []
    for level in range(_LEVELS):
        basis = [
            _basis((np.arange(n) * spacing[k] - origin[k]) / extent[k], int(spans[k]) * 2**level)
            for k, n in enumerate(mask.shape)
        ]
        fit = _Fit.on(mask.astype(np.float64), basis)
        lattice = np.zeros([b.shape[1] for b in basis])
        for _ in range(iterations):
            found = inside - field
            found[mask] -= sharpened(found[mask], sharpness)
            found[~mask] = 0.0
            step = fit(found)
            change = _contracted(step, basis)
            lattice += step
            field += change
            ratio = np.exp(change[mask])
            if ratio.std() / ratio.mean() <= tolerance:
                break
        lattices.append(lattice.astype(np.float32))
    return Spline(lattices=tuple(lattices), origin=origin, extent=extent)


@dataclass(frozen=True, slots=True)
class _Fit:
    """Lee's approximation by one lattice: weights that depend on the grid and the mask alone.

    Attributes:
        numerator: by axis, shape (voxels, control points): the basis cubed, over the sum of its squares.
        denominator: of each control point, the sum of squared weights; shape (i, j, k).
    """

    numerator: list[Array]
    denominator: Array

    @classmethod
    def on(cls, weight: Array, basis: list[Array]) -> _Fit:
        numerator = [b**3 / (b**2).sum(axis=1, keepdims=True) for b in basis]
        return cls(numerator, _contracted(weight, [(b**2).T for b in basis]))

    def __call__(self, values: Array) -> Array:
        """Return the control points for values that are 0 outside the mask."""
        sums = _contracted(values, [n.T for n in self.numerator])
        known = self.denominator > 1e-12  # others have no voxel of the mask within reach
        return np.where(known, sums / np.where(known, self.denominator, 1.0), 0.0)


def _basis(place: Array, spans: int) -> Array:
    """Return the weights of uniform cubic B-splines, shape (n, spans + 3); ``place``: 0 to 1 over the box."""
    at = np.clip(place * spans, 0, spans * (1 - 1e-12))
    span = np.floor(at).astype(int)
    t = at - span
    weights = np.stack(
        [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1
    )
    out = np.zeros((len(at), spans + 3))
    rows = np.arange(len(at))
    for k in range(4):
        out[rows, span + k] = weights[:, k] / 6
    return out


def _contracted(values: Array, matrices: list[Array]) -> Array:
    """Return ``sum_ijk A[x, i] B[y, j] C[z, k] values[i, j, k]``, the smallest results first."""
    a, b, c = matrices
    x, y, z = values.shape
    out = (values.reshape(x * y, z) @ c.T).reshape(x, y, -1)
    out = b @ out
    result: Array = (a @ out.reshape(x, -1)).reshape(a.shape[0], *out.shape[1:])
    return result


def sharpened(values: Array, sharpness: float) -> Array:
    """Return what each log intensity would be expected to be without a field, shape (n,).

    The histogram is taken for the true one blurred by a Gaussian, the field's; Wiener's filter undoes it,
    and the expectation of the true value given the blurred one follows (Sled et al. 1998, eq. 12).
    """
    low, high = float(values.min()), float(values.max())
    if not high > low:
        return values.copy()
    slope = (high - low) / (_BINS - 1)
    place = (values - low) / slope
    index = np.minimum(place.astype(int), _BINS - 2)
    share = place - index
    counts = np.bincount(index, 1 - share, _BINS) + np.bincount(index + 1, share, _BINS)
    start = (_PADDED - _BINS) // 2
    observed = np.zeros(_PADDED)
    observed[start : start + _BINS] = counts
    width = sharpness / slope
    distance = np.minimum(np.arange(_PADDED), _PADDED - np.arange(_PADDED))
    blur = np.fft.fft(
        2 * np.sqrt(np.log(2) / np.pi) / width * np.exp(-4 * np.log(2) * (distance / width) ** 2)
    )
    wiener = (np.conj(blur) / (np.abs(blur) ** 2 + _NOISE)).real
    true = np.maximum(np.fft.ifft(np.fft.fft(observed) * wiener).real, 0)
    middles = low + (np.arange(_PADDED) - start) * slope
    above, below = (np.fft.ifft(np.fft.fft(part) * blur).real for part in (middles * true, true))
    expected = np.where(below != 0, above / np.where(below != 0, below, 1.0), 0.0)[start : start + _BINS]
    out: Array = expected[index] + share * (expected[index + 1] - expected[index])
    return out
