"""Smooth random fields on regular lattices, and the ways between lattices. Pure.

What varies slowly in space is drawn and sampled on a coarse lattice and only stretched to the voxels at
the end. Everything is element-wise NumPy or single-threaded SciPy, so that bytes don't depend on threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from allbrains.records import Affine, Array


Triple = tuple[float, float, float]
Shape = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lattice:
    """Regularly spaced points of the world.

    Attributes:
        shape: points along each axis.
        affine: shape (4, 4), index → mm in RAS+.
    """

    shape: Shape
    affine: Affine

    @property
    def spacing(self) -> Triple:
        """Distance between neighbours along each axis, mm."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0).tolist()
        return (x, y, z)

    def points(self) -> Array:
        """Return where each point lies: shape (x, y, z, 3), mm."""
        index = np.stack(np.meshgrid(*map(np.arange, self.shape), indexing="ij"), axis=-1)
        return index @ self.affine[:3, :3].T + self.affine[:3, 3]

    def axes(self) -> tuple[Array, Array, Array]:
        """Return x, y and z in mm, open for broadcasting; for a lattice along the world's axes."""
        starts, steps = self.affine[:3, 3], np.diag(self.affine)[:3]
        ends = zip(starts, steps, self.shape, strict=True)
        lines = [np.asarray(start + step * np.arange(n), np.float32) for start, step, n in ends]
        return lines[0][:, None, None], lines[1][None, :, None], lines[2][None, None, :]

    def nodes(self, step_mm: float) -> Lattice:
        """Return a coarser lattice that spans the voxels of this one from edge to edge.

        Args:
            step_mm: the most that neighbours may lie apart.
        """
        cells = [max(1, int(np.ceil(n * s / step_mm))) for n, s in zip(self.shape, self.spacing, strict=True)]
        step = np.array(self.shape) / cells
        local = np.diag([*step, 1.0])
        local[:3, 3] = -0.5
        x, y, z = (n + 1 for n in cells)
        return Lattice(shape=(x, y, z), affine=self.affine @ local)


def box(low_mm: Triple, high_mm: Triple, step_mm: float) -> Lattice:
    """Return the axis-aligned lattice from ``low_mm`` on that reaches ``high_mm``."""
    x, y, z = (int(np.ceil((b - a) / step_mm)) + 1 for a, b in zip(low_mm, high_mm, strict=True))
    affine = np.diag([step_mm, step_mm, step_mm, 1.0])
    affine[:3, 3] = low_mm
    return Lattice(shape=(x, y, z), affine=affine)


def smooth_field(rng: np.random.Generator, lattice: Lattice, length_mm: float) -> Array:
    """Return a random field of mean 0 and standard deviation 1 over the lattice.

    Args:
        rng: where the draw comes from.
        lattice: with equal spacing along its axes.
        length_mm: standard deviation of the field's Gaussian autocorrelation.

    Returns:
        shape of the lattice, float32.
    """
    # white noise under a Gaussian kernel of sigma s has an autocorrelation of sigma s * sqrt 2
    sigma = length_mm / np.sqrt(2) / lattice.spacing[0]
    field = ndimage.gaussian_filter(rng.standard_normal(lattice.shape), sigma, mode="reflect", truncate=3.0)
    return np.asarray((field - field.mean()) / field.std(), np.float32)


def sample(array: Array, affine: Affine, points: Array, *, outside: float | None = None) -> Array:
    """Return linear interpolation of ``array`` at ``points``.

    Args:
        array: shape (x, y, z).
        affine: its index → mm.
        points: shape (..., 3), mm.
        outside: value beyond the array; without it the edge goes on.

    Returns:
        shape (...), float32.
    """
    (found,) = sample_all([array], affine, points, outside=outside)
    return found


def sample_all(
    arrays: Iterable[Array], affine: Affine, points: Array, *, outside: float | None = None
) -> list[Array]:
    """Return what ``sample`` gives for each of several arrays on one grid."""
    inverse = np.linalg.inv(affine)
    index = np.moveaxis(points @ inverse[:3, :3].T + inverse[:3, 3], -1, 0)
    mode, fill = ("nearest", 0.0) if outside is None else ("constant", outside)
    return [
        ndimage.map_coordinates(array, index, output=np.float32, order=1, mode=mode, cval=fill)
        for array in arrays
    ]


def sample_vectors(vectors: Array, affine: Affine, points: Array) -> Array:
    """Return linear interpolation of ``vectors``, shape (x, y, z, 3), at ``points``, shape (..., 3)."""
    return np.stack(sample_all(np.moveaxis(vectors, -1, 0), affine, points), axis=-1)


def stretch(field: Array, at: Sequence[Array]) -> Array:
    """Return linear interpolation of ``field`` at the grid of fractional indices ``at``, axis by axis."""
    for axis, where in enumerate(at):
        low = np.clip(where.astype(np.intp), 0, field.shape[axis] - 2)
        part = np.asarray(where - low, np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        start = field.take(low, axis)
        field = start + (field.take(low + 1, axis) - start) * part
    return field


def invert(displacement: Array, affine: Affine, targets: Array) -> tuple[Array, float]:
    """Return the points ``x`` with ``x + displacement(x) = target``, by fixed-point iteration.

    Args:
        displacement: shape (x, y, z, 3), mm.
        affine: index of the displacement → mm.
        targets: shape (..., 3), mm.

    Returns:
        the points, shape (..., 3), and the largest distance by which one misses its target, mm: it stays
        large where the displacement is too steep.
    """
    points, miss = targets, np.inf
    for _ in range(40):
        step = targets - points - sample_vectors(displacement, affine, points)
        points, miss = points + step, float(np.abs(step).max())
        if miss < 1e-3:  # a thousandth of the finest voxel
            break
    return points, miss
