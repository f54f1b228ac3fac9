"""When the network looks a second time, and what comes of it."""

import numpy as np
import pytest
from scipy.ndimage import affine_transform, binary_dilation
from scipy.spatial.transform import Rotation

from allbrains.case import Case
from allbrains.errors import Reason, ScanUnusable
from allbrains.records import Volume
from allbrains.space.template import template
from allbrains.steps import second_look
from allbrains.steps.brain_mask import BrainMask
from allbrains.steps.deepbet_network import BrainLook
from allbrains.steps.pieces import bounding_box
from allbrains.steps.second_look import posed


def head(nod_deg: float) -> tuple[Volume, np.ndarray]:
    """The template at 2 mm, turned about x, in a skull of noise; and where its brain is."""
    fixed = template(2.0)
    edge = 110
    turn = Rotation.from_euler("x", nod_deg, degrees=True).as_matrix()
    offset = (np.asarray(fixed.mask.shape) - 1) / 2 - turn @ np.full(3, (edge - 1) / 2)
    t1w, share = (
        affine_transform(part.astype(np.float32), turn, offset, (edge,) * 3, order=1)
        for part in (fixed.t1w, fixed.mask)
    )
    noise = np.random.default_rng(1).uniform(0.1, 0.3, t1w.shape)
    array = np.where(share > 0.5, t1w + 1, noise).astype(np.float32)
    return Volume(array=array, affine=np.diag([2.0, 2.0, 2.0, 1.0])), share > 0.5


class Eyes:
    """Sees a bright brain; in the first image it also takes a rim of skull for brain."""

    def __init__(self, spill: int):
        self.spill, self.seen = spill, []

    def __call__(self, array, threshold, device="cpu"):
        self.seen.append(array.shape)
        mask = array > 0.9
        if len(self.seen) == 1 and self.spill:
            mask = binary_dilation(mask, iterations=self.spill)
        return BrainLook(mask=mask, box=bounding_box(mask, [0, 0, 0]))


def run(monkeypatch, nod_deg: float, spill: int):
    eyes = Eyes(spill)
    monkeypatch.setattr("allbrains.steps.brain_mask.look", eyes)
    monkeypatch.setattr(second_look, "look", eyes)
    volume, true = head(nod_deg)
    out = BrainMask()(Case(images={"t1w": volume}))
    mask = out.images["mask"]
    start = np.rint((mask.affine[:3, 3] - volume.affine[:3, 3]) / 2).astype(int)
    whole = np.zeros(true.shape, bool)
    whole[tuple(slice(i, i + n) for i, n in zip(start, mask.array.shape, strict=True))] = mask.array
    return eyes, out.numbers, 2 * (whole & true).sum() / (whole.sum() + true.sum())


def test_an_upright_head_with_a_good_mask_is_looked_at_once(monkeypatch):
    eyes, numbers, dice = run(monkeypatch, 5, 0)
    assert len(eyes.seen) == 1
    assert numbers["head_turn_deg"] == pytest.approx(5, abs=1.5)
    assert "mask_looks_dice" not in numbers
    assert dice > 0.99


@pytest.mark.parametrize("nod_deg", [-40, 40])
def test_a_turned_heads_spilt_mask_is_replaced_by_that_of_the_upright_one(monkeypatch, nod_deg):
    eyes, numbers, dice = run(monkeypatch, nod_deg, 4)
    assert len(eyes.seen) == 2
    assert numbers["head_turn_deg"] == pytest.approx(40, abs=4)
    assert numbers["mask_looks_dice"] < 0.95
    assert dice > 0.97


def test_where_the_second_look_sees_nothing_the_first_stands_and_it_is_said(monkeypatch):
    volume, true = head(30)

    def blind(*_):
        raise ScanUnusable(Reason.NO_BRAIN_FOUND, "nothing")

    monkeypatch.setattr(second_look, "look", blind)
    looks = second_look.second_look(volume, true, posed(volume, true), 0.5, "cpu")
    assert looks.agreement == 0
    np.testing.assert_array_equal(looks.mask, true)
