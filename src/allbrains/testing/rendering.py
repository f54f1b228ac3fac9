"""From a person and a pose to voxels, without bias or noise. Pure.

Smooth things are sampled on nodes 6 or 3 mm apart and stretched; the brain itself is sampled once, at the
voxels; work goes slab by slab, so that memory stays near the size of the result. Thick voxels
are rendered in halves and averaged, because scanners don't see points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from allbrains.errors import ConfigurationError
from allbrains.testing.anatomy import WHITE_LEVEL, template_brain, template_head
from allbrains.testing.fields import Lattice, Shape, invert, sample_all, stretch
from allbrains.testing.painting import CSF, GREY, WHITE, Places, paint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from allbrains.case import Warp
    from allbrains.records import Affine, Array
    from allbrains.testing.person import Person

WARP_NODES_MM, HEAD_NODES_MM = 6.0, 3.0
HALVED_FROM_MM = 2.5  # finer voxels are sampled once: the template is itself an average, and blurred
SLAB_VOXELS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """What is in each voxel; shape (x, y, z), float32.

    Attributes:
        image: intensity, white matter = 1, air = 0.
        gm, wm, csf: share of the voxel, 0–1; their sum is the share of brain.
    """

    image: Array
    gm: Array
    wm: Array
    csf: Array


def render(person: Person, warp: Warp, grid: Lattice, *, capsule: bool) -> Rendering:
    """Return the person as a noiseless scanner would see them on ``grid``.

    Raises:
        ConfigurationError: the warp is too steep to be inverted.
    """
    fine = [2 if size > HALVED_FROM_MM else 1 for size in grid.spacing]
    points = _template_points(warp, grid.nodes(WARP_NODES_MM))
    channels = _channels(person, points, grid)
    result = np.empty((4, *grid.shape), np.float32)
    for start, stop in _slabs(grid.shape, fine):
        at = [np.arange(start * fine[0], stop * fine[0]), np.arange(grid.shape[1] * fine[1])]
        at.append(np.arange(grid.shape[2] * fine[2]))
        where = [_to(points.shape, grid.shape, fine, at, points[..., i]) for i in range(3)]
        around = {name: _to(c.shape, grid.shape, fine, at, c) for name, c in channels.items()}
        distance = _distance(where, person.temple) if capsule else np.full(1, 1e3, np.float32)
        outer = paint(Places(**around, capsule=distance))
        result[:, start:stop] = _averaged(_with_brain(outer, around["hull"], where), fine)
    image, gm, wm, csf = result
    return Rendering(image=image, gm=gm, wm=wm, csf=csf)


def _slabs(shape: Shape, fine: list[int]) -> Iterator[tuple[int, int]]:
    plane = shape[1] * shape[2] * fine[0] * fine[1] * fine[2]
    step = max(1, SLAB_VOXELS // plane)
    for start in range(0, shape[0], step):
        yield start, min(start + step, shape[0])


def _template_points(warp: Warp, nodes: Lattice) -> Array:
    """Return where each node lies in the template: shape (x, y, z, 3), mm."""
    back = np.linalg.inv(warp.affine)
    targets = nodes.points() @ back[:3, :3].T + back[:3, 3]
    points, miss = invert(warp.displacement, warp.grid_affine, targets)
    if miss > 0.05:
        raise ConfigurationError(f"the warp can't be inverted (a point misses its place by {miss:.2f} mm)")
    return points


def _channels(person: Person, points: Array, grid: Lattice) -> dict[str, Array]:
    """Return all fields but those of the brain, on nodes of the grid."""
    head, nodes = template_head(), grid.nodes(HEAD_NODES_MM)
    ends = zip(points.shape, nodes.shape, strict=False)
    at = [np.linspace(0, coarse - 1, count) for coarse, count in ends]
    places = np.stack([stretch(np.asarray(points[..., i], np.float32), at) for i in range(3)], axis=-1)
    around, own = ("hull", "body", "air", "eyes", "canal"), ("csf", "skull", "scalp", "texture")
    found = sample_all([getattr(head, name) for name in around], head.lattice.affine, places)
    found += sample_all([getattr(person, name) for name in own], person.lattice.affine, places)
    return dict(zip(around + own, found, strict=True))


def _to(nodes: tuple[int, ...], shape: Shape, fine: list[int], at: list[Array], field: Array) -> Array:
    """Return a field of nodes at some voxels of the finer grid, given by their indices ``at``."""
    ends = zip(at, nodes, shape, fine, strict=False)  # nodes run from edge to edge
    where = [(index + 0.5) * (count - 1) / (n * f) for index, count, n, f in ends]
    return stretch(np.asarray(field, np.float32), where)


def _distance(where: list[Array], centre: tuple[float, float, float]) -> Array:
    return np.sqrt(sum((a - c) ** 2 for a, c in zip(where, centre, strict=True)))


def _with_brain(outer: Array, hull: Array, where: list[Array]) -> Array:
    """Return image, gm, wm and csf: shape (4, x, y, z)."""
    brain = template_brain()
    result = np.zeros((4, *outer.shape), np.float32)
    near = hull < 1.0  # the brain lies within its hull; 1 mm for the softness of both
    start: Affine = brain.affine
    index = [(a[near] - o) / d for a, o, d in zip(where, start[:3, 3], np.diag(start), strict=False)]
    t1w, gm, wm, mask = (
        ndimage.map_coordinates(m, index, output=np.float32, order=1) / 255
        for m in (brain.t1w, brain.gm, brain.wm, brain.mask)
    )
    gm, wm = np.minimum(gm, mask), np.minimum(wm, mask - np.minimum(gm, mask))
    csf = mask - gm - wm
    # half the template's T1w, which has the texture; half its tissues, which have the contrast
    inside = 0.5 * t1w / WHITE_LEVEL + 0.5 * (CSF * csf + GREY * gm + WHITE * wm)
    result[0] = outer
    result[0][near] = outer[near] * (1 - mask) + inside
    for row, values in zip(result[1:], (gm, wm, csf), strict=True):
        row[near] = values
    return result


def _averaged(values: Array, fine: list[int]) -> Array:
    """Return the means over blocks of ``fine`` voxels; shape (4, x, y, z)."""
    if fine == [1, 1, 1]:
        return values
    (x, y, z), (a, b, c) = values.shape[1:], fine
    return np.asarray(values.reshape(4, x // a, a, y // b, b, z // c, c).mean(axis=(2, 4, 6)))
