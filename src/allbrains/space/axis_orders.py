"""Which way a head lies in its array: all 24 axis orders tried on the template, coarsely. Pure.

First every order is slid over the image with the template's brain, by masked normalised cross-correlation
(the Fourier transform gives all positions at once); then the best few may turn, shift and stretch a little.
What is compared is the brain and a dark rim around it, so that neither a face nor a neck nor the lack of one
counts. A head and its mirror image look the same here: an order stands for both.

References:
    Padfield 2012, IEEE TIP 21:2706-2718 (masked normalised cross-correlation).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from allbrains.records import Affine, Array, Volume
from allbrains.space.grid import Grid, coarsen, sample
from allbrains.space.template import REGISTRATION_SPACING, template

if TYPE_CHECKING:
    import torch

STEP_MM = 8.0  # of the grid on which heads are compared; at 10 mm the margin to the second order halves
_SMALLER = 0.88  # than the template are most heads: measured 0.78 to 1.04
_RIM_MM = 12.0  # around the brain: fluid and skull, both dark
_REACH_MM = 104.0  # from the brain's centre to the end of the template's cube, which turns in itself
_BLOCK_MM = 5.0  # the image is averaged down to voxels of at most this edge
_TRIED = 6  # orders that may move; the right one has been first or second of 24
_NOD = 0.5  # radians
_ITERATIONS = 40
_RATE = 0.04  # of Adam; turns in radians, logarithms of scales, shifts in units of 100 mm
_SHIFT_MM = 100.0
# Weights of the squares of turns and of logarithms of scales beside the correlation: they keep a wrong order
# from turning by 60° into something like the right one, and cost the right one a hundredth at 25°.
_STIFF_TURN, _STIFF_SCALE = 0.05, 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """One axis order and how well the template fits in it.

    Attributes:
        order: shape (3, 3), a rotation of 0 and ±1: image directions → the template's.
        affine: shape (4, 4), template RAS+ mm → image mm.
        centre: of the brain, image mm.
        score: correlation of the template with the image in the brain and its rim, less a little for
            what the template had to turn and stretch.
    """

    order: Array
    affine: Affine
    centre: Array
    score: float

    @property
    def as_stored(self) -> bool:
        """Whether the image's directions are the template's."""
        return bool((self.order == np.eye(3)).all())

    @property
    def turn_deg(self) -> float:
        """By how much the head lies turned in this order, degrees."""
        left, _, right = np.linalg.svd(self.order @ self.affine[:3, :3])
        return float(np.degrees(np.arccos(np.clip((np.trace(left @ right) - 1) / 2, -1, 1))))


@cache
def orders() -> tuple[Array, ...]:
    """Return the 24 rotations that carry axes to axes, the identity first."""
    found = []
    for axes in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            turn = np.zeros((3, 3))
            turn[range(3), axes] = signs
            if np.linalg.det(turn) > 0:
                found.append(turn)
    return tuple(sorted(found, key=lambda turn: -float(np.trace(turn))))


def poses(volume: Volume) -> tuple[Pose, ...]:
    """Return the axis orders that fit best, best first; the image's own is always among them.

    Costs about half a CPU-second, whatever the image's size.

    Args:
        volume: RAS+ by its header, whole or stripped.
    """
    coarse = _blocks(volume)
    starts = _slid(coarse)
    own = starts[0]
    best = sorted(starts, key=lambda start: -start.fit)[:_TRIED]
    if all(start is not own for start in best):
        best.append(own)
    # heads lie nose up and nose down by more than the search alone finds its way back from
    tipped = [_Start(order=own.order, at=own.at, fit=own.fit, nod=nod) for nod in (-_NOD, _NOD)]
    found: dict[bytes, Pose] = {}
    for pose in sorted(_moved(coarse, [*best, *tipped]), key=lambda pose: -pose.score):
        found.setdefault(pose.order.tobytes(), pose)
    return tuple(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fixed:
    """The template's brain, made as small as most are, in a cube that turns in itself.

    Attributes:
        centre: template RAS+ mm × ``_SMALLER``.
        t1w: shape (n, n, n), ``STEP_MM`` apart.
        near: of that shape, bool: the brain and its rim.
        points: shape (m, 3), mm from the centre, of ``near``.
    """

    centre: Array
    t1w: Array
    near: Array
    points: Array


@cache
def _fixed() -> _Fixed:
    from scipy.ndimage import distance_transform_edt

    full = template(REGISTRATION_SPACING)
    whole = replace(full, affine=np.diag([_SMALLER, _SMALLER, _SMALLER, 1.0]) @ full.affine)
    inside = np.argwhere(whole.mask)
    middle = (inside.min(axis=0) + inside.max(axis=0)) / 2
    centre = (whole.affine @ [*middle, 1.0])[:3]
    count = 2 * int(_REACH_MM // STEP_MM) + 1
    grid = Grid.box((centre - count * STEP_MM / 2).tolist(), [count * STEP_MM] * 3, STEP_MM)
    t1w = coarsen(Volume(array=whole.t1w * whole.mask, affine=whole.affine), grid).array
    away = distance_transform_edt(~np.pad(whole.mask, 8), sampling=_SMALLER * REGISTRATION_SPACING)
    padded = whole.affine.copy()
    padded[:3, 3] -= 8 * _SMALLER * REGISTRATION_SPACING
    (distance,) = sample([away], padded, grid.points(), edge=True)
    near = distance < _RIM_MM
    return _Fixed(centre=centre, t1w=t1w, near=near, points=grid.points()[near] - centre)


def _blocks(volume: Volume) -> Volume:
    """Return averages over blocks of voxels: the darkest are 0, the head's brightest tenth is 1."""
    counts = [max(1, int(_BLOCK_MM // edge)) for edge in volume.spacing]
    sides = [n // count for n, count in zip(volume.array.shape, counts, strict=True)]
    whole = volume.array[tuple(slice(n * count) for n, count in zip(sides, counts, strict=True))]
    (x, y, z), (i, j, k) = sides, counts
    means = whole.reshape(x, i, y, j, z, k).mean(axis=(1, 3, 5), dtype=np.float32)
    affine = volume.affine @ np.diag([*counts, 1.0])
    affine[:3, 3] = (volume.affine @ [*((count - 1) / 2 for count in counts), 1.0])[:3]
    dark = np.percentile(means, 2)
    bright = np.percentile(means[means >= means.mean()], 90)  # whatever share of the image the head fills
    scaled = np.clip((means - dark) / (bright - dark if bright > dark else 1), 0, 1.2)
    return Volume(array=scaled.astype(np.float32), affine=affine)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """Where a search begins.

    Attributes:
        order: as ``Pose.order``.
        at: where the brain's centre lies, image mm.
        fit: correlation there.
        nod: turn about the axis from ear to ear, radians.
    """

    order: Array
    at: Array
    fit: float
    nod: float = 0.0


def _slid(coarse: Volume) -> list[_Start]:
    """Return for each axis order, in the order of ``orders``, where the template's brain fits best."""
    from scipy.fft import irfftn, next_fast_len, rfftn

    grid = _cube_grid(coarse)
    (image,) = sample([coarse.array], coarse.affine, grid.points())
    fixed = _fixed()
    side = fixed.t1w.shape[0]
    shape = [next_fast_len(n + side - 1, real=True) for n in image.shape]
    plain, squared = rfftn(image, shape), rfftn(image * image, shape)
    count = float(fixed.near.sum())
    centred = np.where(fixed.near, fixed.t1w - fixed.t1w[fixed.near].mean(), np.float32(0))
    norm = float(np.sqrt((centred**2).sum()))
    found: list[_Start] = []
    for order in orders():
        kernel = np.conj(rfftn(_turned(centred, order), shape))
        window = np.conj(rfftn(_turned(fixed.near.astype(np.float32), order), shape))
        sums, squares = irfftn(plain * window, shape), irfftn(squared * window, shape)
        spread = np.sqrt(np.maximum(squares - sums**2 / count, 1e-6 * count))
        fit = irfftn(plain * kernel, shape) / (norm * spread)
        at = np.asarray(np.unravel_index(int(fit.argmax()), fit.shape))
        at = np.where(at < image.shape, at, at - np.asarray(shape)) + side // 2
        found.append(_Start(order=order, at=(grid.affine @ [*at, 1.0])[:3], fit=float(fit.max())))
    return found


def _cube_grid(coarse: Volume) -> Grid:
    """Return the grid of cubes, ``STEP_MM`` wide, along the axes of the image's world, that covers it."""
    corners = np.asarray(list(itertools.product(*((-0.5, n - 0.5) for n in coarse.array.shape))))
    world = corners @ coarse.affine[:3, :3].T + coarse.affine[:3, 3]
    low, high = world.min(axis=0), world.max(axis=0)
    return Grid.box(low.tolist(), (high - low).tolist(), STEP_MM)


def _turned(cube: Array, order: Array) -> Array:
    """Return a cube of the template along the image's axes."""
    axes = abs(order).argmax(axis=1)
    signs = order[range(3), axes].astype(int)
    flipped = cube[tuple(slice(None, None, sign) for sign in signs)]
    return np.ascontiguousarray(flipped.transpose(np.argsort(axes)))


def _moved(coarse: Volume, starts: Sequence[_Start]) -> list[Pose]:
    """Return the starts after they have turned, shifted and stretched to where they fit best.

    By Adam on nine numbers each, all starts at once: turns, logarithms of scales, shifts.
    """
    import torch

    fit = _Fit(coarse, starts)
    free = torch.zeros(len(starts), 9)
    free[:, 0] = torch.tensor([start.nod for start in starts])
    free.requires_grad_()
    adam = torch.optim.Adam([free], lr=_RATE)
    for _ in range(_ITERATIONS):
        adam.zero_grad()
        (-fit.score(free)).sum().backward()  # type: ignore[no-untyped-call]
        adam.step()
    with torch.no_grad():
        scores = fit.score(free).tolist()
        matrices, places = (part.numpy().astype(np.float64) for part in fit.placed(free))
    centre = _fixed().centre
    found = []
    for start, matrix, place, score in zip(starts, matrices, places, scores, strict=True):
        affine = np.eye(4)
        affine[:3, :3], affine[:3, 3] = matrix * _SMALLER, place - matrix @ centre
        found.append(Pose(order=start.order, affine=affine, centre=place, score=score))
    return found


class _Fit:
    """How well the template fits at several places at once, as torch can differentiate it."""

    def __init__(self, coarse: Volume, starts: Sequence[_Start]) -> None:
        import torch

        fixed = _fixed()
        values = torch.from_numpy(fixed.t1w[fixed.near]) - float(fixed.t1w[fixed.near].mean())
        self._values = values / values.norm()
        self._points = torch.from_numpy(fixed.points.astype(np.float32))
        self._back = torch.from_numpy(np.stack([start.order.T for start in starts]).astype(np.float32))
        self._first = torch.from_numpy(np.stack([start.at for start in starts]).astype(np.float32))
        self._image = torch.from_numpy(coarse.array)[None, None]
        # grid_sample wants x last-to-first and -1…1 between the centres of the outer voxels
        unit = np.diag([*(2.0 / (np.asarray(coarse.array.shape) - 1)), 1.0])
        unit[:3, 3] = -1.0
        to_unit = (unit @ np.linalg.inv(coarse.affine)).astype(np.float32)
        self._turn, self._shift = torch.from_numpy(to_unit[:3, :3].T.copy()), torch.from_numpy(to_unit[:3, 3])

    def placed(self, free: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return template mm from the brain's centre → image mm: matrices, and where the centre comes."""
        import torch

        zero = torch.zeros_like(free[:, 0])
        x, y, z = free[:, 0], free[:, 1], free[:, 2]
        cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=1).reshape(-1, 3, 3)
        turned = self._back @ torch.linalg.matrix_exp(cross)
        return turned * free[:, None, 3:6].exp(), self._first + free[:, 6:] * _SHIFT_MM

    def score(self, free: torch.Tensor) -> torch.Tensor:
        """Return the correlation at each place, less what it had to turn and stretch for it."""
        from torch.nn import functional

        matrix, at = self.placed(free)
        unit = (self._points @ matrix.transpose(1, 2) + at[:, None]) @ self._turn + self._shift
        where = unit.flip(-1)[None, :, :, None]
        seen = functional.grid_sample(self._image, where, mode="bilinear", align_corners=True)[0, 0, ..., 0]
        seen = seen - seen.mean(dim=1, keepdim=True)
        fit = (seen @ self._values) / seen.norm(dim=1).clamp_min(1e-6)
        held = _STIFF_TURN * (free[:, :3] ** 2).sum(1) + _STIFF_SCALE * (free[:, 3:6] ** 2).sum(1)
        score: torch.Tensor = fit - held
        return score
