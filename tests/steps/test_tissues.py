"""Laws of the tissue model."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allbrains.errors import Reason, ScanUnusable
from allbrains.recipe import Case
from allbrains.records import Volume
from allbrains.steps.tissues import Tissues, bright_centres, partial_volumes


def brain(csf: int, gm: int, wm: int, *, gain: float = 1.0, noise: float = 0.02) -> np.ndarray:
    rng = np.random.default_rng(3)
    values = np.repeat([0.2, 0.65, 1.0], [csf, gm, wm])
    return np.abs(values + noise * rng.normal(size=values.size)) * gain


@settings(max_examples=25, deadline=None)
@given(st.floats(0.01, 5000), st.integers(1_000, 40_000))
def test_gain_and_the_amount_of_csf_move_no_centre(gain, csf):
    gm, wm = bright_centres(brain(csf, 30_000, 25_000, gain=gain), 0.4, 0.4)
    assert gm / gain == pytest.approx(0.65, abs=0.02)
    assert wm / gain == pytest.approx(1.0, abs=0.02)


@given(st.lists(st.floats(-2, 5), min_size=1, max_size=50))
def test_fractions_sum_to_1_and_lie_between_0_and_1(values):
    parts = np.stack(partial_volumes(np.asarray(values), 0.2, 0.65, 1.0))
    np.testing.assert_allclose(parts.sum(0), 1, atol=1e-12)
    assert parts.min() >= -1e-12
    assert parts.max() <= 1 + 1e-12


def test_a_voxel_at_the_dark_cut_is_half_csf_half_gm():
    values = brain(5_000, 30_000, 25_000)
    gm, wm = bright_centres(values, 0.4, 0.4)
    csf_part, gm_part, _ = partial_volumes(np.array([0.4 * wm]), 2 * 0.4 * wm - gm, gm, wm)
    assert csf_part[0] == pytest.approx(0.5)
    assert gm_part[0] == pytest.approx(0.5)


def test_outside_the_mask_there_is_no_tissue():
    array = brain(2_000, 3_000, 3_000).reshape(20, 20, 20).astype(np.float32)
    mask = np.zeros((20, 20, 20), bool)
    mask[2:18, 2:18, 2:18] = True
    images = {"t1w": Volume(array=array, affine=np.eye(4)), "mask": Volume(array=mask, affine=np.eye(4))}
    case = Tissues()(Case(images=images))
    total = sum(case.images[name].array for name in ("csf", "gm", "wm"))
    np.testing.assert_allclose(total, mask, atol=1e-6)


def test_one_brightness_is_refused():
    with pytest.raises(ScanUnusable) as caught:
        bright_centres(np.full(5_000, 7.0), 0.4, 0.4)
    assert caught.value.reason is Reason.CONSTANT
