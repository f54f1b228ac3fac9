"""The surface is closed and true to size; the face goes and the brain stays."""

from __future__ import annotations

import numpy as np
import pytest

from allbrains.case import Warp
from allbrains.own.deface import MARGIN_MM, defaced, face
from allbrains.own.mesh import stl, surface
from allbrains.records import Volume
from allbrains.space.grid import Grid, affine_points
from allbrains.space.template import output_grid, template

NOTHING = np.zeros((2, 2, 2, 3), np.float32)


def warp(scale=1.0, shift=(0.0, 0.0, 0.0)):
    affine = np.diag([scale, scale, scale, 1.0])
    affine[:3, 3] = shift
    return Warp(affine=affine, displacement=NOTHING, grid_affine=output_grid(2.0).affine)


def ball(radius=40.0, hole=15.0):
    """A ball with a cavity, a crumb beside it, on the template's grid."""
    grid = output_grid(2.0)
    far = np.linalg.norm(grid.points() - (0, -20, 0), axis=-1)
    inside = np.clip((radius - far) / 2 + 0.5, 0, 1) * (far > hole)
    inside[5:8, 5:8, 5:8] = 1.0
    return Volume(array=inside, affine=grid.affine)


def edges_of(mesh):
    pairs = np.concatenate([mesh.faces[:, [0, 1]], mesh.faces[:, [1, 2]], mesh.faces[:, [2, 0]]])
    return np.unique(np.sort(pairs, axis=1), axis=0, return_counts=True)[1]


@pytest.mark.parametrize("scale", [1.0, 1.2])
def test_a_ball_is_closed_solid_in_one_piece_and_has_its_volume(scale):
    mesh = surface(ball(), warp(scale))
    assert (edges_of(mesh) == 2).all()
    assert mesh.volume_ml == pytest.approx(4 / 3 * np.pi * (4.0 * scale) ** 3, rel=0.02)
    assert len(mesh.vertices) - len(mesh.faces) / 2 == 2  # Euler: one ball without a hole, no crumb


def test_the_surface_lies_where_the_scan_does():
    mesh = surface(ball(), warp(1.1, (3.0, -7.0, 11.0)))
    middle = (mesh.vertices.max(axis=0) + mesh.vertices.min(axis=0)) / 2
    np.testing.assert_allclose(middle, [3.0, -29.0, 11.0], atol=0.7)


def test_a_coarser_surface_has_fewer_triangles_and_nearly_the_volume():
    fine, coarse = surface(ball(), warp()), surface(ball(), warp(), spacing_mm=4.0)
    assert len(coarse.faces) < 0.4 * len(fine.faces)
    assert coarse.volume_ml == pytest.approx(fine.volume_ml, rel=0.06)


def test_stl_holds_each_triangle_with_its_outward_normal():
    mesh = surface(ball(), warp())
    data = stl(mesh)
    assert len(data) == 84 + 50 * len(mesh.faces)
    kind = [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("extra", "<u2")]
    records = np.frombuffer(data[84:], dtype=kind)
    centre = mesh.vertices.mean(axis=0)
    outward = np.einsum("ij,ij->i", records["normal"], records["corners"].mean(axis=1) - centre)
    assert (outward > 0).mean() > 0.99
    np.testing.assert_allclose(np.linalg.norm(records["normal"], axis=1), 1, atol=1e-3)
    assert stl(mesh) == data


@pytest.fixture(scope="module")
def head():
    """A full block around the template, in another orientation and size than the template's."""
    affine = np.array([[0.0, 0, 2.2, -90], [-2.0, 0, 0, 95], [0, 2.1, 0, -130], [0, 0, 0, 1]])
    return Volume(array=np.full((108, 112, 84), 100, np.int16), affine=affine)


def test_the_face_goes_and_the_brain_with_its_margin_stays(head):
    mask = Volume(array=template(2.0).mask.astype(np.float32), affine=template(2.0).affine)
    turn = warp(0.95, (4.0, -3.0, 5.0))
    gone = face(head, mask, turn)
    inverse = np.linalg.inv(turn.affine)
    points = affine_points(inverse @ head.affine, head.array.shape)
    grid = Grid(shape=mask.array.shape, affine=mask.affine)
    brain = grid.points()[mask.array > 0.5]
    for place in brain[:: max(1, len(brain) // 40)]:
        near = np.linalg.norm(points - place, axis=-1) < MARGIN_MM - 3.0
        assert not gone[near].any()
    # template mm: eyes, tip of the nose, mouth, chin; and what must stay: vertex, back of the head
    for place in ((33, 68, -38), (-33, 68, -38), (0, 105, -45), (0, 90, -80), (0, 75, -110)):
        assert gone[np.linalg.norm(points - place, axis=-1) < 4].all(), place
    for place in ((0, -10, 90), (0, -110, 0), (0, -95, -60), (0, 80, 50)):
        assert not gone[np.linalg.norm(points - place, axis=-1) < 4].any(), place


def test_defacing_changes_nothing_else(head):
    mask = Volume(array=template(2.0).mask.astype(np.float32), affine=template(2.0).affine)
    out = defaced(head, mask, warp())
    gone = face(head, mask, warp())
    assert (out.array[gone] == 0).all()
    assert (out.array[~gone] == 100).all()
    assert out.array.dtype == head.array.dtype
    assert (head.array == 100).all()
