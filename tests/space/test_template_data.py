"""The template that comes with the package: what was published, and what was derived from it once."""

import numpy as np
import pytest
from scipy.ndimage import binary_erosion, label

from allbrains.space.template import AFFINE, SHAPE, brain_mask, deep_csf, template, template_map


@pytest.mark.parametrize("name", ["t1w", "gm", "wm"])
def test_a_map_is_symmetric_about_the_midplane(name):
    array = template_map(name)
    assert (array.shape, array.dtype) == (SHAPE, np.uint8)
    assert AFFINE[0, 3] == -(SHAPE[0] - 1) / 2  # the middle plane is x = 0
    np.testing.assert_array_equal(array, array[::-1])


def test_tissues_and_what_they_leave_are_fractions():
    assert (template_map("gm").astype(int) + template_map("wm")).max() <= 256  # 8 bit each, rounded


@pytest.mark.parametrize("spacing", [1.0, 2.0])
def test_the_mask_is_one_filled_piece_that_holds_the_brain(spacing):
    mask = brain_mask(spacing).array
    assert label(mask)[1] == label(~mask)[1] == 1
    fixed = template(spacing)
    np.testing.assert_array_equal(fixed.mask, mask)
    assert not (fixed.t1w[~mask] > 0.5).any()
    voxel_ml = abs(np.linalg.det(fixed.affine[:3, :3])) / 1000
    assert mask.sum() * voxel_ml == pytest.approx(fixed.brain_ml, rel=0.01)


def test_deep_csf_is_what_the_maps_say():
    fixed = template(1.0)
    fluid = fixed.mask & (1 - fixed.gm - fixed.wm > 0.8)
    deep = binary_erosion(fluid & binary_erosion(fixed.mask, iterations=12))
    index = np.rint(deep_csf() - fixed.affine[:3, 3]).astype(int)
    stored = np.zeros_like(deep)
    stored[tuple(index.T)] = True
    # 0.8 is itself a level of 8 bit: another processor's rounding may put such a voxel on the other side
    assert (stored != deep).sum() <= 0.01 * deep.sum()
