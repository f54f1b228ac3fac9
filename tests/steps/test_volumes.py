"""What stands for head size, and that it says by what."""

import numpy as np
import pytest

from allbrains.case import Case
from allbrains.records import Volume
from allbrains.space.template import template
from allbrains.steps.volumes import Volumes


def case(stripped: str, mask_ml: float = 1500.0, determinant: float = 0.75) -> Case:
    part = Volume(array=np.full((10, 10, 10), 0.5, np.float32), affine=np.diag([2.0, 2.0, 2.0, 1.0]))
    return Case(
        images=dict.fromkeys(("csf", "gm", "wm", "mask"), part),
        numbers={"brain_mask_ml": mask_ml, "affine_determinant": determinant},
        texts={"input_stripped": stripped} if stripped else {},
    )


@pytest.mark.parametrize("stripped", ["no", ""])
def test_a_whole_heads_intracranial_volume_is_its_masks(stripped):
    out = Volumes()(case(stripped))
    assert out.texts["icv_source"] == "mask"
    assert out.numbers["icv_ml"] == 1500.0
    assert out.numbers["gm_per_icv"] == pytest.approx(4.0 / 1500.0)


def test_a_stripped_scans_is_estimated_whatever_its_mask():
    out, tight = Volumes()(case("yes")), Volumes()(case("yes", mask_ml=1300.0))
    scale = 0.75 * template(2.0).brain_ml
    assert out.texts["icv_source"] == "affine"
    assert out.numbers["brain_scale_ml"] == pytest.approx(scale)
    assert scale < out.numbers["icv_ml"] < 1.05 * scale
    assert tight.numbers["icv_ml"] == out.numbers["icv_ml"]
