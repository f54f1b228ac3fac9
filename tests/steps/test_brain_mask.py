"""Where the network looks a second time."""

import pytest

from allbrains.steps.brain_mask import bottom_without_neck


@pytest.mark.parametrize(
    ("box_mm", "spacing", "bottom_mm"),
    [
        ([(38, 195), (33, 210), (40, 210)], (1.0, 1.0, 1.0), 0),  # a head: 170 high, 177 long
        ([(38, 195), (33, 210), (0, 238)], (1.0, 1.0, 1.0), 70),  # with a neck: 0.95 × 177 below the top
        ([(38, 194), (33, 210), (0, 237)], (2.0, 1.0, 3.0), 69),  # the same in voxels that are not cubes
        ([(38, 195), (33, 210), (0, 178)], (1.0, 1.0, 1.0), 10),
        ([(38, 195), (33, 210), (0, 150)], (1.0, 1.0, 1.0), 0),
    ],
)
def test_a_box_taller_than_long_loses_its_neck_and_no_other_does(box_mm, spacing, bottom_mm):
    box = tuple(
        slice(int(low / step), int(high / step)) for (low, high), step in zip(box_mm, spacing, strict=True)
    )
    assert bottom_without_neck(box, spacing) * spacing[2] == pytest.approx(bottom_mm, abs=spacing[2])
