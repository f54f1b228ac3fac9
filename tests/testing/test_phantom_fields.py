"""Laws of lattices and fields: interpolation, stretching and inversion agree with what they claim."""

import numpy as np
import pytest

from allbrains.testing.fields import Lattice, box, invert, sample, sample_vectors, smooth_field, stretch


def stream(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def linear(points: np.ndarray) -> np.ndarray:
    return points @ np.array([0.5, -2.0, 3.0]) + 7


def test_nodes_span_the_voxels_from_edge_to_edge():
    grid = Lattice(shape=(10, 7, 5), affine=np.diag([2.0, 3.0, 1.0, 1.0]))
    points = grid.nodes(4.0).points()
    assert points[0, 0, 0] == pytest.approx([-1.0, -1.5, -0.5])
    assert points[-1, -1, -1] == pytest.approx([19.0, 19.5, 4.5])
    assert max(grid.nodes(4.0).spacing) <= 4.0


def test_axes_are_the_points_of_a_straight_lattice():
    lattice = box((-5.0, 0.0, 2.0), (5.0, 9.0, 8.0), 2.0)
    x, y, z = lattice.axes()
    assert np.stack(np.broadcast_arrays(x, y, z), axis=-1) == pytest.approx(lattice.points())


def test_sampling_and_stretching_are_exact_on_what_is_linear():
    lattice = box((-8.0, -8.0, -8.0), (8.0, 8.0, 8.0), 4.0)
    field = np.asarray(linear(lattice.points()), np.float32)
    inside = stream().uniform(-8, 8, (50, 3))
    assert sample(field, lattice.affine, inside) == pytest.approx(linear(inside), abs=1e-4)
    fine = stretch(field, [np.linspace(0, 4, 9)] * 3)
    assert fine == pytest.approx(linear(box((-8.0, -8.0, -8.0), (8.0, 8.0, 8.0), 2.0).points()), abs=1e-4)


@pytest.mark.parametrize(("outside", "expected"), [(None, 1.0), (0.0, 0.0)])
def test_beyond_the_edge_it_goes_on_or_gives_the_value_asked_for(outside: float | None, expected: float):
    found = sample(np.ones((3, 3, 3)), np.eye(4), np.array([[99.0, 0.0, 0.0]]), outside=outside)
    assert found.tolist() == [expected]


def test_a_smooth_field_has_the_length_that_was_asked_for():
    lattice = box((0.0, 0.0, 0.0), (240.0, 240.0, 240.0), 4.0)
    field = smooth_field(stream(), lattice, 20.0)
    assert (field.mean(), field.std()) == pytest.approx((0, 1), abs=1e-4)
    # a Gaussian autocorrelation of sd 20 mm is exp(-1/2) at a distance of 20 mm
    assert np.mean(field[5:] * field[:-5]) == pytest.approx(np.exp(-0.5), abs=0.08)


def test_inversion_undoes_the_displacement():
    lattice = box((-40.0, -40.0, -40.0), (40.0, 40.0, 40.0), 4.0)
    displacement = 3 * np.stack([smooth_field(stream(i), lattice, 25.0) for i in range(3)], axis=-1)
    targets = stream(9).uniform(-25, 25, (200, 3))
    points, miss = invert(displacement, lattice.affine, targets)
    assert miss < 1e-3
    back = points + sample_vectors(displacement, lattice.affine, points)
    assert back == pytest.approx(targets, abs=2e-3)
    assert np.abs(points - targets).max() > 1  # it did move


def test_what_is_too_steep_is_not_inverted():
    lattice = box((-40.0, -40.0, -40.0), (40.0, 40.0, 40.0), 4.0)
    steep = np.zeros((*lattice.shape, 3))
    steep[..., 0] = 2.5 * lattice.points()[..., 0]
    _, miss = invert(steep, lattice.affine, np.array([[5.0, 0.0, 0.0]]))
    assert miss > 1
