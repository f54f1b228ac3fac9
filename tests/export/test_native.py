"""The way back to the scan: a thing in the template lands where the warp says that it lies in the scan."""

import json

import nibabel
import numpy as np
import pytest

import allbrains
from allbrains.case import Warp
from allbrains.errors import ConfigurationError
from allbrains.export.derivatives import export
from allbrains.export.native import Layer, scan_grid, to_scan
from allbrains.space.grid import Grid, through
from allbrains.store.layout import Layout
from allbrains.testing.corpora import ToyStory, scan, write

TEMPLATE = Grid.box((-40.0, -48.0, -40.0), (80.0, 96.0, 80.0), 2.0)


def warp():
    """A turn of 10°, a scaling, a shift, and a smooth bend of up to 4 mm."""
    grid = Grid.box((-40.0, -48.0, -40.0), (80.0, 96.0, 80.0), 4.0)
    points = grid.points().astype(np.float64)
    bend = 4.0 * np.sin(points[..., [1, 2, 0]] / 20.0)
    turn = np.eye(4)
    c, s = np.cos(np.deg2rad(10)), np.sin(np.deg2rad(10))
    turn[:3, :3] = 1.1 * np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    turn[:3, 3] = [3.0, -2.0, 5.0]
    return Warp(affine=turn, displacement=bend, grid_affine=grid.affine)


def scan_space():
    """A grid as scanners make them: axes turned and flipped, voxels of 1.5 × 2 × 1.2 mm."""
    affine = np.array([[0, 0, -1.2, 55], [1.5, 0, 0, -70], [0, -2.0, 0, 60], [0, 0, 0, 1.0]])
    return Grid(shape=(90, 60, 90), affine=affine)


def carried(image, labels):
    layer = Layer(array=image, affine=TEMPLATE.affine, labels=labels)
    return to_scan({"map": layer}, warp(), scan_space())["map"]


def centre(image, affine):
    index = np.argwhere(image > 0)
    weights = image[image > 0].astype(float)
    return affine[:3, :3] @ (weights @ index / weights.sum()) + affine[:3, 3]


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("point", [(0.0, 0.0, 0.0), (18.0, -20.0, 10.0), (-15.0, 25.0, -12.0)])
def test_a_marker_lands_where_the_warp_says(point, labels):
    distance = np.linalg.norm(TEMPLATE.points() - np.array(point, np.float32), axis=-1)
    marker = (distance < 6).astype(np.uint8) * 200
    found = centre(carried(marker, labels), scan_space().affine)
    expected = through(warp(), np.array([point], np.float32))[0]
    np.testing.assert_allclose(found, expected, atol=0.5)  # a third of a voxel


def test_a_smooth_map_keeps_its_values():
    points = TEMPLATE.points()
    smooth = np.rint(1000 + 400 * np.sin(points[..., 0] / 15) * np.cos(points[..., 1] / 18)).astype(np.uint16)
    found = carried(smooth, labels=False)
    inner = np.abs(points).max(axis=-1) < 25
    places = through(warp(), points[inner])
    index = np.rint((places - scan_space().affine[:3, 3]) @ np.linalg.inv(scan_space().affine[:3, :3]).T)
    x, y, z = index.astype(int).T
    # the nearest voxel is up to 1.4 mm away and the map changes by up to 27 a mm
    assert np.abs(found[x, y, z].astype(float) - smooth[inner]).max() < 45
    assert abs(np.mean(found[x, y, z].astype(float) - smooth[inner])) < 1


def test_labels_stay_labels_and_outside_is_nothing():
    labels = np.random.default_rng(0).choice([0, 3, 7], TEMPLATE.shape).astype(np.uint8)
    found = carried(labels, labels=True)
    assert set(np.unique(found)) == {0, 3, 7}
    assert found[0, 0, 0] == 0


def test_native_images_lie_on_the_scans_grid(tmp_path):
    write(Layout(tmp_path / "out"), ToyStory(scans=(scan(0),)))
    brains = allbrains.open(tmp_path / "out")
    paths = {path.name: path for path in export(brains, tmp_path / "to", space="native")}
    assert set(paths) == {
        "sub-0000_desc-preproc_T1w.nii.gz",
        "sub-0000_label-GM_probseg.nii.gz",
        "sub-0000_desc-brain_mask.nii.gz",
        "sub-0000_logjacobian.nii.gz",
    }
    grid = scan_grid(brains[0].row)
    for path in paths.values():
        image = nibabel.load(path)
        assert image.shape == grid.shape
        np.testing.assert_array_equal(image.affine, grid.affine)
    mask = nibabel.load(paths["sub-0000_desc-brain_mask.nii.gz"]).get_fdata()
    stored = brains[0].mask  # the field moves it by a tenth of a voxel
    assert 2 * (mask * stored).sum() / (mask.sum() + stored.sum()) > 0.95


def test_a_corpus_without_transforms_says_so(tmp_path):
    write(Layout(tmp_path / "out"), ToyStory(scans=(scan(0),)))
    without = allbrains.open(tmp_path / "out", maps=["t1w"])
    with pytest.raises(ConfigurationError, match=r"holds no transforms.*--space template"):
        list(export(without, tmp_path / "to", space="native"))
    assert not (tmp_path / "to").exists()


def test_a_corpus_that_does_not_know_the_scans_grids_says_so():
    with pytest.raises(ConfigurationError, match="own grids"):
        scan_grid({"scan_grid": None})
    assert scan_grid({"scan_grid": json.dumps({"shape": [1, 2, 3], "affine": np.eye(4).tolist()})}).shape == (
        1,
        2,
        3,
    )
