"""Laws of the named structures."""

import numpy as np
import pytest

from allbrains.case import Case, Warp
from allbrains.records import Volume
from allbrains.space.structure_priors import MAPPED, Structure, structure_maps
from allbrains.space.template import output_grid, template
from allbrains.steps.structures import Structures, dark_pieces, structure_labels


def template_tissues():
    """CSF, GM and WM of the template at 2 mm, and its mask."""
    fixed = template(2.0)
    total = np.maximum(fixed.gm + fixed.wm, 1)
    gm, wm = (np.where(fixed.mask, part / total, 0).astype(np.float32) for part in (fixed.gm, fixed.wm))
    return np.where(fixed.mask, 1 - gm - wm, 0).astype(np.float32), gm, wm, fixed.mask


def test_left_maps_lie_left_and_mirror_right_ones():
    maps = structure_maps()
    assert maps.shares.max() <= 1
    x = output_grid(2.0).points()[..., 0]
    size = dict(zip(MAPPED, maps.shares.sum(axis=(1, 2, 3)), strict=False))
    for structure, share in zip(MAPPED, maps.shares, strict=False):
        middle = float((share * x).sum() / share.sum())
        if structure.name.startswith("LEFT_"):
            assert middle < -5, structure
            twin = Structure[structure.name.replace("LEFT", "RIGHT")]
            assert size[structure] / size[twin] == pytest.approx(1, abs=0.15)
        elif structure.name.startswith("RIGHT_"):
            assert middle > 5, structure
        else:
            assert abs(middle) < 2, structure


# ml: the template is an average head blown up to 1.9 litres, a quarter more than an adult's
@pytest.mark.parametrize(
    ("structure", "low", "high"),
    [
        (Structure.LEFT_THALAMUS, 6, 14),
        (Structure.RIGHT_CAUDATE, 3, 8),
        (Structure.LEFT_PUTAMEN, 5, 12),
        (Structure.RIGHT_PALLIDUM, 0.8, 4),
        (Structure.LEFT_HIPPOCAMPUS, 3, 10),
        (Structure.RIGHT_AMYGDALA, 1, 5),
        (Structure.LEFT_LATERAL_VENTRICLE, 4, 25),
    ],
)
def test_the_templates_own_structures_have_an_adults_size(structure, low, high):
    csf, gm, wm, mask = template_tissues()
    points = output_grid(2.0).points()[mask]
    found = structure_labels(points, csf[mask], gm[mask], wm[mask])
    assert low < (found == structure).sum() * 0.008 < high


def test_a_voxel_full_of_csf_is_no_nucleus_and_a_white_one_no_ventricle():
    maps = structure_maps()
    points = output_grid(2.0).points()[maps.shares[MAPPED.index(Structure.LEFT_CAUDATE)] > 0.3]
    none, full = np.zeros(len(points), np.float32), np.ones(len(points), np.float32)
    fluid, white = structure_labels(points, full, none, none), structure_labels(points, none, none, full)
    assert not np.isin(fluid, (Structure.LEFT_CAUDATE, Structure.LEFT_PUTAMEN)).mean() > 0.3
    assert not np.isin(white, (Structure.LEFT_LATERAL_VENTRICLE, Structure.CSF)).any()


def test_labels_cover_the_mask_in_both_spaces_and_volumes_are_counts():
    csf, gm, wm, mask = template_tissues()
    affine = output_grid(2.0).affine
    turn = np.array([[0, -1.1, 0, 4], [0.9, 0, 0, -7], [0, 0, 1.05, 3], [0, 0, 0, 1]], float)
    images = {}
    for prefix, place in (("", turn @ affine), ("template_", affine)):
        for name, array in zip(("csf", "gm", "wm", "mask"), (csf, gm, wm, mask), strict=True):
            images[prefix + name] = Volume(array=array, affine=place)
    warp = Warp(affine=turn, displacement=np.zeros((4, 4, 4, 3), np.float32), grid_affine=np.eye(4))
    out = Structures()(Case(images=images, warps={"warp": warp}, numbers={"icv_ml": 1500.0}))
    native, known = out.images["structures"].array, {int(s) for s in Structure} | {0}
    assert set(np.unique(native)) <= known
    assert ((native > 0) == mask).all()
    assert (native == out.images["template_structures"].array).mean() > 0.97  # the same brain, turned
    voxel_ml = abs(np.linalg.det((turn @ affine)[:3, :3])) / 1000
    left = out.numbers["left_thalamus_ml"]
    assert left == pytest.approx((native == Structure.LEFT_THALAMUS).sum() * voxel_ml)
    assert out.numbers["left_thalamus_per_icv"] == pytest.approx(left / 1500)


def test_a_dark_ball_in_white_matter_is_found_and_a_bay_of_cortex_is_not():
    labels = np.full((30, 30, 30), Structure.LEFT_CEREBRAL_WM, np.uint8)
    labels[:8] = Structure.LEFT_CEREBRAL_CORTEX
    labels[8:16, 10:12, 10:12] = Structure.LEFT_CEREBRAL_CORTEX  # the bottom of a sulcus
    x, y, z = np.indices(labels.shape)
    ball = (x - 22) ** 2 + (y - 20) ** 2 + (z - 20) ** 2 <= 9
    labels[ball] = Structure.LEFT_CEREBRAL_CORTEX
    labels[20, 5, 5] = Structure.CSF  # one voxel
    deep = np.broadcast_to(x > 5, labels.shape)
    found, count = dark_pieces(labels, deep, 1.0)
    assert count == 1
    np.testing.assert_array_equal(found, ball)


def test_a_lesion_is_no_cortex_in_a_whole_case():
    csf, gm, wm, mask = template_tissues()
    affine = output_grid(2.0).affine
    far = np.linalg.norm(output_grid(2.0).points() - np.array([-26.0, -22.0, 30.0]), axis=-1)
    gm[far < 6], wm[far < 6], csf[far < 6] = 0.9, 0.1, 0.0
    images = {
        prefix + name: Volume(array=array, affine=affine)
        for prefix in ("", "template_")
        for name, array in (("csf", csf), ("gm", gm), ("wm", wm), ("mask", mask))
    }
    still = Warp(affine=np.eye(4), displacement=np.zeros((4, 4, 4, 3), np.float32), grid_affine=np.eye(4))
    out = Structures()(Case(images=images, warps={"warp": still}, numbers={"icv_ml": 1500.0})).numbers
    assert out["wm_hypointensity_ml"] == pytest.approx(4 / 3 * np.pi * 0.6**3, rel=0.25)
    assert out["wm_hypointensity_count"] <= 3
