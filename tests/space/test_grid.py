"""Laws of sampling and of warps."""

import numpy as np
import pytest

from allbrains.case import Warp
from allbrains.records import Volume
from allbrains.space.grid import Grid, coarsen, inverse, jacobian, resample, sample, spread, through

RNG = np.random.default_rng(7)


def smooth_warp(strength: float = 2.0) -> Warp:
    grid = Grid.box((-40, -48, -40), (80, 96, 80), 4)
    points = grid.points()
    waves = [strength * np.sin(points[..., (k + 1) % 3] / 12 + k) for k in range(3)]
    affine = np.array([[1.1, 0.05, 0, 3], [-0.04, 0.95, 0.02, -5], [0, 0.03, 1.05, 2], [0, 0, 0, 1]])
    return Warp(affine=affine, displacement=np.stack(waves, -1).astype(np.float32), grid_affine=grid.affine)


def test_a_box_starts_at_its_corner_whatever_the_spacing():
    for spacing in (1.0, 1.5, 2.0):
        grid = Grid.box((-80.5, -112.5, -74.5), (160, 192, 160), spacing)
        assert np.allclose(grid.affine[:3, 3] - spacing / 2, (-80.5, -112.5, -74.5))
    assert Grid.box((0, 0, 0), (160, 192, 160), 1.0).shape == (160, 192, 160)


def test_sampling_at_the_voxels_gives_the_array_back():
    array = RNG.normal(size=(9, 10, 11)).astype(np.float32)
    affine = np.array([[0, 2, 0, 5], [-1.5, 0, 0, 7], [0, 0, 3, -9], [0, 0, 0, 1]], float)
    grid = Grid(shape=(9, 10, 11), affine=affine)
    (values,) = sample([array], affine, grid.points())
    np.testing.assert_allclose(values, array, atol=2e-4)


def test_sampling_is_linear_between_voxels_and_0_outside():
    ramp = np.broadcast_to(np.arange(8, dtype=np.float32)[:, None, None], (8, 8, 8)).copy()
    points = np.array([[2.25, 3, 3], [6.5, 1, 7], [-3, 0, 0]], np.float32)
    (values,) = sample([ramp], np.eye(4), points)
    np.testing.assert_allclose(values, [2.25, 6.5, 0], atol=1e-4)
    (edge,) = sample([ramp], np.eye(4), points, edge=True)
    np.testing.assert_allclose(edge, [2.25, 6.5, 0], atol=1e-4)


def test_coarsening_keeps_the_integral_of_a_blob():
    fine = Grid.box((-32, -32, -32), (64, 64, 64), 1)
    blob = np.exp(-(fine.points() ** 2).sum(-1) / (2 * 8**2)).astype(np.float32)
    coarse = coarsen(Volume(array=blob, affine=fine.affine), Grid.box((-32, -32, -32), (64, 64, 64), 2))
    assert coarse.array.sum() * 8 == pytest.approx(blob.sum(), rel=0.01)


def test_resampling_keeps_a_marker_where_it_is_in_the_world():
    affine = np.array([[0, 0, -2, 30], [1.5, 0, 0, -20], [0, -1, 0, 25], [0, 0, 0, 1]], float)
    array = np.zeros((30, 50, 28), np.float32)
    index = (20, 12, 7)
    array[index] = 1
    world = affine[:3, :3] @ index + affine[:3, 3]
    grid = Grid.box((-40, -40, -40), (80, 80, 80), 1)
    out = resample(Volume(array=array, affine=affine), grid).array
    centre = (grid.points() * out[..., None]).sum((0, 1, 2)) / out.sum()
    np.testing.assert_allclose(centre, world, atol=0.05)


def test_the_inverse_undoes_the_warp():
    warp = smooth_warp()
    points = RNG.uniform(-25, 25, (500, 3)).astype(np.float32)
    np.testing.assert_allclose(inverse(warp, through(warp, points)), points, atol=0.05)


def test_the_jacobian_is_the_volume_change_of_the_displacement():
    warp = smooth_warp()
    x = np.array([5.0, -7.0, 9.0])
    step = 0.5
    corners = np.stack([x, *(x + step * np.eye(3))]).astype(np.float32)
    moved = through(
        Warp(affine=np.eye(4), displacement=warp.displacement, grid_affine=warp.grid_affine), corners
    )
    expected = np.linalg.det((moved[1:] - moved[0]).T / step)
    (found,) = sample([jacobian(warp)], warp.grid_affine, x[None].astype(np.float32))
    assert found[0] == pytest.approx(expected, rel=0.05)


def test_no_displacement_has_jacobian_1():
    grid = Grid.box((-10, -10, -10), (20, 20, 20), 2)
    warp = Warp(affine=np.eye(4) * 2, displacement=np.zeros((*grid.shape, 3)), grid_affine=grid.affine)
    assert (jacobian(warp) == 1).all()


def test_spread_is_sample_at_a_grids_points_with_the_nearest_value_beyond():
    rng = np.random.default_rng(6)
    affine = np.diag([2.0, 3.0, 2.5, 1.0])
    affine[:3, 3] = (-4, 5, 1)
    arrays = [rng.random((7, 8, 9)).astype(np.float32) for _ in range(2)]
    grid = Grid.box((-9, 2, -3), (22, 30, 29), 1.3)
    for ours, slow in zip(
        spread(arrays, affine, grid), sample(arrays, affine, grid.points(), edge=True), strict=True
    ):
        np.testing.assert_allclose(ours, slow, atol=1e-5)
