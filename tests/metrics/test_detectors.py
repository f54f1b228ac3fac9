"""Each kind of trouble, made from a phantom head, is seen by the number or refused by the step for it."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.ndimage import gaussian_filter

from allbrains.case import Case
from allbrains.errors import Reason, ScanUnusable
from allbrains.limits import verdict
from allbrains.metrics.background import Background
from allbrains.metrics.coverage import outside
from allbrains.metrics.outline import Outline
from allbrains.metrics.slices import Slices
from allbrains.metrics.smoothness import Smoothness
from allbrains.records import Volume
from allbrains.steps.brain_mask import mask_numbers, signal_outside
from allbrains.steps.canonical import Canonical, reorient
from allbrains.steps.gate import BrainGate
from allbrains.steps.register import AffineToTemplate
from allbrains.testing.phantoms import Acquisition, Phantom, phantom

COARSE = Acquisition(spacing=(3.0, 3.0, 3.0), bias=0.1, rotation_deg=3.0)
STRIPPED_BELOW = 0.05  # BrainMask's default


def failing(numbers: dict[str, float]) -> str:
    """The names of the numbers that the default limits don't let pass."""
    return str(verdict(pa.table({name: [value] for name, value in numbers.items()}))[1][0])


def case_of(array: np.ndarray, seen: Phantom) -> Case:
    affine = seen.t1w.affine
    images = {
        "t1w": Volume(array=array.astype(np.float32), affine=affine),
        "mask": Volume(array=seen.brain_mask.array > 0, affine=affine),
    }
    return Case(images=images)


@pytest.fixture(scope="module")
def seen() -> Phantom:
    return phantom(6, COARSE)


@pytest.fixture(scope="module")
def head(seen) -> Case:
    return case_of(seen.t1w.array, seen)


def test_a_sound_head_raises_nothing(seen, head):
    numbers = Background()(head) | Slices()(head) | Outline()(head)
    assert failing({k: v for k, v in numbers.items() if k != "spacing_max_mm"}) == ""  # 3 mm are thick
    assert numbers["background_level"] < 0.1
    assert signal_outside(seen.t1w.array, head.images["mask"].array) > STRIPPED_BELOW


def test_a_stripped_head_has_nothing_around_its_mask():
    bare = phantom(6, Acquisition(spacing=COARSE.spacing, stripped=True))
    assert signal_outside(bare.t1w.array, bare.brain_mask.array > 0) < STRIPPED_BELOW


def test_the_noise_of_a_ratio_image_is_seen_whatever_is_in_the_head(seen, head):
    rng = np.random.default_rng(3)
    brain = gaussian_filter((seen.t1w.array > 100).astype(np.float32), 1) > 0.5
    noisy = np.where(brain, seen.t1w.array, seen.t1w.array.max() * rng.random(brain.shape))
    assert Background()(case_of(noisy, seen))["background_level"] > 0.3


def test_thick_slices_are_seen_in_the_header_and_after_interpolation(seen, head):
    thick = phantom(6, Acquisition(spacing=(1.5, 1.5, 6.0)))
    assert failing(Slices()(case_of(thick.t1w.array, thick))) == "spacing_max_mm"
    blurred = gaussian_filter(seen.t1w.array, (0, 0, 2.0))
    assert failing(Smoothness()(case_of(blurred, seen))) == "fwhm_anisotropy"
    assert failing(Smoothness()(head)) == ""


def test_a_brain_cut_by_the_field_of_view_is_seen_by_its_mask_and_by_the_template(seen):
    top = int(np.flatnonzero(seen.brain_mask.array.any(axis=(0, 1))).max()) - 6
    images = {
        "t1w": Volume(array=seen.t1w.array[:, :, :top], affine=seen.t1w.affine),
        "mask": Volume(array=seen.brain_mask.array[:, :, :top] > 0, affine=seen.t1w.affine),
    }
    assert "cut_by_fov" in failing(Outline()(Case(images=images)))
    share = {"brain_outside_fov": outside(seen.warp, seen.t1w.affine, images["t1w"].array.shape)}
    assert failing(share) == "brain_outside_fov"
    whole = {"brain_outside_fov": outside(seen.warp, seen.t1w.affine, seen.t1w.array.shape)}
    assert failing(whole) == ""


def test_a_brain_cut_by_defacing_is_seen(seen):
    front = int(np.flatnonzero(seen.brain_mask.array.any(axis=(0, 2))).max()) - 4
    array, mask = seen.t1w.array.copy(), seen.brain_mask.array > 0
    array[:, front:] = 0
    mask[:, front:] = False
    images = {n: Volume(array=a, affine=seen.t1w.affine) for n, a in (("t1w", array), ("mask", mask))}
    assert "cut_by_void" in failing(Outline()(Case(images=images)))


def test_a_t2w_is_refused_as_a_wrong_contrast(seen, head):
    inside = head.images["mask"].array
    grey, white = seen.gm.array, seen.wm.array
    t2w = np.where(inside, 600 * (0.5 * white + 0.85 * grey + 1.3 * seen.csf.array), 0)
    with pytest.raises(ScanUnusable) as caught:
        AffineToTemplate()(case_of(t2w, seen))
    assert caught.value.reason is Reason.WRONG_CONTRAST


def ball(radius_mm: float, seen: Phantom) -> np.ndarray:
    index = np.moveaxis(np.indices(seen.t1w.array.shape), 0, -1) - np.array(seen.t1w.array.shape) / 2
    return np.linalg.norm(index * 3.0, axis=-1) < radius_mm


@pytest.mark.parametrize(("radius_mm", "refused"), [(25, True), (66, False), (100, True)])
def test_what_has_no_brains_size_is_refused_at_the_gate(radius_mm, refused, seen):
    mask = ball(radius_mm, seen)
    case = Case(numbers=mask_numbers(seen.t1w, mask))
    if not refused:
        assert BrainGate()(case).numbers.items() >= case.numbers.items()
        return
    with pytest.raises(ScanUnusable) as caught:
        BrainGate()(case)
    assert caught.value.reason is Reason.IMPLAUSIBLE_BRAIN


def test_a_ball_of_a_brains_size_is_refused_by_the_template_and_too_round(seen):
    mask = ball(66, seen)
    noise = np.random.default_rng(1).normal(600, 30, mask.shape)
    affine = seen.t1w.affine
    images = {
        "t1w": Volume(array=np.where(mask, noise, 0).astype(np.float32), affine=affine),
        "mask": Volume(array=mask, affine=affine),
    }
    assert "mask_sphericity" in failing(Outline()(Case(images=images)))
    with pytest.raises(ScanUnusable) as caught:
        AffineToTemplate()(Case(images=images))
    assert caught.value.reason is Reason.NO_MATCH_TO_TEMPLATE


@pytest.mark.parametrize("level", [0.0, 7.0])
def test_an_empty_image_is_refused(level):
    flat = Volume(array=np.full((80, 80, 80), level, np.float32), affine=np.eye(4))
    with pytest.raises(ScanUnusable) as caught:
        Canonical()(Case(images={"t1w": reorient(flat)}))
    assert caught.value.reason is Reason.CONSTANT
