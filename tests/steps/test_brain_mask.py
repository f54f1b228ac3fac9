"""Where the network looks a second time, and how."""

import numpy as np
import pytest

from allbrains.records import Volume
from allbrains.steps import brain_mask
from allbrains.steps.brain_mask import network_mask, taller_than_long
from allbrains.steps.deepbet_network import BrainLook


@pytest.mark.parametrize(
    ("box_mm", "spacing", "taller"),
    [
        ([(38, 195), (33, 210), (40, 210)], (1.0, 1.0, 1.0), False),  # 170 high, 177 long
        ([(38, 195), (33, 210), (30, 210)], (1.0, 1.0, 1.0), True),
        ([(38, 194), (33, 210), (30, 210)], (2.0, 1.0, 3.0), True),  # the same in voxels that are not cubes
        ([(38, 194), (33, 210), (60, 210)], (2.0, 1.0, 3.0), False),
    ],
)
def test_a_box_is_measured_in_millimetres(box_mm, spacing, taller):
    box = tuple(
        slice(round(low / step), round(high / step))
        for (low, high), step in zip(box_mm, spacing, strict=True)
    )
    assert taller_than_long(box, spacing) is taller


class BrightLook:
    """Takes what is bright for brain, and says that its box is as high as the image."""

    def __init__(self):
        self.seen = []

    def __call__(self, array, threshold, device):
        self.seen.append(array.copy())
        box = (slice(0, 9), slice(0, 9), slice(0, array.shape[2]))
        return BrainLook(mask=array > threshold, box=box)


def test_the_second_look_sees_the_nose_lower_and_its_mask_comes_back_to_where_the_brain_is(monkeypatch):
    bright = BrightLook()
    monkeypatch.setattr(brain_mask, "look", bright)
    head = np.zeros((40, 60, 20), np.float32)
    head[12:28, 36:54, 7:15] = 1.0  # before the centre, in slices of 3 mm
    volume = Volume(array=head, affine=np.diag([1.5, 1.5, 3.0, 1.0]))

    found = network_mask(volume, 0.5)

    first, second = bright.seen
    height = np.argwhere(second > 0.5).mean(axis=0)[2] - (second.shape[2] - 1) / 2
    before = (np.argwhere(head > 0.5).mean(axis=0) - (np.array(head.shape) - 1) / 2) * volume.spacing
    tip = np.deg2rad(25)
    assert height * 1.25 == pytest.approx(before[2] * np.cos(tip) - before[1] * np.sin(tip), abs=1.0)
    assert first.shape == found.shape == head.shape
    assert 2 * (found & (head > 0)).sum() / (found.sum() + (head > 0).sum()) > 0.9
