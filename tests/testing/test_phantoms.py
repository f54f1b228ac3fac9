"""Laws of phantoms: the truth is consistent with itself, with the warp and with the scan."""

from dataclasses import replace
from functools import cache

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from allbrains.errors import ConfigurationError
from allbrains.records import Volume
from allbrains.testing.anatomy import template_brain
from allbrains.testing.fields import Lattice, sample, sample_vectors
from allbrains.testing.person import Variation
from allbrains.testing.phantoms import Acquisition, Phantom, phantom, scan_grid

COARSE = Acquisition(spacing=(5.0, 5.0, 5.0), capsule=True)
CLEAN = replace(COARSE, noise=0.0)


@cache
def seen(seed: int, acquisition: Acquisition = COARSE, session: int = 0) -> Phantom:
    return phantom(seed, acquisition, session=session)


def images(scan: Phantom) -> dict[str, Volume]:
    return {name: getattr(scan, name) for name in ("t1w", "brain_mask", "gm", "wm", "csf")}


def canonical(volume: Volume) -> nib.Nifti1Image:
    return nib.as_closest_canonical(nib.Nifti1Image(volume.array, volume.affine))


def dice(a: np.ndarray, b: np.ndarray) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def test_the_same_seed_gives_the_same_bytes():
    again = phantom(1, COARSE)
    for name, volume in images(seen(1)).items():
        assert volume.array.tobytes() == images(again)[name].array.tobytes(), name
    assert np.array_equal(again.warp.displacement, seen(1).warp.displacement)
    assert again.volumes_ml == seen(1).volumes_ml


def test_another_seed_is_another_person():
    assert not np.array_equal(seen(1).warp.displacement, seen(2).warp.displacement)
    assert dice(seen(1).brain_mask.array > 0, seen(2).brain_mask.array > 0) < 0.98


def test_another_session_is_the_same_person_in_another_pose_and_noise():
    first, second = seen(1), seen(1, session=1)
    assert np.array_equal(first.warp.displacement, second.warp.displacement)
    assert not np.array_equal(first.warp.affine, second.warp.affine)
    assert not np.array_equal(first.t1w.array, second.t1w.array)
    determinants = [np.linalg.det(scan.warp.affine) for scan in (first, second)]
    assert determinants[0] == pytest.approx(determinants[1])
    for name, volume_ml in first.volumes_ml.items():
        assert second.volumes_ml[name] == pytest.approx(volume_ml, rel=0.02), name


@pytest.mark.parametrize("seed", [1, 2])
def test_tissues_sum_to_one_in_the_mask_and_to_nothing_outside(seed: int):
    scan = seen(seed)
    mask = scan.brain_mask.array > 0
    total = scan.gm.array + scan.wm.array + scan.csf.array
    assert total[mask] == pytest.approx(1, abs=1e-5)
    assert not total[~mask].any()
    assert min(part.array.min() for part in (scan.gm, scan.wm, scan.csf)) >= 0
    assert ndimage.label(mask)[1] == 1


@pytest.mark.parametrize("seed", [1, 2])
def test_volumes_are_the_sums_of_the_maps_and_of_human_size(seed: int):
    scan = seen(seed)
    voxel_ml = abs(np.linalg.det(scan.t1w.affine)) / 1000
    volumes = scan.volumes_ml
    assert volumes["brain"] == pytest.approx(scan.brain_mask.array.sum() * voxel_ml)
    assert volumes["gm"] + volumes["wm"] + volumes["csf"] == pytest.approx(volumes["brain"], rel=1e-5)
    assert 1150 < volumes["brain"] < 1750
    assert volumes["gm"] > volumes["wm"] > volumes["csf"] > 50


def test_the_volume_drawn_is_the_volume_got():
    exactly = phantom(3, Acquisition(spacing=(3.0, 3.0, 3.0)), variation=Variation(brain_ml=(1300.0, 0.0)))
    assert exactly.volumes_ml["brain"] == pytest.approx(1300, rel=0.01)


def test_the_warp_carries_the_template_onto_the_scan():
    scan = seen(1, Acquisition(spacing=(3.0, 3.0, 3.0), orientation="LIA", oblique_deg=15.0))
    brain, warp = template_brain(), scan.warp
    grid = Lattice(shape=brain.t1w[::2, ::2, ::2].shape, affine=brain.affine @ np.diag([2.0, 2.0, 2.0, 1.0]))
    points = grid.points()
    moved = points + sample_vectors(warp.displacement, warp.grid_affine, points)
    there = moved @ warp.affine[:3, :3].T + warp.affine[:3, 3]
    truth = brain.mask[::2, ::2, ::2] > 0
    got = sample(scan.brain_mask.array.astype(np.float32), scan.t1w.affine, there) > 0.5
    assert dice(truth, got) > 0.98
    for name, certain in (("wm", brain.wm), ("gm", brain.gm)):
        share = sample(images(scan)[name].array, scan.t1w.affine, there)
        assert np.corrcoef(share[truth], certain[::2, ::2, ::2][truth])[0, 1] > 0.85, name
    unmoved = points @ warp.affine[:3, :3].T + warp.affine[:3, 3]
    without = sample(scan.brain_mask.array.astype(np.float32), scan.t1w.affine, unmoved) > 0.5
    assert dice(truth, without) < dice(truth, got) - 0.01  # the displacement matters


@pytest.mark.parametrize("orientation", ["PSR"])
def test_orientation_changes_the_storage_and_not_the_world(orientation: str):
    usual, turned = seen(1, CLEAN), seen(1, replace(CLEAN, orientation=orientation))
    assert nib.aff2axcodes(turned.t1w.affine) == tuple(orientation)
    for name, volume in images(turned).items():
        expected, found = canonical(images(usual)[name]), canonical(volume)
        assert found.affine == pytest.approx(expected.affine)
        assert found.get_fdata() == pytest.approx(expected.get_fdata(), abs=0.05), name
    assert turned.capsule_mm == usual.capsule_mm


@pytest.mark.parametrize("orientation", ["RAS", "PIL"])
def test_the_capsule_stays_on_the_right(orientation: str):
    wanted = replace(CLEAN, spacing=(4.0, 4.0, 4.0), bias=0.0, orientation=orientation)
    scan, bare = seen(1, wanted), seen(1, replace(wanted, capsule=False))
    added = np.clip(scan.t1w.array - bare.t1w.array, 0, None)
    index = ndimage.center_of_mass(added)
    centre = scan.t1w.affine[:3, :3] @ index + scan.t1w.affine[:3, 3]
    assert centre == pytest.approx(scan.capsule_mm, abs=3.5)
    assert centre[0] > 40


def test_stripped_is_zero_outside_the_brain_and_the_same_inside():
    whole, stripped = seen(1), seen(1, replace(COARSE, stripped=True))
    mask = whole.brain_mask.array > 0
    assert not stripped.t1w.array[~mask].any()
    assert np.array_equal(stripped.t1w.array[mask], whole.t1w.array[mask])


def test_noise_and_bias_are_as_strong_as_asked():
    plain = replace(CLEAN, bias=0.0)
    clean = seen(1, plain).t1w.array
    air = clean == 0
    assert air.any()
    noisy = seen(1, replace(plain, noise=0.05)).t1w.array
    # Rayleigh: the mean of the magnitude of pure noise is sd * sqrt(pi / 2)
    assert noisy[air].mean() == pytest.approx(600 * 0.05 * np.sqrt(np.pi / 2), rel=0.02)
    biased = seen(1, replace(plain, bias=0.3)).t1w.array
    assert 0.2 < np.log(biased[clean > 60] / clean[clean > 60]).std() < 0.4


def test_the_picture_is_a_t1w():
    scan = seen(1, replace(CLEAN, bias=0.0, spacing=(4.0, 4.0, 4.0)))
    levels = [scan.t1w.array[getattr(scan, name).array > 0.8].mean() for name in ("csf", "gm", "wm")]
    assert levels[0] < 0.6 * levels[1] < 0.6 * levels[2]
    outside = scan.t1w.array[scan.brain_mask.array == 0]
    assert (outside > 500).sum() > 1000  # fat


@pytest.mark.parametrize("orientation", ["RAR", "RA", "XYZ", "ras"])
def test_an_orientation_that_is_none_is_refused(orientation: str):
    with pytest.raises(ConfigurationError, match="orientation"):
        scan_grid(Acquisition(orientation=orientation))


def test_a_deformation_that_folds_is_refused():
    with pytest.raises(ConfigurationError, match="folds"):
        phantom(1, COARSE, variation=Variation(deformation_mm=30.0, deformation_length_mm=15.0))


def test_the_grid_is_centred_whatever_its_voxels():
    grids = [
        scan_grid(Acquisition(spacing=s, orientation=o, oblique_deg=t))
        for s, o, t in (
            ((1.0, 1.0, 1.0), "RAS", 0.0),
            ((1.0, 1.0, 3.0), "LIA", 0.0),
            ((2.0, 1.0, 1.5), "PSR", 20.0),
        )
    ]
    middles = [g.affine[:3, :3] @ (np.array(g.shape) - 1) / 2 + g.affine[:3, 3] for g in grids]
    assert middles[1] == pytest.approx(middles[0])
    assert middles[2] == pytest.approx(middles[0])
    assert grids[1].shape == (192, 240, 80)
    assert grids[2].spacing == pytest.approx((2.0, 1.0, 1.5))
