"""The picture of a whole head: what the mask cut away is in it, sides are right, faces aren't in it."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import minimum_filter

from allbrains.case import Case, Warp
from allbrains.records import Volume
from allbrains.run.letters import lettered
from allbrains.run.native_mosaic import ACROSS, MAX_BYTES, kept_head, native_mosaic

CENTRE_MM, RADII_MM = np.array([90.0, 115.0, 110.0]), np.array([68.0, 85.0, 62.0])


def head(spacing=(2.0, 2.0, 2.0), spot=None):
    """Return a head, RAS+ axes, and the mask of its brain, cut out of it; perhaps with a bright spot (mm)."""
    shape = [round(one / step) for one, step in zip((180, 230, 220), spacing, strict=True)]
    grids = np.meshgrid(*(np.arange(n) * s for n, s in zip(shape, spacing, strict=True)), indexing="ij")
    place = np.stack(grids, axis=-1)
    inside = (((place - CENTRE_MM) / RADII_MM) ** 2).sum(axis=-1) < 1
    scalp = (((place - CENTRE_MM) / (RADII_MM + 14)) ** 2).sum(axis=-1) < 1
    array = 400.0 * inside + 200.0 * (scalp & ~inside)
    if spot is not None:
        array[((place - np.asarray(spot)) ** 2).sum(axis=-1) < 6**2] = 900.0
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = [-91.0, -120.0, -105.0]
    box = tuple(slice(one.min() - 2, one.max() + 3) for one in np.nonzero(inside))
    cut = affine.copy()
    cut[:3, 3] += affine[:3, :3] @ [one.start for one in box]
    mask = Volume(array=inside[box], affine=cut)
    return Volume(array=array.astype(np.float32), affine=affine), mask


def pictures(volume, mask, warps=None, **images):
    case = Case(images={"mask": mask, **images}, warps=warps or {})
    found = native_mosaic(kept_head(volume), case)
    heads = np.asarray(Image.open(io.BytesIO(found.heads)).convert("L")).astype(int)
    lines = np.asarray(Image.open(io.BytesIO(found.lines)).convert("RGBA"))
    assert heads.shape == lines.shape[:2]
    assert len(found.heads) <= MAX_BYTES
    return heads, lines


def spots(heads):
    """Where a bright spot is: the brain is darker, and letters are thin."""
    return minimum_filter(heads, 5) > 240


def test_a_spot_outside_the_mask_is_in_the_picture_and_on_its_side():
    left_of_the_brain = np.add(CENTRE_MM, (-72, 0, 10))
    plain, _ = pictures(*head())
    shown, _ = pictures(*head(spot=left_of_the_brain))
    changed = np.argwhere(shown - plain > 60)
    assert len(changed)
    middle = plain.shape[1] / 2
    # in the slice in the middle of the coronal and axial rows: left of the picture's middle
    tile = plain.shape[1] / ACROSS / 2
    near = changed[np.abs(changed[:, 1] - middle) < tile]
    assert len(near)
    assert (near[:, 1] < middle).all()


def test_the_front_below_the_brain_is_not_shown_and_what_is_near_the_mask_is():
    nose, orbit = np.add(CENTRE_MM, (0, 88, -45)), np.add(CENTRE_MM, (0, RADII_MM[1] + 4, -3))
    plain, _ = pictures(*head())
    with_nose, _ = pictures(*head(spot=nose))
    assert (np.abs(with_nose - plain) > 60).sum() < 40  # nothing but the box of the head may have grown
    with_orbit, _ = pictures(*head(spot=orbit))
    assert (with_orbit - plain > 60).sum() > 40


@pytest.mark.parametrize("degrees", [-40, 40])
def test_the_face_of_a_head_that_looks_up_or_down_is_not_shown_either(degrees):
    angle = np.deg2rad(degrees)
    nod = np.eye(4)
    nod[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    nod[:3, 3] = np.add(CENTRE_MM, (-91.0, -120.0, -105.0))
    upright = {"affine": Warp(affine=nod, displacement=np.zeros((2, 2, 2, 3)), grid_affine=np.eye(4))}
    nose = CENTRE_MM + nod[:3, :3] @ (0, 100, -35)
    shown, _ = pictures(*head(spot=nose), warps=upright)
    assert not spots(shown).any()
    if degrees > 0:  # by the scan's own axes it lies above the middle of the brain
        before, _ = pictures(*head(spot=nose))
        assert spots(before).any()


def test_lines_follow_mask_and_white_matter_and_leave_the_rest_clear():
    volume, mask = head()
    white = Volume(array=np.zeros_like(mask.array, np.float32), affine=mask.affine)
    white.array[20:40, 30:50, 20:40] = 1.0
    _, lines = pictures(volume, mask, wm=white)
    colours = {tuple(one) for one in lines[lines[..., 3] > 0][:, :3]}
    assert colours == {(255, 190, 0), (60, 220, 255)}
    assert 0.002 < (lines[..., 3] > 0).mean() < 0.1
    _, alone = pictures(volume, mask)
    assert {tuple(one) for one in alone[alone[..., 3] > 0][:, :3]} == {(255, 190, 0)}


@pytest.mark.parametrize("spacing", [(1.0, 3.0, 2.0), (3.0, 1.5, 1.5)])
def test_voxels_of_any_shape_give_the_same_picture(spacing):
    one, _ = pictures(*head())
    other, _ = pictures(*head(spacing))
    height, width = (min(a, b) for a, b in zip(one.shape, other.shape, strict=True))
    assert np.abs(np.subtract(one.shape, other.shape)).max() <= 25
    assert abs(one[:height, :width].mean() - other[:height, :width].mean()) < 6


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_letters_stand_in_the_middle_of_their_edges(axis):
    plane = np.full((90, 80), 30, np.uint8)
    found = lettered(plane, axis, 2)
    assert (plane == 30).all()  # a copy
    at = np.argwhere(found == 235)
    left, right = at[at[:, 1] < 20], at[at[:, 1] > 60]
    assert abs(left[:, 0].mean() - 45) < 4
    assert abs(right[:, 0].mean() - 45) < 4
    assert (lettered(plane[:8, :8], axis, 2) == 30).all()  # no room, no letter
