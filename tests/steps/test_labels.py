"""Laws of the six labels."""

import numpy as np
import pytest

from allbrains.case import Case, Warp
from allbrains.records import Volume
from allbrains.space.grid import Grid
from allbrains.space.regions import Region, regions
from allbrains.space.template import output_grid, template
from allbrains.steps.labels import Label, Labels, region_at, six_labels, template_points


def test_the_region_map_covers_the_templates_brain_and_is_symmetric_enough():
    known, fixed = regions(), template(1.0)
    np.testing.assert_allclose(known.affine, fixed.affine)
    assert (known.array[fixed.mask] > 0).all()
    left = output_grid(1.0).points()[..., 0] < 0
    for region in Region:
        here = known.array == region
        assert 0.8 < (here & left).sum() / (here & ~left).sum() < 1.25, region


@pytest.mark.parametrize(
    ("region", "csf", "gm", "wm", "label"),
    [
        (Region.FRONTAL, 0.1, 0.6, 0.3, Label.CORTICAL_GM),
        (Region.TEMPORAL, 0.0, 0.3, 0.7, Label.WM),
        (Region.DEEP_GM, 0.0, 0.3, 0.7, Label.DEEP_GM),
        (Region.BRAINSTEM, 0.0, 0.1, 0.9, Label.BRAINSTEM),
        (Region.BRAINSTEM, 0.3, 0.7, 0.0, Label.CSF),
        (Region.CEREBELLUM, 0.2, 0.7, 0.1, Label.CEREBELLUM),
        (Region.CEREBELLUM, 0.6, 0.4, 0.0, Label.CSF),
        (Region.DEEP_GM, 0.9, 0.1, 0.0, Label.CSF),
    ],
)
def test_region_and_intensity_decide_together(region, csf, gm, wm, label):
    found = six_labels(np.array([region]), np.array([csf]), np.array([gm]), np.array([wm]))
    assert found[0] == label


def a_case() -> Case:
    """A brain that is the template moved, turned and scaled, on a grid of its own."""
    grid = output_grid(2.0)
    fixed = template(2.0)
    turn = np.array([[0, -1.1, 0, 4], [0.9, 0, 0, -7], [0, 0, 1.05, 3], [0, 0, 0, 1]], float)
    warp = Warp(affine=turn, displacement=np.zeros((4, 4, 4, 3), np.float32), grid_affine=np.eye(4))
    affine = turn @ grid.affine
    fractions = {"gm": fixed.gm, "wm": fixed.wm}
    total = np.maximum(fixed.gm + fixed.wm, 1)
    images = {k: np.where(fixed.mask, v / total, 0).astype(np.float32) for k, v in fractions.items()}
    images["csf"] = np.where(fixed.mask, 1 - images["gm"] - images["wm"], 0).astype(np.float32)
    images["mask"] = fixed.mask
    volumes = {k: Volume(array=v, affine=affine) for k, v in images.items()}
    return Case(images=volumes, warps={"warp": warp})


def test_labels_follow_the_warp_and_volumes_add_up_to_the_mask():
    case = a_case()
    out = Labels()(case)
    mask = case.images["mask"]
    direct = region_at(output_grid(2.0).points())[mask.array]
    assert (region_at(template_points(case.warps["warp"], mask.affine, mask.array)) == direct).mean() > 0.97
    voxel_ml = abs(np.linalg.det(mask.affine[:3, :3])) / 1000
    parts = ("cortical_gm_ml", "cerebral_wm_ml", "deep_gm_ml", "brainstem_ml", "cerebellum_ml")
    csf_ml = case.images["csf"].array.sum(dtype=float) * voxel_ml
    assert sum(out.numbers[p] for p in parts) + csf_ml == pytest.approx(mask.array.sum() * voxel_ml, rel=1e-5)
    assert ((out.images["dseg"].array > 0) == mask.array).all()


def test_lobes_add_up_to_the_cerebrum_and_sides_are_the_persons():
    out = Labels()(a_case()).numbers
    for tissue, whole in (("gm", "cortical_gm_ml"), ("wm", "cerebral_wm_ml")):
        lobes = [ml for name, ml in out.items() if name.endswith(f"_{tissue}_ml") and name.count("_") == 3]
        assert len(lobes) == 8
        assert sum(lobes) == pytest.approx(out[whole], rel=1e-4)
    grid = Grid.box((-10, -10, -10), (20, 20, 20), 1)
    assert (grid.points()[..., 0] < 0)[0].all()  # RAS+: x below 0 is left
