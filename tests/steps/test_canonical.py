"""Laws of reorientation, and what is refused from voxels alone."""

import itertools

import nibabel
import numpy as np
import pytest

from allbrains.case import Case
from allbrains.errors import Reason, ScanUnusable
from allbrains.records import Volume
from allbrains.steps.brain_mask import crop
from allbrains.steps.canonical import Canonical, reorient
from allbrains.steps.gate import BrainGate
from allbrains.steps.pieces import bounding_box, largest_filled

ORIENTATIONS = [
    "".join(letters)
    for axes in itertools.permutations(["RL", "AP", "SI"])
    for letters in itertools.product(*axes)
]


@pytest.mark.parametrize("codes", ORIENTATIONS)
def test_a_marker_keeps_its_world_coordinates_in_every_orientation(codes):
    start = np.diag([1.0, 1.3, 2.0, 1.0])
    start[:3, 3] = (-30, -50, -20)
    array = np.zeros((5, 6, 7), np.float32)
    array[4, 1, 2] = 1
    world = start @ (4, 1, 2, 1)
    turn = nibabel.orientations.axcodes2ornt(codes)
    turned = nibabel.orientations.apply_orientation(array, turn)
    affine = start @ nibabel.orientations.inv_ornt_aff(turn, array.shape)
    out = reorient(Volume(array=turned, affine=affine))
    index = np.argwhere(out.array)[0]
    np.testing.assert_allclose(out.affine @ (*index, 1), world)
    assert "".join(nibabel.aff2axcodes(out.affine)) == "RAS"


def test_all_48_orientations_of_a_file_become_the_same_bytes():
    rng = np.random.default_rng(4)
    array = rng.random((20, 24, 28)).astype(np.float32)
    start = np.diag([4.0, 3.5, 3.0, 1.0])
    start[:3, 3] = (-30, -50, -20)
    found = set()
    for codes in ORIENTATIONS:
        turn = nibabel.orientations.axcodes2ornt(codes)
        turned = nibabel.orientations.apply_orientation(array, turn)
        affine = start @ nibabel.orientations.inv_ornt_aff(turn, array.shape)
        out = Canonical()(Case(images={"t1w": Volume(array=turned, affine=affine)})).images["t1w"]
        found.add((out.array.shape, out.array.tobytes(), np.round(out.affine, 9).tobytes()))
    assert len(found) == 1


def volume(array: np.ndarray, spacing: float = 4.0) -> Case:
    affine = np.diag([spacing, spacing, spacing, 1])
    return Case(images={"t1w": Volume(array=array.astype(np.float32), affine=affine)})


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (volume(np.full((20, 20, 20), 3.0)), Reason.CONSTANT),
        (volume(np.full((20, 20, 20), np.nan)), Reason.NON_FINITE),
        (volume(np.random.default_rng(0).random((20, 20, 5))), Reason.IMPLAUSIBLE_BRAIN),
    ],
)
def test_what_holds_no_head_is_refused(case, reason):
    with pytest.raises(ScanUnusable) as caught:
        Canonical()(case)
    assert caught.value.reason is reason


def test_a_few_nans_become_0():
    array = np.random.default_rng(0).random((20, 20, 20))
    array[3, 4, 5] = np.nan
    out = Canonical()(volume(array))
    assert out.images["t1w"].array[3, 4, 5] == 0
    assert out.numbers["non_finite_share"] == pytest.approx(1 / 8000)


def head() -> np.ndarray:
    """Return an array with air, a head and a brain: 0 to 900."""
    array = np.random.default_rng(1).integers(0, 30, (20, 20, 20)).astype(float)
    array[4:16, 4:16, 4:16] = 300
    array[7:13, 7:13, 7:13] = 900
    return array


@pytest.mark.parametrize("offset", [-1024, 32768, 10**6])
def test_a_constant_that_was_added_is_taken_off(offset):
    out = Canonical()(volume(head() + offset))
    np.testing.assert_allclose(out.images["t1w"].array, head() - head().min(), atol=0.1)
    assert out.numbers["lifted"] == 1


def test_a_face_that_was_set_to_0_in_an_image_with_an_offset_is_no_floor():
    array = head() + 32768
    array[:, 14:, :6] = 0
    out = Canonical()(volume(array)).images["t1w"].array
    assert (out[:, 14:, :6] == 0).all()
    np.testing.assert_allclose(out[:, :14], head()[:, :14], atol=30)


@pytest.mark.parametrize("change", [lambda a: a, lambda a: np.where(a < 200, 0, a), lambda a: a + 40])
def test_air_that_is_nearly_or_wholly_0_stays_as_it_is(change):
    out = Canonical()(volume(change(head())))
    np.testing.assert_array_equal(out.images["t1w"].array, change(head()).astype(np.float32))
    assert out.numbers["lifted"] == 0


def test_nan_around_the_brain_is_0_and_in_the_brain_it_counts():
    array = np.where(head() < 200, np.nan, head())
    out = Canonical()(volume(array))
    np.testing.assert_array_equal(out.images["t1w"].array, np.nan_to_num(array).astype(np.float32))
    assert out.numbers["non_finite_share"] > 0.5
    judged = {"brain_mask_ml": 1400.0, "brain_extent_max_mm": 180.0, "mask_faces_at_fov": 0.0}
    for low, share in ((4, 0.0), (3, None)):
        inner = slice(low, 20 - low)
        mask = np.ones((20 - 2 * low,) * 3, bool)
        part = crop(Volume(array=np.zeros((20,) * 3), affine=out.images["t1w"].affine), (inner,) * 3)
        case = out.plus(images={"mask": Volume(array=mask, affine=part.affine)}, numbers=judged)
        if share is None:
            with pytest.raises(ScanUnusable, match="of the brain's voxels are NaN") as caught:
                BrainGate()(case)
            assert caught.value.reason is Reason.NON_FINITE
        else:
            passed = BrainGate()(case)
            assert passed.numbers["non_finite_in_brain"] == share
            assert "non_finite" not in passed.images


def test_cropping_keeps_world_positions_and_the_whole_mask():
    mask = np.zeros((20, 22, 24), bool)
    mask[5:9, 6:12, 20:24] = True
    affine = np.array([[0, -2, 0, 9], [1, 0, 0, -4], [0, 0, 3, 7], [0, 0, 0, 1]], float)
    box = bounding_box(mask, [2, 2, 2])
    out = crop(Volume(array=mask, affine=affine), box)
    assert out.array.sum() == mask.sum()
    before = np.argwhere(mask)[0]
    after = np.argwhere(out.array)[0]
    np.testing.assert_allclose(affine @ (*before, 1), out.affine @ (*after, 1))


def test_the_largest_piece_is_kept_and_its_holes_filled():
    mask = np.zeros((12, 12, 12), bool)
    mask[1:8, 1:8, 1:8] = True
    mask[4, 4, 4] = False
    mask[10, 10, 10] = True
    out = largest_filled(mask)
    assert out[4, 4, 4]
    assert not out[10, 10, 10]
