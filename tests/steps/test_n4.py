"""The bias field beside ANTs' N4 and beside the truth."""

import numpy as np
import pytest

from allbrains.case import Case
from allbrains.records import Volume
from allbrains.space.template import template
from allbrains.steps.ants_bias import AntsBias
from allbrains.steps.bias import Bias
from allbrains.steps.n4 import log_bias, sharpened


@pytest.fixture(scope="module")
def shaded():
    """The template at 2 mm under a smooth field of ± 30 % with noise; and the field."""
    fixed = template(2.0)
    rng = np.random.default_rng(7)
    x, y, z = (np.linspace(-1, 1, n) for n in fixed.mask.shape)
    field = 0.25 * x[:, None, None] + 0.15 * (y**2)[None, :, None] - 0.2 * np.sin(2 * z)[None, None, :]
    noisy = 500 * fixed.t1w * np.exp(field) + rng.normal(0, 8, field.shape)
    images = {
        "t1w": Volume(array=np.where(fixed.mask, noisy, 0).astype(np.float32), affine=fixed.affine),
        "mask": Volume(array=fixed.mask, affine=fixed.affine),
    }
    return Case(images=images), field


def field_of(step, case):
    given, mask = case.images["t1w"].array, case.images["mask"].array
    usable = mask & (given > 0)
    log_field = np.log(given[usable]) - np.log(step(case).images["t1w"].array[usable])
    return log_field - log_field.mean(), usable


def test_the_same_settings_give_the_field_of_ants(shaded):
    case, _ = shaded
    ours, _ = field_of(Bias(spacing_mm=4.0, sharpness=0.15), case)
    theirs, _ = field_of(AntsBias(spacing_mm=4.0), case)
    assert theirs.std() > 0.1
    assert (ours - theirs).std() < 0.012  # the two round off a convergence threshold on different rounds


def test_a_known_field_is_taken_out(shaded):
    case, true = shaded
    ours, usable = field_of(Bias(), case)
    left = ours - (true[usable] - true[usable].mean())
    theirs = field_of(AntsBias(), case)[0] - (true[usable] - true[usable].mean())
    assert left.std() < 0.35 * true[usable].std()
    assert left.std() < 1.05 * theirs.std()


def test_gain_and_where_the_grid_lies_change_nothing(shaded):
    case, _ = shaded
    ours, _ = field_of(Bias(), case)
    t1w, mask = case.images["t1w"], case.images["mask"]
    moved = np.diag([1.0, 1.0, 1.0, 1.0])
    moved[:3, 3] = (40, -30, 9)
    other = case.plus(
        images={
            "t1w": Volume(array=t1w.array * np.float32(16), affine=moved @ t1w.affine),
            "mask": Volume(array=mask.array, affine=moved @ mask.affine),
        }
    )
    np.testing.assert_allclose(field_of(Bias(), other)[0], ours, atol=1e-4)


def test_sharpening_moves_blurred_peaks_towards_their_centres():
    rng = np.random.default_rng(2)
    centres = np.repeat([0.0, 1.0], 5000)
    values = centres + rng.normal(0, 0.05, 10_000)
    out = sharpened(values, 0.12)
    assert np.abs(out - centres).mean() < 0.6 * np.abs(values - centres).mean()


def test_a_field_of_a_flat_image_is_flat():
    found = log_bias(
        np.full((12, 14, 16), 3.0),
        np.ones((12, 14, 16), bool),
        np.full(3, 4.0),
        knots_mm=180.0,
        iterations=5,
        tolerance=1e-3,
        sharpness=0.1,
    ).at((12, 14, 16), np.full(3, 4.0), np.zeros(3))
    np.testing.assert_allclose(found, 0, atol=1e-6)
