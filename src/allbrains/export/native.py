"""From the template back to the scan's own grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from allbrains.case import Warp
from allbrains.errors import ConfigurationError, CorpusError
from allbrains.load import Brain
from allbrains.records import Affine, Array
from allbrains.space.grid import Grid, affine_points, inverse, sample, transform
from allbrains.store.manifest import affine_of, shape_of
from allbrains.text import json_of

# The inverse of the non-linear part is found on a grid this coarse and interpolated: the displacement is
# stored at 4 mm, so nothing finer is in it, and a scan of 1 mm costs 64 times less.
COARSE_MM = 4.0
_SLAB = 16  # planes at once, so that the points of a 0.5 mm scan don't fill the memory
_NEEDED = "displacement"
_MOST_VOXELS = 1 << 28  # a head of 0.35 mm has 2^27


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A map to carry back.

    Attributes:
        array: shape (x, y, z), integers.
        affine: shape (4, 4), voxel → template RAS+ mm.
        labels: whether the integers are names; there is nothing between two names.
    """

    array: Array
    affine: Affine
    labels: bool

    def linear(self, points: Array) -> Array:
        """Return the map at template points, shape (..., 3), rounded to its steps."""
        (values,) = sample([self.array], self.affine, points)
        return np.rint(values)

    def nearest(self, points: Array) -> Array:
        """Return the map's nearest voxel at template points, shape (..., 3)."""
        index = np.rint(transform(_inverted(self.affine), points)).astype(np.int64)
        inside = ((index >= 0) & (index < self.array.shape)).all(axis=-1)
        index[~inside] = 0
        x, y, z = np.moveaxis(index, -1, 0)
        return np.where(inside, self.array[x, y, z], 0)


def warp_of(brain: Brain) -> Warp:
    """Return the stored warp, template → scan.

    Raises:
        ConfigurationError: the corpus holds none.
        CorpusError: the shard is damaged.
    """
    row = brain.row
    names = [f"affine_{r}{c}" for r in range(3) for c in range(4)]
    if _NEEDED not in brain.brains.specs or any(row.get(name) is None for name in names):
        raise ConfigurationError(
            f"{brain.brains.shelf.where()} holds no transforms, so there is no way back to the scans: "
            "use --space template"
        )
    affine = np.eye(4)
    affine[:3] = np.array([row[name] for name in names]).reshape(3, 4)
    try:
        affine_of(affine.tolist())
    except ValueError as error:
        raise CorpusError(f"{row['dataset']}/{row['path']}: {error}") from error
    return Warp(
        affine=affine,
        displacement=brain.values(_NEEDED),
        grid_affine=np.array(brain.brains.specs[_NEEDED].affine),
    )


def scan_grid(row: Mapping[str, Any]) -> Grid:
    """Return the grid of the scan's file: its voxels, and the affine that was believed.

    Raises:
        ConfigurationError: the corpus doesn't say.
        CorpusError: what it says is no grid of a scan.
    """
    text = row.get("scan_grid")
    if not text:
        raise ConfigurationError("this corpus doesn't tell the scans' own grids: use --space template")
    try:
        fields = json_of(text)
        x, y, z = shape_of(fields["shape"], axes=(3,))
        affine = np.array(affine_of(fields["affine"]))
        if x * y * z > _MOST_VOXELS:
            raise ValueError(f"{x * y * z} voxels, at most {_MOST_VOXELS} are written")
    except (ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{row['dataset']}/{row['path']}: its scan_grid can't be read: {error}") from error
    return Grid(shape=(x, y, z), affine=affine)


def to_scan(layers: Mapping[str, Layer], warp: Warp, grid: Grid) -> dict[str, Array]:
    """Return maps' integers on the scan's grid, 0 outside the map: linear, labels by the nearest voxel.

    Args:
        layers: by name.
        warp: template → scan.
        grid: of the scan.

    Returns:
        By name, each of the grid's shape and of its layer's type.
    """
    shift, coarse_affine = _way_back(warp, grid)
    to_template = _inverted(warp.affine)
    out = {name: np.empty(grid.shape, layer.array.dtype) for name, layer in layers.items()}
    for first in range(0, grid.shape[0], _SLAB):
        last = min(first + _SLAB, grid.shape[0])
        slab = grid.affine.copy()
        slab[:3, 3] = (grid.affine @ [first, 0, 0, 1])[:3]
        points = affine_points(slab, (last - first, *grid.shape[1:]))
        parts = sample([shift[..., k] for k in range(3)], coarse_affine, points, edge=True)
        places = transform(to_template, points) + np.stack(parts, axis=-1)
        for name, layer in layers.items():
            out[name][first:last] = layer.nearest(places) if layer.labels else layer.linear(places)
    return out


def _inverted(affine: Affine) -> Affine:
    return np.asarray(np.linalg.inv(affine), np.float64)


def _way_back(warp: Warp, grid: Grid) -> tuple[Array, Affine]:
    """Return what the non-linear part adds to ``affine⁻¹ @ p`` for points p of the scan, on a coarse grid.

    Returns:
        Shape (x, y, z, 3), template mm, and the coarse grid's affine, voxel → scan RAS+ mm.
    """
    spacing = np.sqrt((grid.affine[:3, :3] ** 2).sum(axis=0))
    stride = np.maximum(COARSE_MM / spacing, 1.0)
    shape = tuple(int(n) for n in np.ceil((np.array(grid.shape) - 1) / stride) + 1)
    affine = grid.affine @ np.diag([*stride, 1.0])
    points = affine_points(affine, (shape[0], shape[1], shape[2]))
    return inverse(warp, points) - transform(_inverted(warp.affine), points), affine
