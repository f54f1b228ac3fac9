"""Faults of a scanner, done to phantoms: the numbers rise with them, and strong motion does not pass."""

import numpy as np
import pyarrow as pa
import pytest

from allbrains.case import Case, Warp
from allbrains.limits import judged
from allbrains.metrics import OF_HEAD
from allbrains.metrics.face import Face, FaceState, face_state
from allbrains.metrics.native_head import native_head
from allbrains.records import Volume
from allbrains.testing.artefacts import (
    blurred,
    clipped_bright,
    ghosted,
    moved_head,
    noisy,
    posed,
    spiked,
    with_void,
    wrapped,
)
from allbrains.testing.phantoms import Acquisition, Phantom, phantom

SCAN = Acquisition(spacing=(2.5, 2.5, 2.5), bias=0.0, rotation_deg=2.0, noise=0.03)


@pytest.fixture(scope="module")
def seen() -> Phantom:
    return phantom(3, SCAN)


def case_of(seen: Phantom, head: Volume) -> Case:
    """The head as the recipe would hand it on, with the true mask."""
    brain = Volume(array=head.array * seen.brain_mask.array, affine=head.affine)
    mask = Volume(array=seen.brain_mask.array > 0, affine=head.affine)
    warp = Warp(
        affine=seen.warp.affine, displacement=seen.warp.displacement, grid_affine=seen.warp.grid_affine
    )
    images = {"t1w_native": head, "t1w": brain, "mask": mask, "wm": seen.wm}
    return Case(images=images, warps={"affine": warp})


def row_of(seen: Phantom, head: Volume) -> dict:
    prepared = native_head(case_of(seen, head))
    numbers = {k: [v] for metric in OF_HEAD for k, v in metric(prepared).items()}
    (row,) = judged(pa.table({"dataset": ["own"], **numbers})).to_pylist()
    return row


@pytest.mark.parametrize("seed", [0, 1])
def test_the_probability_rises_with_motion_and_the_strong_one_fails(seen, seed):
    series = [row_of(seen, seen.t1w)]
    for size in (0.5, 1.5, 4.0):
        series.append(row_of(seen, moved_head(seen.t1w, size, np.random.default_rng(seed))))
    likely = [row["reject_probability"] for row in series]
    # half a millimetre is a fifth of a voxel here and may pass for stillness
    assert max(likely[:2]) < likely[2] < likely[3]
    assert series[0]["qc_pass"]
    assert series[-1]["qc_reasons"] == "reject_probability"


@pytest.mark.parametrize(
    ("name", "more", "harm"),
    [
        ("summary_wm_mad", True, lambda v: noisy(v, 0.08, np.random.default_rng(0))),
        ("summary_wm_mad", True, lambda v: ghosted(v, 0.3)),
        ("summary_wm_mad", True, lambda v: spiked(v, 0.1, np.random.default_rng(0))),
        ("snr_gm", False, lambda v: noisy(v, 0.08, np.random.default_rng(0))),
        ("fwhm_avg", True, lambda v: blurred(v, 4.0)),
        ("fber", False, lambda v: ghosted(v, 0.3)),
        ("efc", True, lambda v: ghosted(v, 0.3)),
        ("fber", False, lambda v: wrapped(v, 0.25)),
        ("wm2max", True, lambda v: clipped_bright(v, 95.0)),
    ],
)
def test_each_fault_moves_the_number_that_is_for_it(seen, name, more, harm):
    before, after = (row_of(seen, head)[name] for head in (seen.t1w, kept(harm(seen.t1w), seen)))
    assert (after > 1.05 * before) if more else (after < 0.95 * before)


def test_metal_leaves_a_void_with_a_bright_rim(seen):
    values = seen.t1w.array
    void = with_void(seen.t1w, np.divide(values.shape, 2), 12.0).array
    changed = void != values
    radius = np.sqrt(sum(((np.indices(values.shape)[k] - values.shape[k] / 2) * 2.5) ** 2 for k in range(3)))
    assert (void[radius < 11] == 0).all()
    assert not changed[radius > 15].any()
    assert (void[(radius > 12.5) & (radius < 13.3) & (values > 0)] > values.min()).all()


def kept(head: Volume, seen: Phantom) -> Volume:
    """A folded field of view, filled up to its old shape."""
    lacking = [(0, n - m) for n, m in zip(seen.t1w.array.shape, head.array.shape, strict=True)]
    return Volume(array=np.pad(head.array, lacking), affine=head.affine)


def test_who_does_not_move_is_not_changed(seen):
    still = moved_head(seen.t1w, 0.0, np.random.default_rng(0))
    assert np.allclose(still.array, seen.t1w.array, atol=1e-3 * seen.t1w.array.max())
    assert np.allclose(posed(seen.t1w, np.zeros(3), np.zeros(3)), seen.t1w.array, atol=1e-2)


def test_a_shift_is_a_shift_in_millimetres(seen):
    found = posed(seen.t1w, np.array([seen.t1w.spacing[0], 0, 0]), np.zeros(3))
    assert np.allclose(found[2:-1], seen.t1w.array[1:-2], atol=1e-2 * seen.t1w.array.max())


def test_a_face_is_seen_and_a_removed_one_too(seen):
    intact = Face()(case_of(seen, seen.t1w))["face_signal"]
    index = np.indices(seen.t1w.array.shape).reshape(3, -1)
    y, z = (np.linalg.inv(seen.warp.affine) @ seen.t1w.affine)[1:3] @ np.vstack(
        [index, np.ones(index.shape[1])]
    )
    blank = seen.t1w.array.copy()
    blank.ravel()[(y > 20) & (z < -20)] = 0
    removed = Face()(case_of(seen, Volume(array=blank, affine=seen.t1w.affine)))["face_signal"]
    states = [face_state(s, stripped=False, cut_by_void=0.0) for s in (intact, removed, float("nan"))]
    assert states == [FaceState.INTACT, FaceState.REMOVED, FaceState.UNKNOWN]


def test_what_has_no_face_to_look_for_is_said():
    assert face_state(90.0, stripped=True, cut_by_void=0.0) is FaceState.NO_HEAD
    assert face_state(20.0, stripped=False, cut_by_void=0.05) is FaceState.BRAIN_CUT
    assert face_state(90.0, stripped=False, cut_by_void=float("nan")) is FaceState.INTACT


def test_a_field_of_view_that_ends_above_the_mouth_tells_nothing(seen):
    short = Volume(array=seen.t1w.array.copy(), affine=seen.t1w.affine)
    short.array[:, :, : short.array.shape[2] // 2] = 0
    assert np.isnan(Face()(case_of(seen, short))["face_signal"])
