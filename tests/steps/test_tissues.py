"""Laws of the tissue model."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allbrains.case import Case, Warp
from allbrains.errors import Reason, ScanUnusable
from allbrains.records import Volume
from allbrains.space.regions import Region, regions
from allbrains.space.template import template
from allbrains.steps.noise import noise_sd, smoothed
from allbrains.steps.tissues import Tissues, bright_centres, regional_volumes, sure_centres

STILL = Warp(affine=np.eye(4), displacement=np.zeros((2, 2, 2, 3), np.float32), grid_affine=np.eye(4))


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


@given(st.lists(st.floats(-2, 5), min_size=1, max_size=50), st.floats(1, 4), st.floats(0, 1))
def test_fractions_sum_to_1_and_lie_between_0_and_1(values, odds, greyless):
    one = np.ones(len(values))
    found = regional_volumes(
        np.asarray(values), 0.2, gm=0.65 * one, wm=one, odds=odds * one, greyless=greyless * one
    )
    parts = np.stack(found)
    np.testing.assert_allclose(parts.sum(0), 1, atol=1e-9)
    assert parts.min() >= -1e-12
    assert parts.max() <= 1 + 1e-12


@pytest.mark.parametrize(
    ("value", "odds", "greyless", "expected"),
    [
        (0.425, 1, 0, (0.5, 0.5, 0)),
        (0.825, 1, 0, (0, 0.5, 0.5)),
        (0.825, 3, 0, (0, 0.25, 0.75)),  # the template favours WM
        (0.6, 1, 1, (0.5, 0, 0.5)),  # half ventricle, half WM: no cortex
    ],
)
def test_a_voxel_is_a_linear_mix_of_what_may_lie_there(value, odds, greyless, expected):
    one = np.ones(1)
    found = regional_volumes(
        np.array([value]), 0.2, gm=0.65 * one, wm=one, odds=odds * one, greyless=greyless * one
    )
    np.testing.assert_allclose(np.ravel(found), expected, atol=1e-9)


def test_sure_voxels_keep_their_centre_where_the_histogram_has_lost_it():
    rng = np.random.default_rng(4)
    gm, wm = 0.68 + 0.04 * rng.normal(size=4000), 1 + 0.04 * rng.normal(size=4000)
    found = sure_centres(gm, wm, (0.78, 0.98), 0.4)
    np.testing.assert_allclose(found, (0.68, 1.0), atol=0.02)
    assert sure_centres(gm[:10], wm, (0.78, 0.98), 0.4) == (0.78, 0.98)


def test_bright_nuclei_are_grey_matter_and_the_stem_has_none():
    case, fixed = seen(0.15, 0.65, noise=0.02), template(2.0)
    region = regions().array[::2, ::2, ::2]
    t1w = case.images["t1w"].array.copy()
    nuclei = (region == Region.DEEP_GM) & (fixed.gm > 0.6)
    t1w[nuclei] = 0.82  # as bright as a thalamus: half way between cortex and WM
    stem = (region == Region.BRAINSTEM) & fixed.mask
    t1w[stem & (fixed.wm > 0.5)] = 0.85
    out = Tissues()(case.plus(images={"t1w": Volume(array=t1w, affine=fixed.affine)}))
    assert out.images["gm"].array[nuclei].mean() > 0.6
    assert out.images["gm"].array[stem].mean() < 0.15


def test_outside_the_mask_there_is_no_tissue():
    array = brain(2_000, 3_000, 3_000).reshape(20, 20, 20).astype(np.float32)
    mask = np.zeros((20, 20, 20), bool)
    mask[2:18, 2:18, 2:18] = True
    images = {"t1w": Volume(array=array, affine=np.eye(4)), "mask": Volume(array=mask, affine=np.eye(4))}
    case = Tissues()(Case(images=images, warps={"warp": STILL}))
    total = sum(case.images[name].array for name in ("csf", "gm", "wm"))
    np.testing.assert_allclose(total, mask, atol=1e-6)


def test_one_brightness_is_refused():
    with pytest.raises(ScanUnusable) as caught:
        bright_centres(np.full(5_000, 7.0), 0.4, 0.4)
    assert caught.value.reason is Reason.CONSTANT


def seen(csf: float, gm: float, noise: float = 0.0, gain: float = 1.0) -> Case:
    """The template as a scan of itself in which CSF and GM have this brightness, WM = 1."""
    fixed = template(2.0)
    grey, white = fixed.gm * fixed.mask, fixed.wm * fixed.mask
    total = np.maximum(grey + white, 1)
    fluid = np.where(fixed.mask, 1 - (grey + white) / total, 0)
    clean = csf * fluid + gm * grey / total + white / total
    rng = np.random.default_rng(11)
    array = gain * np.where(fixed.mask, np.abs(clean + noise * rng.normal(size=clean.shape)), 0)
    images = {
        "t1w": Volume(array=array.astype(np.float32), affine=fixed.affine),
        "mask": Volume(array=fixed.mask, affine=fixed.affine),
    }
    return Case(images=images, warps={"warp": STILL})


def shares(case: Case) -> np.ndarray:
    out = Tissues()(case)
    sums = np.array([out.images[name].array.sum(dtype=float) for name in ("csf", "gm", "wm")])
    return sums / sums.sum()


@pytest.mark.parametrize(("csf", "gm"), [(0.05, 0.6), (0.2, 0.55), (0.3, 0.72)])
def test_a_scanners_contrast_moves_no_volume(csf, gm):
    np.testing.assert_allclose(shares(seen(csf, gm)), shares(seen(0.15, 0.65)), atol=0.02)


@pytest.mark.parametrize("gain", [0.01, 1000.0])
def test_gain_moves_no_volume(gain):
    np.testing.assert_allclose(shares(seen(0.15, 0.65, gain=gain)), shares(seen(0.15, 0.65)), atol=1e-3)


def test_noise_moves_volumes_little():
    np.testing.assert_allclose(shares(seen(0.15, 0.65, noise=0.08)), shares(seen(0.15, 0.65)), atol=0.03)


@pytest.mark.parametrize("gain", [0.01, 1.0, 1000.0])
@pytest.mark.parametrize("sd", [0.05, 0.1])  # under that, anatomy at 2 mm bends as much
def test_noise_is_found_whatever_the_anatomy_and_gain(sd, gain):
    case = seen(0.15, 0.65, noise=sd, gain=gain)
    found = noise_sd(case.images["t1w"].array, case.images["mask"].array) / gain
    assert found == pytest.approx(sd, rel=0.25)


def test_smoothing_takes_noise_and_leaves_an_edge():
    rng = np.random.default_rng(2)
    step = np.where(np.arange(24) < 12, 0.6, 1.0)[:, None, None] * np.ones((24, 24, 24))
    noisy = (step + 0.05 * rng.normal(size=step.shape)).astype(np.float32)
    mask = np.ones(step.shape, bool)
    mask[:, :, 20:] = False
    out = smoothed(noisy, mask, 0.125)
    assert (out - step)[mask].std() < 0.4 * 0.05
    edge = out[11:13, :, :20].mean(axis=(1, 2))
    assert edge[1] - edge[0] > 0.9 * 0.4
    np.testing.assert_array_equal(out[~mask], noisy[~mask])
