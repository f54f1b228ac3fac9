"""Headers that lie: whatever way one is written wrongly, no scan passes with another side or size."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch

from allbrains.case import Case
from allbrains.errors import ScanUnusable
from allbrains.images.image_file import read_case
from allbrains.limits import verdict
from allbrains.records import Volume
from allbrains.space.axis_orders import orders, poses
from allbrains.steps.canonical import Canonical, reorient
from allbrains.steps.orientation import Orientation
from allbrains.testing.phantoms import Acquisition, Phantom, phantom
from allbrains.testing.wrong_headers import WRONG_HEADERS, written

SCANS = {
    "whole": Acquisition(spacing=(4.0, 3.5, 3.0), orientation="PIL", oblique_deg=8.0),
    "stripped": Acquisition(spacing=(3.0, 4.0, 4.0), orientation="LAS", stripped=True),
}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # as every worker has; more only get in each other's way on so few voxels
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", params=SCANS)
def made(request) -> Phantom:
    return phantom(3, SCANS[request.param])


def oriented(data: bytes, folder):
    (folder / "file.nii").write_bytes(data)
    return Orientation()(Canonical()(read_case(folder / "file.nii")))


def passes(case, made: Phantom) -> tuple[bool, Volume]:
    """Return the verdict with the numbers that a perfect mask and a perfect affine would give."""
    grid = json.loads(case.texts["scan_grid"])
    believed = np.asarray(grid["affine"])
    to_world = believed @ np.linalg.inv(made.t1w.affine) @ made.warp.affine
    scales = np.linalg.svd(to_world[:3, :3])[1]
    stretch = abs(np.linalg.det(believed) / np.linalg.det(made.t1w.affine))
    numbers = {
        **case.numbers,
        "brain_mask_ml": made.volumes_ml["brain"] * stretch,
        "affine_anisotropy": scales.max() / scales.min(),
    }
    numbers.pop("spacing_max_mm", None)
    (passed,) = verdict(pa.table({name: [float(value)] for name, value in numbers.items()}))[0].to_pylist()
    return passed, Volume(array=made.t1w.array, affine=believed)


@pytest.mark.parametrize("way", WRONG_HEADERS)
def test_a_wrong_header_is_right_refused_or_flagged(way, made, tmp_path):
    try:
        case = oriented(WRONG_HEADERS[way](made.t1w), tmp_path)
    except ScanUnusable:
        return
    passed, believed = passes(case, made)
    turn = believed.affine[:3, :3] @ np.linalg.inv(made.t1w.affine[:3, :3])
    # of each direction in the person, which way it runs in the world that is believed
    right = bool((np.diag(turn) > 0.7).all()) and abs(np.linalg.det(turn) - 1) < 0.05
    assert right or not passed, (turn, case.numbers, case.texts)


def test_a_true_header_is_believed(made, tmp_path):
    case = oriented(written(made.t1w.array, sform=made.t1w.affine, qform=made.t1w.affine), tmp_path)
    passed, believed = passes(case, made)
    assert passed, case.numbers
    np.testing.assert_allclose(believed.affine, made.t1w.affine, atol=1e-3)
    assert case.texts["orientation_from"] == "sform"


def test_what_is_turned_shows_the_head_upright_and_every_voxel_is_where_the_grid_says(tmp_path):
    made = phantom(1, SCANS["stripped"])
    case = oriented(WRONG_HEADERS["two axes swapped"](made.t1w), tmp_path)
    assert case.texts["orientation_from"] == "image"
    assert (case.numbers["header_axes_wrong"], case.numbers["side_unknown"]) == (1, 1)
    grid = json.loads(case.texts["scan_grid"])
    believed = reorient(Volume(array=np.rint(made.t1w.array), affine=np.asarray(grid["affine"])))
    np.testing.assert_array_equal(case.images["t1w"].array, believed.array)
    np.testing.assert_allclose(case.images["t1w"].affine, believed.affine, atol=1e-6)
    assert case.images["t1w_native"] is case.images["t1w"]
    truth = reorient(made.t1w)
    np.testing.assert_allclose(np.diag(believed.affine), np.diag(truth.affine), atol=1e-3)


@pytest.mark.parametrize("order", [3, 9, 17, 22])
def test_each_axis_order_finds_its_way_back(order):
    head = reorient(phantom(1, SCANS["stripped"]).t1w)
    turn = np.eye(4)
    turn[:3, :3] = orders()[order]
    turned = reorient(replace(head, affine=turn @ head.affine))
    best = poses(turned)[0]
    np.testing.assert_array_equal(best.order, orders()[order].T)
    assert best.turn_deg < 30
    assert best.score > poses(head)[1].score + 0.05


def test_the_orders_are_the_rotations_of_a_cube():
    found = np.stack(orders())
    assert len({one.tobytes() for one in found}) == 24
    np.testing.assert_array_equal(found[0], np.eye(3))
    np.testing.assert_allclose(np.linalg.det(found), 1)
    np.testing.assert_array_equal(found @ found.transpose(0, 2, 1), np.broadcast_to(np.eye(3), (24, 3, 3)))


def test_a_head_in_a_huge_field_of_view_is_cut_out_of_it():
    head = reorient(phantom(2, SCANS["stripped"]).t1w)
    wide = np.pad(head.array, [(40, 30), (20, 50), (60, 20)])
    affine = head.affine.copy()
    affine[:3, 3] -= affine[:3, :3] @ (40, 20, 60)
    case = Canonical()(Case(images={"t1w": Volume(array=wide, affine=affine)}))
    images = Orientation()(case).images
    out = images["t1w"]
    assert images["t1w_native"] is out  # one copy of the head in memory
    extent = np.asarray(out.array.shape) * out.spacing
    assert extent.max() < 275
    assert out.array.sum() == pytest.approx(head.array.sum(), rel=1e-5)  # the whole brain is in it
    at = np.argwhere(out.array == out.array.max())[0]
    before = np.argwhere(head.array == head.array.max())[0]
    np.testing.assert_allclose(out.affine @ [*at, 1], head.affine @ [*before, 1], atol=1e-6)
