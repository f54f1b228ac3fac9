"""The affine beside the truth in any pose, and beside ANTs'."""

from itertools import product

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from allbrains.records import Volume
from allbrains.space.grid import coarsen
from allbrains.space.template import template
from allbrains.steps.ants_affine import ants_pose
from allbrains.steps.pose import affine_pose
from allbrains.steps.register import box_around

CORNERS = np.array([[*corner, 1.0] for corner in product((-80, 80), repeat=3)]).T


def posed(seed: int, degrees: float) -> tuple[Volume, np.ndarray]:
    """The template, brighter, under a drawn affine and noise, at 2 mm; and that affine."""
    rng = np.random.default_rng(seed)
    fixed = template(2.0)
    turn = Rotation.from_euler("xyz", rng.uniform(-degrees, degrees, 3), degrees=True).as_matrix()
    true = np.eye(4)
    true[:3, :3] = turn @ (np.eye(3) * rng.uniform(0.85, 1.05) + rng.uniform(-0.06, 0.06, (3, 3)))
    true[:3, 3] = rng.uniform(-40, 40, 3)
    noisy = np.where(fixed.mask, 0.7 * fixed.t1w + 0.05 + rng.normal(0, 0.03, fixed.t1w.shape), 0)
    whole = Volume(array=noisy.astype(np.float32), affine=true @ fixed.affine)
    return coarsen(whole, box_around(whole, 2.0)), true


def off(found: np.ndarray, true: np.ndarray) -> float:
    """How far the corners of a box of 160 mm lie from their places at most, mm."""
    return float(np.linalg.norm(((found - true) @ CORNERS)[:3], axis=0).max())


@pytest.mark.parametrize("seed", range(6))
def test_a_drawn_pose_is_found_to_half_a_millimetre(seed):
    brain, true = posed(seed, 40)
    assert off(affine_pose(brain), true) < 0.5


def test_it_is_no_farther_from_the_truth_than_ants():
    brain, true = posed(11, 15)
    assert off(affine_pose(brain), true) < off(ants_pose(brain), true) + 0.1


def test_it_gives_the_same_bytes_twice_and_gain_changes_nothing():
    brain, _ = posed(3, 20)
    first = affine_pose(brain)
    assert affine_pose(brain).tobytes() == first.tobytes()
    bright = Volume(array=brain.array * np.float32(4), affine=brain.affine)
    np.testing.assert_allclose(affine_pose(bright), first, atol=1e-3)


def test_a_flat_image_gives_a_finite_affine_that_the_step_can_refuse():
    flat = Volume(array=np.ones((60, 70, 60), np.float32), affine=np.diag([2.0, 2.0, 2.0, 1.0]))
    assert np.isfinite(affine_pose(flat)).all()
