"""Laws of the metrics: known values on made arrays, and what must not move them."""

import json

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from allbrains.case import Case, Warp
from allbrains.metrics import METRICS, OF_BRAIN, OF_SCAN
from allbrains.metrics.background import Background
from allbrains.metrics.brightness import Brightness
from allbrains.metrics.contrast import Contrast, deep
from allbrains.metrics.coverage import outside
from allbrains.metrics.entropy import entropy_focus
from allbrains.metrics.outline import Outline, share_on_faces, sphericity
from allbrains.metrics.slices import Slices
from allbrains.metrics.smoothness import Smoothness, fwhm_mm
from allbrains.metrics.symmetry import halves, mirror_correlation
from allbrains.metrics.tissue_fractions import TissueFractions
from allbrains.metrics.topology import Topology, euler
from allbrains.records import Volume
from allbrains.space.grid import Grid
from allbrains.space.template import REGISTRATION_SPACING, template

RNG = np.random.default_rng(5)


def volume(array: np.ndarray, spacing=(1.0, 1.0, 1.0)) -> Volume:
    return Volume(array=array, affine=np.diag([*spacing, 1.0]))


def radius(side: int = 48) -> np.ndarray:
    x = np.arange(side) - (side - 1) / 2
    return np.sqrt(x[:, None, None] ** 2 + x[None, :, None] ** 2 + x**2)


def onion(noise: float, gain: float = 1.0) -> Case:
    """A ball of white matter 1.0 in a shell of grey 0.65 in a rim of CSF 0.2."""
    r = radius()
    wm, gm, csf = r < 12, (r >= 12) & (r < 19), (r >= 19) & (r < 22)
    clean = wm + 0.65 * gm + 0.2 * csf
    array = gain * (clean + noise * RNG.standard_normal(r.shape)) * (r < 22)
    images = {"t1w": array, "mask": r < 22, "wm": wm, "gm": gm, "csf": csf}
    return Case(
        images={
            k: volume(v if v.dtype == bool and k == "mask" else v.astype(np.float32))
            for k, v in images.items()
        }
    )


@pytest.mark.parametrize("noise", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("gain", [0.01, 1000])
def test_contrast_measures_the_noise_whatever_the_gain(noise, gain):
    found = Contrast()(onion(noise, gain))
    assert found["snr_wm_deep"] == pytest.approx(1 / noise, rel=0.05)
    assert found["snr_gm_deep"] == pytest.approx(0.65 / noise, rel=0.05)
    assert found["cjv_deep"] == pytest.approx(2 * noise / 0.35, rel=0.05)
    assert found["cnr_deep"] == pytest.approx(0.35 / (noise * np.sqrt(2)), rel=0.05)


def test_fractions_made_from_noisy_intensities_hide_no_noise():
    # as the tissue step makes them: a voxel's own noise decides its fraction
    case = onion(0.08)
    values = case.images["t1w"].array
    wm = np.clip((values - 0.65) / 0.35, 0, 1) * case.images["mask"].array
    gm = (1 - wm) * (values > 0.4) * case.images["mask"].array
    noisy = case.plus(images={"wm": volume(wm.astype(np.float32)), "gm": volume(gm.astype(np.float32))})
    assert Contrast()(noisy)["snr_wm_deep"] == pytest.approx(1 / 0.08, rel=0.15)


def test_the_deep_voxels_are_the_share_asked_for():
    fractions = gaussian_filter(RNG.random((40, 40, 40)), 2)
    fractions = np.clip((fractions - 0.5) * 20 + 0.5, 0, 1)
    found = deep(fractions, 0.25)
    assert found.sum() == pytest.approx(0.25 * (fractions > 0.5).sum(), rel=0.02)
    assert (fractions[found] > 0.5).all()


def test_without_a_tissue_contrast_is_not_a_number():
    case = onion(0.02)
    none = case.plus(images={"gm": volume(np.zeros_like(case.images["gm"].array))})
    found = Contrast()(none)
    assert np.isnan([found["cjv_deep"], found["cnr_deep"], found["snr_gm_deep"]]).all()
    assert np.isfinite(found["snr_wm_deep"])


@pytest.mark.parametrize("gain", [0.01, 1, 1000])
def test_numbers_of_the_brain_do_not_know_the_gain(gain):
    plain, loud = onion(0), onion(0, gain)
    for metric in (Brightness(), Smoothness()):
        assert metric(loud) == pytest.approx(metric(plain), rel=1e-4)
    one, other = (case.images["t1w"].array for case in (plain, loud))
    assert entropy_focus(other) == pytest.approx(entropy_focus(one), rel=1e-5)


@pytest.mark.parametrize("sigma_mm", [1.5, 2.5])
def test_the_width_of_a_gaussian_is_found_along_each_axis(sigma_mm):
    spacing = (1.0, 1.3, 0.8)
    field = gaussian_filter(RNG.standard_normal((72, 64, 80)), [sigma_mm / s for s in spacing])
    for axis, edge in enumerate(spacing):
        found = fwhm_mm(field, np.ones(field.shape, bool), axis, edge)
        # a field smoothed by a Gaussian is correlated as one √2 wider, which the formula undoes
        assert found == pytest.approx(2.355 * sigma_mm, rel=0.06)


def test_blur_along_one_axis_shows_as_anisotropy():
    field = gaussian_filter(RNG.standard_normal((60, 60, 60)), [1, 1, 3]).astype(np.float32)
    case = Case(images={"t1w": volume(field), "mask": volume(np.ones(field.shape, bool))})
    assert Smoothness()(case)["fwhm_anisotropy"] == pytest.approx(3, rel=0.1)


def test_white_noise_has_the_width_of_no_neighbours():
    field = RNG.standard_normal((40, 40, 40))
    found = fwhm_mm(field, np.ones(field.shape, bool), 0, 1.0)
    assert np.isnan(found) or found < 1


def test_entropy_is_0_for_one_voxel_and_1_for_all_alike():
    one = np.zeros(1000)
    one[7] = 3
    assert entropy_focus(one) == pytest.approx(0)
    assert entropy_focus(np.full(1000, 3.0)) == pytest.approx(1)
    ghosted = np.concatenate([np.ones(500), np.full(500, 0.3)])
    assert entropy_focus(np.concatenate([np.ones(500), np.zeros(500)])) < entropy_focus(ghosted)


def test_tissue_fractions_are_shares_of_the_whole():
    found = TissueFractions()(onion(0))
    assert found["csf_fraction"] + found["gm_fraction"] + found["wm_fraction"] == pytest.approx(1)
    assert found["wm_fraction"] == pytest.approx(12**3 / 22**3, rel=0.03)


def torus(side: int = 41) -> np.ndarray:
    x = np.arange(side) - side // 2
    around = np.hypot(x[:, None, None], x[None, :, None]) - 12
    return np.hypot(around, x[None, None, :]) < 4


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (radius(30) < 10, 1),
        ((radius(30) < 10) & (radius(30) > 5), 2),  # a cavity
        (torus(), 0),
        (np.zeros((4, 4, 4), bool), 0),
        (np.ones((3, 3, 3), bool), 1),  # up to the grid's own faces
    ],
)
def test_euler_of_known_bodies(mask, expected):
    assert euler(mask) == expected


def test_specks_beside_the_white_matter_do_not_count():
    mask = np.pad(torus(), 3)
    mask[0, 0, 0] = mask[2, 0, 0] = True
    case = Case(images={"template_wm": volume(mask.astype(np.float32))})
    assert Topology()(case) == {"wm_euler": 0}


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (1.0, 1.5, 2.0)])
def test_a_ball_has_sphericity_1_on_any_grid(spacing):
    axes = [(np.arange(int(90 / s)) - 45 / s) * s for s in spacing]
    ball = np.sqrt(axes[0][:, None, None] ** 2 + axes[1][None, :, None] ** 2 + axes[2] ** 2) < 35
    assert sphericity(volume(ball, spacing), 2.0) == pytest.approx(1, abs=0.03)
    cube = np.zeros((90, 90, 90), bool)
    cube[5:85, 5:85, 5:85] = True
    assert sphericity(volume(cube), 1.0) == pytest.approx((np.pi / 6) ** (1 / 3), abs=0.02)


def test_a_brain_cut_by_the_field_of_view_shows_the_cut_face():
    cube = np.zeros((30, 30, 30), bool)
    cube[5:25, 5:25, 10:30] = True
    assert share_on_faces(volume(cube, (1, 2, 3))) == pytest.approx(2 / (2 * 2 + 2 * 3 + 2 * 6))
    cube[:, :, -1] = False
    assert share_on_faces(volume(cube)) == 0


def head(*, void: slice | None) -> Case:
    r = radius(64)
    array = np.where(r < 30, 0.6, 0.02 + 0.01 * RNG.random(r.shape)).astype(np.float32)
    mask = r < 22
    if void is not None:
        array[:, void] = 0
        mask[:, void] = False
    return Case(images={"t1w": volume(array), "mask": volume(mask)})


def test_defacing_that_cuts_the_brain_is_seen_and_defacing_in_front_of_it_is_not():
    assert Outline()(head(void=None))["cut_by_void"] == 0
    assert Outline()(head(void=slice(59, None)))["cut_by_void"] == 0
    assert Outline()(head(void=slice(46, None)))["cut_by_void"] > 0.05
    stripped = head(void=slice(46, None)).plus(texts={"input_stripped": "yes"})
    assert Outline()(stripped)["cut_by_void"] == 0


@pytest.mark.parametrize("gain", [0.01, 1000])
def test_the_background_of_a_ratio_image_is_half_as_bright_as_the_brain(gain):
    r = radius(64)
    head = np.where(r < 25, 1.0, 0.0)
    for level, expected in ((RNG.random(r.shape), 0.5), (0.02 * RNG.random(r.shape), 0.01)):
        scan = gain * np.where(r < 25, head, level).astype(np.float32)
        found = Background()(Case(images={"t1w": volume(scan)}))["background_level"]
        assert found == pytest.approx(expected, rel=0.05)


def test_slices_are_measured_along_whatever_axis():
    for spacing in ((1, 1, 5), (5, 1, 1)):
        case = Case(images={"t1w": volume(np.zeros((2, 2, 2)), spacing)})
        assert Slices()(case) == {"spacing_max_mm": 5, "anisotropy": 5}


@pytest.mark.parametrize("spacing", [1.0, 1.5, 2.0])
def test_a_mirror_image_correlates_with_itself_on_every_corpus_grid(spacing):
    grid = Grid.box((-80.5, -112.5, -74.5), (160, 192, 160), spacing)
    x, y, z = np.moveaxis(grid.points().astype(float), -1, 0)
    symmetric = np.cos(x / 20) * np.sin(y / 25) + z / 90
    mask = np.ones(grid.shape, bool)

    def found(array):
        return mirror_correlation(Volume(array=array, affine=grid.affine), mask)

    assert found(symmetric) > 0.995
    assert found(symmetric + np.sin(x / 5)) < found(symmetric)
    assert abs(found(RNG.standard_normal(grid.shape))) < 0.02
    assert np.isnan(found(np.ones(grid.shape)))
    left, right = halves(Volume(array=np.where(x < 0, 2.0, 1.0), affine=grid.affine))
    assert left / right == pytest.approx(2 * 80 / 80, rel=0.03)


def test_what_the_field_of_view_leaves_out_is_counted():
    fixed = template(REGISTRATION_SPACING)
    grid = Grid(shape=fixed.mask.shape, affine=fixed.affine)
    still = Warp(affine=np.eye(4), displacement=np.zeros((2, 2, 2, 3)), grid_affine=fixed.affine)
    assert outside(still, grid.affine, grid.shape) == 0
    x, y, z = grid.shape
    top = z // 2
    expected = fixed.mask[:, :, top:].sum() / fixed.mask.sum()
    assert outside(still, grid.affine, (x, y, top)) == pytest.approx(expected, abs=1e-6)
    far = np.eye(4)
    far[0, 3] = 1000
    away = Warp(affine=far, displacement=still.displacement, grid_affine=fixed.affine)
    assert outside(away, grid.affine, grid.shape) == 1


def test_names_of_metrics_and_of_their_numbers_are_their_own():
    names = [metric.name for metric in (*OF_SCAN, *OF_BRAIN, *METRICS)]
    assert len(set(names)) == len(names)


def test_numbers_are_plain_so_that_they_can_be_written():
    case = onion(0.02)
    for metric in (Contrast(), Brightness(), Smoothness(), TissueFractions(), Outline(), Background()):
        assert json.dumps(metric(case))
