"""Laws of the metrics that follow MRIQC: values known by construction, and what must not move them."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import binary_erosion, gaussian_filter, generate_binary_structure

import allbrains.rejection
from allbrains.case import Case, Warp
from allbrains.metrics import OF_HEAD
from allbrains.metrics.air import blanked, finer
from allbrains.metrics.classes import eroded, fractions_of, three_means
from allbrains.metrics.mriqc_artefacts import misfit
from allbrains.metrics.mriqc_summary import robust_sd, statistics
from allbrains.metrics.mriqc_volumes import residual_error
from allbrains.metrics.native_head import native_head
from allbrains.records import Volume

SIDE = 72
BRAIN = slice(13, 59)  # the part of the field of view that the brain is cropped to


def ball(noise: float, *, gain: float = 1.0, bias: float = 0.0, air: float = 0.02, stripped=False) -> Case:
    """A ball of WM 1.0 in GM 0.65 in CSF 0.2, in a shell of skin, in air, at the middle of 72 voxels."""
    rng = np.random.default_rng(7)
    x = np.arange(SIDE) - (SIDE - 1) / 2
    r = np.sqrt(x[:, None, None] ** 2 + x[None, :, None] ** 2 + x**2)
    clean = np.select([r < 12, r < 16.5, r < 21, r < 24], [1.0, 0.65, 0.2, 0.8 * (not stripped)])
    field = np.exp(bias * x[:, None, None] / SIDE) * np.ones_like(r)
    noisy = np.hypot(clean * field + noise * rng.standard_normal(r.shape), 0)
    sky = 0 if stripped else air * np.hypot(*rng.standard_normal((2, *r.shape)))
    head = (gain * np.where(clean > 0, noisy, sky)).astype(np.float32)
    mask = r < 21
    box = (BRAIN,) * 3
    crop = np.eye(4)
    crop[:3, 3] = BRAIN.start
    images = {
        "t1w_native": Volume(array=head, affine=np.eye(4)),
        "t1w": Volume(array=(head / field * mask)[box].astype(np.float32), affine=crop),
        "mask": Volume(array=mask[box], affine=crop),
    }
    to_scan = np.eye(4)
    to_scan[:3, 3] = SIDE / 2
    none = np.zeros((2, 2, 2, 3), np.float32)
    warp = Warp(affine=to_scan, displacement=none, grid_affine=np.eye(4))
    texts = {"input_stripped": "yes" if stripped else "no"}
    return Case(images=images, warps={"affine": warp}, texts=texts)


def measured(case: Case) -> dict[str, float]:
    head = native_head(case)
    return {name: value for metric in OF_HEAD for name, value in metric(head).items()}


@pytest.mark.parametrize("noise", [0.03, 0.06])
@pytest.mark.parametrize("gain", [0.01, 500])
def test_noise_is_found_whatever_the_gain(noise, gain):
    found = measured(ball(noise, gain=gain))
    assert found["summary_wm_median"] == pytest.approx(1000, rel=1e-3)
    assert found["summary_wm_mad"] == pytest.approx(1000 * noise, rel=0.08)
    assert found["snr_wm"] == pytest.approx(1 / noise, rel=0.08)
    assert found["cjv"] == pytest.approx(2 * noise / 0.35, rel=0.12)
    # Rayleigh noise of the air, brought back to that of the signal
    assert found["snrd_wm"] == pytest.approx(1 / 0.02, rel=0.1)


def test_what_the_bias_step_took_out_is_out():
    plain, biased = (measured(ball(0.03, bias=bias)) for bias in (0.0, 0.6))
    for name in ("cjv", "summary_wm_mad", "snr_gm"):
        assert biased[name] == pytest.approx(plain[name], rel=0.1)


def test_without_air_what_reads_air_is_no_number():
    bare, whole = measured(ball(0.03, stripped=True)), measured(ball(0.03))
    of_air = {n for n, v in bare.items() if np.isnan(v)}
    assert of_air == {
        *("cnr", "fber", "qi_1", "qi_2", "snrd_csf", "snrd_gm", "snrd_wm", "snrd_total"),
        *(f"summary_bg_{name}" for name in ("mean", "median", "mad", "stdv", "k", "p05", "p95")),
    }
    assert bare["summary_bg_n"] == 0
    assert all(np.isfinite(v) for v in whole.values())
    # voxels that were blanked belong to nothing
    assert bare["cjv"] == pytest.approx(whole["cjv"], rel=0.05)


def test_a_ghost_in_the_air_is_an_artefact_and_noise_is_none():
    case = ball(0.03, air=0.005)
    assert measured(case)["qi_1"] == 0
    haunted = case.images["t1w_native"].array.copy()
    haunted[4:14, 4:14, 58:68] += 0.06
    images = {"t1w_native": Volume(array=haunted, affine=np.eye(4))}
    assert measured(case.plus(images=images))["qi_1"] > 0.001


def test_air_is_looked_at_above_the_plane_through_nasion_and_inion():
    around = native_head(ball(0.03)).around
    assert around is not None
    height = np.flatnonzero(around.hat.any(axis=(0, 1)))
    assert height.min() == pytest.approx(SIDE / 2 - 14, abs=3)  # blocks of 3 mm
    assert not (around.hat & around.head).any()


def test_size_and_spacing_are_the_grids():
    found = measured(ball(0.03))
    assert [found[f"size_{axis}"] for axis in "xyz"] == [SIDE] * 3
    assert [found[f"spacing_{axis}"] for axis in "xyz"] == [1] * 3


def test_erosion_is_that_by_18_neighbours():
    mask = gaussian_filter(np.random.default_rng(0).random((20, 21, 22)), 2) > 0.5
    assert (eroded(mask) == binary_erosion(mask, generate_binary_structure(3, 2))).all()


def test_three_classes_are_found_where_they_are():
    rng = np.random.default_rng(1)
    values = np.concatenate([rng.normal(m, 20, n) for m, n in ((300, 3000), (650, 9000), (1000, 9000))])
    centres = three_means(values)
    assert centres == pytest.approx((300, 650, 1000), abs=10)
    box = values.reshape(100, 210, 1)
    parts = fractions_of(box, np.ones(box.shape, bool), centres)
    assert np.allclose(sum(parts), 1)


def test_robust_deviation_is_the_standard_deviation_of_normal_noise_and_blind_to_outliers():
    values = np.random.default_rng(2).normal(1000, 40, 100_000)
    assert robust_sd(values) == pytest.approx(40, rel=0.02)
    assert robust_sd(np.concatenate([values, np.full(1000, 1e6)])) == pytest.approx(40, rel=0.05)
    assert statistics(values)["k"] == pytest.approx(0, abs=0.06)


def test_residual_error_counts_every_voxel_of_the_image_as_mriqc_does():
    fractions = np.linspace(0, 1, 1001)[1:]
    small, large = (residual_error(fractions, voxels) for voxels in (1000, 5000))
    assert large - small == pytest.approx(4)


def test_the_airs_misfit_is_a_difference_of_densities():
    air = np.random.default_rng(3).chisquare(32, 20_000)
    assert misfit(10 * air, 2000) == pytest.approx(misfit(air, 2000) / 10, rel=0.05)
    assert misfit(air[:999], 2000) == 0  # MRIQC's answer for too little air


def test_blanked_voxels_are_one_piece_and_come_back_to_the_full_grid():
    values = np.ones((12, 12, 12))
    values[:4] = 0
    values[9, 9, 9] = 0  # a single dark voxel is noise
    found = blanked(values)
    assert found[:4].all()
    assert not found[4:].any()
    assert finer(found, [2, 1, 1], (23, 12, 12)).sum() == 8 * 144


def test_the_model_is_numbers_only():
    told = json.loads((Path(allbrains.rejection.__file__).parent / "reject_model.json").read_text())
    assert set(told) == {"alone", "among", "accepted", "limit"}
    assert told["alone"]["weight"] > 0
    assert told["among"]["weight"] > 0
