"""Laws of the steps of the recipes beside the default: geometry, sums, determinism."""

import numpy as np
import pytest

from allbrains.case import Case, Warp
from allbrains.errors import ConfigurationError, Reason, ScanUnusable
from allbrains.records import Volume
from allbrains.run.encode_sample import sample_of
from allbrains.space.grid import Grid, resample
from allbrains.space.head import head
from allbrains.space.template import output_grid, template
from allbrains.steps.atropos import Atropos, priors
from allbrains.steps.centres import centres
from allbrains.steps.deep_atropos import on_scan
from allbrains.steps.labels import Label
from allbrains.steps.six import SIX, labels_of_six, three_of_six, volumes_of_six
from allbrains.steps.six_to_template import SixToTemplate
from allbrains.steps.strip import Strip
from allbrains.steps.template_mask import TemplateMask

STILL = np.zeros((2, 2, 2, 3), np.float32)


def turned(degrees: float, shift: tuple[float, float, float]) -> np.ndarray:
    """An affine that turns around the superior axis and shifts, mm."""
    angle = np.deg2rad(degrees)
    matrix = np.eye(4)
    matrix[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrix[:3, 3] = shift
    return matrix


def moved(volume: Volume, by: np.ndarray, grid: Grid) -> Volume:
    """The volume, its world moved, on another grid."""
    return resample(Volume(array=volume.array, affine=by @ volume.affine), grid)


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def test_the_head_template_finds_its_own_brain_turned_and_shifted():
    known = head()
    by = turned(12, (9, -7, 5))
    grid = Grid.box((-120, -120, -150), (240, 260, 240), 3.0)
    shift = np.eye(4)
    shift[:3, 3] = -(known.affine @ [50, 58, 57, 1])[:3]  # its space has its origin far from the head
    here = by @ shift
    t1w = moved(Volume(array=known.t1w * 700, affine=known.affine), here, grid)
    truth = moved(
        Volume(array=(known.brain_distance < 1).astype(np.float32), affine=known.affine), here, grid
    )
    out = TemplateMask(iterations=(5, 0, 0))(Case(images={"t1w": t1w}))
    mask = out.images["mask"]
    again = resample(Volume(array=mask.array.astype(np.float32), affine=mask.affine), grid)
    assert dice(again.array > 0.5, truth.array > 0.5) > 0.95
    assert out.images["t1w"].array.shape == mask.array.shape


@pytest.fixture(scope="module")
def brain() -> Case:
    """The template at 2 mm as a scan of itself, in a world turned by 8°."""
    fixed = template(2.0)
    by = turned(8, (3, 4, 5))
    warp = Warp(affine=by, displacement=STILL, grid_affine=fixed.affine)
    images = {
        "t1w": Volume(array=np.where(fixed.mask, fixed.t1w * 300, 0), affine=by @ fixed.affine),
        "mask": Volume(array=fixed.mask, affine=by @ fixed.affine),
    }
    return Case(images=images, warps={"warp": warp, "affine": warp})


def test_priors_lie_on_the_scan_and_sum_to_1_in_its_mask(brain):
    csf, gm, wm = priors(brain)
    fixed = template(2.0)
    np.testing.assert_allclose(csf + gm + wm, fixed.mask, atol=1e-5)
    assert np.corrcoef(gm[fixed.mask], fixed.gm[fixed.mask])[0, 1] > 0.9
    assert np.corrcoef(wm[fixed.mask], fixed.wm[fixed.mask])[0, 1] > 0.9


@pytest.mark.parametrize("weight", [0.0, 0.25])
def test_atropos_finds_the_templates_own_tissues_the_same_twice(brain, weight):
    step = Atropos(prior_weight=weight)
    out, again = step(brain), step(brain)
    fixed = template(2.0)
    parts = [out.images[name].array for name in ("csf", "gm", "wm")]
    np.testing.assert_allclose(sum(parts), fixed.mask, atol=1e-3)
    for name in ("gm", "wm"):
        found = out.images[name].array > 0.5
        assert dice(found, getattr(fixed, name) > 0.5) > 0.85
        assert out.images[name].array.tobytes() == again.images[name].array.tobytes()
    assert 0.5 < out.numbers["gm_centre"] < 0.95


def test_a_brain_of_one_brightness_is_refused_before_atropos_sees_it(brain):
    mask = brain.images["mask"]
    flat = Volume(array=mask.array.astype(np.float32), affine=mask.affine)
    with pytest.raises(ScanUnusable) as caught:
        Atropos()(brain.plus(images={"t1w": flat}))
    assert caught.value.reason is Reason.CONSTANT


def test_centres_are_the_tissues_means_and_a_missing_tissue_is_refused():
    t1w = np.repeat([10.0, 60.0, 100.0], 50).reshape(150, 1, 1)
    gm, wm = t1w == 60, t1w == 100
    assert centres(t1w, gm, wm) == {"wm_centre_raw": 100.0, "gm_centre": pytest.approx(0.6)}
    with pytest.raises(ScanUnusable, match="no WM"):
        centres(t1w, gm, np.zeros_like(t1w))


def test_strip_crops_what_shares_the_grid_and_keeps_world_positions():
    affine = np.array([[0, -2, 0, 9], [1, 0, 0, -4], [0, 0, 3, 7], [0, 0, 0, 1]], float)
    mask = np.zeros((30, 32, 34), bool)
    mask[12:18, 10:20, 15:22] = True
    array = np.random.default_rng(1).random(mask.shape).astype(np.float32)
    other = Volume(array=np.ones((4, 4, 4), np.float32), affine=np.eye(4))
    images = {name: Volume(array=array, affine=affine) for name in ("t1w", "gm")}
    out = Strip(margin_mm=3)(Case(images={**images, "mask": Volume(array=mask, affine=affine), "own": other}))
    assert out.images["own"] is other
    grids = {(v.array.shape, v.affine.tobytes()) for n, v in out.images.items() if n != "own"}
    assert len(grids) == 1
    t1w, inside = out.images["t1w"], out.images["mask"].array
    assert inside.sum() == mask.sum()
    assert not t1w.array[~inside].any()
    assert out.images["gm"].array[~inside].any()
    place = np.argwhere(inside)[0]
    before = np.linalg.inv(affine) @ t1w.affine @ (*place, 1)
    assert array[tuple(np.rint(before[:3]).astype(int))] == t1w.array[tuple(place)]


def test_strip_leaves_the_native_head_whole_for_the_metrics_of_air_and_face():
    mask = np.zeros((30, 32, 34), bool)
    mask[12:18, 10:20, 15:22] = True
    head = Volume(array=np.ones(mask.shape, np.float32), affine=np.eye(4))
    case = Case(images={"t1w": head, "t1w_native": head, "mask": Volume(array=mask, affine=np.eye(4))})
    out = Strip()(case)
    assert out.images["t1w_native"] is head
    assert out.images["t1w"].array.shape != mask.shape


def six_of(shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    parts = np.random.default_rng(2).dirichlet(np.ones(6), shape).astype(np.float32)
    return {name: parts[..., k] for k, name in enumerate(SIX)}


def test_three_tissues_and_six_volumes_share_out_all_of_six():
    six = six_of((5, 6, 7))
    np.testing.assert_allclose(sum(three_of_six(six).values()), 1, atol=1e-5)
    volumes = volumes_of_six(six, voxel_ml=0.5)
    assert set(volumes) == {
        f"{name}_ml" for name in ("cortical_gm", "cerebral_wm", "deep_gm", "brainstem", "cerebellum")
    }
    total = sum(volumes.values()) + 0.5 * float(six["prob_csf"].sum())
    assert total == pytest.approx(0.5 * 5 * 6 * 7, rel=1e-5)


def test_six_are_labelled_as_the_default_recipe_labels():
    names = [label.name.lower() for label in Label]
    assert [f"prob_{name}" for name in names] == list(SIX)
    six = {name: np.full((2, 2, 2), float(name == "prob_deep_gm")) for name in SIX}
    inside = np.arange(8).reshape(2, 2, 2) < 4
    np.testing.assert_array_equal(labels_of_six(six, inside), np.where(inside, Label.DEEP_GM, 0))


def test_a_marker_comes_back_from_the_networks_space_to_its_place_in_the_scan():
    to_scan = turned(20, (11, -6, 4)) @ np.diag([1.1, 0.9, 1.05, 1])
    maps_affine = np.diag([1.0, 1.0, 1.0, 1.0])
    maps = [np.zeros((60, 60, 60), np.float32) for _ in SIX]
    maps[3][35:38, 22:25, 28:31] = 1
    world = to_scan @ maps_affine @ (36, 23, 29, 1)
    scan_affine = np.array([[-1.2, 0, 0, 70], [0, 1.2, 0, -60], [0, 0, 1.2, -30], [0, 0, 0, 1]])
    mask = Volume(array=np.ones((110, 110, 90), bool), affine=scan_affine)
    six = on_scan(maps, maps_affine, to_scan, mask)
    weight = six["prob_deep_gm"]
    centre = (np.argwhere(weight) * weight[weight > 0][:, None]).sum(0) / weight.sum()
    np.testing.assert_allclose((scan_affine @ (*centre, 1))[:3], world[:3], atol=0.3)
    assert not six["prob_wm"].any()


@pytest.fixture(scope="module")
def finished(brain) -> Case:
    """A case whose template images are the template's own."""
    fixed = template(2.0)
    arrays = {
        "t1w": fixed.t1w,
        "mask": fixed.mask,
        "csf": (1 - np.minimum(fixed.gm + fixed.wm, 1)) * fixed.mask,
        "gm": fixed.gm,
        "wm": fixed.wm,
        "labels": fixed.mask.astype(np.uint8),
        "logjac": np.zeros_like(fixed.t1w),
    }
    return brain.plus(
        images={f"template_{n}": Volume(array=a, affine=fixed.affine) for n, a in arrays.items()}
    )


def test_six_maps_land_where_the_scan_has_them_and_are_stored(finished):
    fixed = template(2.0)
    six = {name: np.zeros_like(fixed.t1w) for name in SIX}
    six["prob_wm"], six["prob_cortical_gm"] = fixed.wm, fixed.gm
    native = finished.images["t1w"].affine
    case = finished.plus(images={n: Volume(array=a, affine=native) for n, a in six.items()})
    out = SixToTemplate()(case)
    near = fixed.mask
    np.testing.assert_allclose(out.images["template_prob_wm"].array[near], fixed.wm[near], atol=2e-3)
    stored = sample_of(out).maps
    assert {*SIX, "labels", "gm", "displacement"} <= set(stored)
    assert stored["prob_wm"].array.dtype == np.uint8
    found = stored["labels"].array
    assert set(np.unique(found)) <= {0, Label.CSF, Label.CORTICAL_GM, Label.WM}
    assert dice(found == Label.WM, (fixed.wm > fixed.gm) & near) > 0.98


def test_a_map_with_a_grid_of_its_own_keeps_it(finished):
    affine = np.diag([1.5, 1.5, 1.5, 1.0])
    density = np.full((11, 13, 11), 1.75, np.float32)
    out = finished.plus(images={"template_mwp1": Volume(array=density, affine=affine)})
    stored = sample_of(out).maps
    np.testing.assert_array_equal(stored["mwp1"].affine, affine)
    np.testing.assert_allclose(stored["mwp1"].array * stored["mwp1"].scale, 1.75)
    assert stored["gm"].affine is None


def test_a_further_map_is_a_fraction_or_labels_or_refused(finished):
    grid = output_grid(2.0)
    rng = np.random.default_rng(3)
    kinds = {
        "template_share": rng.random(grid.shape).astype(np.float32),
        "template_parcels": rng.integers(0, 200, grid.shape, np.uint8),
    }
    images = {name: Volume(array=array, affine=grid.affine) for name, array in kinds.items()}
    stored = sample_of(finished.plus(images=images)).maps
    np.testing.assert_array_equal(stored["parcels"].array, kinds["template_parcels"])
    np.testing.assert_allclose(
        stored["share"].array * stored["share"].scale, kinds["template_share"], atol=1 / 509
    )
    thick = Volume(array=kinds["template_share"] * 5, affine=grid.affine)
    with pytest.raises(ConfigurationError, match="template_thickness goes from"):
        sample_of(finished.plus(images={"template_thickness": thick}))
