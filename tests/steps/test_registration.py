"""Laws of the two ways to find the non-linear rest: near the truth, without folds, the same twice."""

import tempfile

import numpy as np
import pytest

from allbrains.case import Case, Warp
from allbrains.recipe import Step
from allbrains.records import Array, Volume
from allbrains.space.grid import Grid, jacobian, through
from allbrains.space.template import template
from allbrains.steps.greedy import GreedyToTemplate
from allbrains.steps.register import AffineToTemplate
from allbrains.steps.syn import SynToTemplate
from allbrains.testing.phantoms import Acquisition, phantom

GREEDY = GreedyToTemplate(iterations=(40, 20, 2))
SYN = SynToTemplate(iterations=(30, 10, 0))


@pytest.fixture(scope="module")
def seen() -> tuple[Case, Warp]:
    """A stripped phantom after its affine registration, and the true warp from template to it."""
    made = phantom(9, Acquisition(spacing=(2.0, 2.0, 2.0), noise=0.02, oblique_deg=8.0))
    mask = made.brain_mask.array > 0
    brain = Volume(array=np.where(mask, made.t1w.array, 0), affine=made.t1w.affine)
    images = {"t1w": brain, "mask": Volume(array=mask, affine=brain.affine)}
    return AffineToTemplate()(Case(images=images)), made.warp


def away(warp: Warp, truth: Warp) -> Array:
    """Return how far the warp takes the template's brain from where the truth takes it, mm."""
    fixed = template(2.0)
    points = Grid(shape=fixed.mask.shape, affine=fixed.affine).points()[fixed.mask]
    distance: Array = np.linalg.norm(through(warp, points) - through(truth, points), axis=-1)
    return distance


@pytest.mark.parametrize(("step", "share"), [(GREEDY, 0.3), (SYN, 0.9)])
def test_it_comes_nearer_to_the_truth_than_the_affine_and_folds_nothing(seen, step: Step, share):
    case, truth = seen
    out = step(case)
    warp = out.warps["warp"]
    before, after = away(case.warps["affine"], truth), away(warp, truth)
    assert after.mean() < share * before.mean()
    assert jacobian(warp)[template(2.0).mask].min() > 0
    assert out.numbers["template_correlation"] > case.numbers["template_correlation_affine"] + 0.1
    np.testing.assert_array_equal(warp.affine, case.warps["affine"].affine)
    assert "t1w_coarse" not in out.images


def test_greedy_gives_the_same_bytes_says_nothing_and_works_in_a_folder_with_a_space(
    seen, tmp_path, monkeypatch, capfd
):
    case, _ = seen
    quick = GreedyToTemplate(iterations=(5, 2, 1))
    first = quick(case).warps["warp"].displacement
    spaced = tmp_path / "my scratch"
    spaced.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(spaced))
    second = quick(case).warps["warp"].displacement
    assert first.tobytes() == second.tobytes()
    assert first.any()
    assert capfd.readouterr() == ("", "")
    assert list(spaced.iterdir()) == []
