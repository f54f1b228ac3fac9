"""Somebody on two sides: told, caught by `verify-splits`, and seen in the score."""

import pytest

from allbrains.cli.main import run as allbrains
from allbrains.learn.cohort import gather
from allbrains.learn.experiment import learn
from allbrains.learn.settings import settings_for
from allbrains.testing.cohorts import ToyCohort, write_cohort, write_leak

TINY = """
pool = 1
widths = [8, 16]
epochs = 1
bootstrap = 50
where = ""
threads = 1
"""
# 70 people of seven datasets with folds of their own; all ten of the first are in the last one, too
TWICE = ToyCohort(people=70, datasets=7, folds=0.15, twice=10)


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    return write_cohort(tmp_path_factory.mktemp("twice") / "out", TWICE)


@pytest.fixture(scope="module")
def leaky(tmp_path_factory):
    """Splits by dataset alone: the last dataset is tested on, of which ten people are in the first, too."""
    return write_leak(tmp_path_factory.mktemp("leaky") / "out", TWICE)


def test_our_own_sides_have_no_leak(twice):
    cohort = gather(twice, settings_for("age", TINY))
    assert cohort.on_several_sides() == 0
    assert len({*cohort.people}) == 70  # the brain tells that the ten are the same people


def test_verify_splits_names_the_people(leaky, capsys):
    assert allbrains(["verify-splits", str(leaky / "splits.parquet"), "--corpus", str(leaky)]) == 1
    assert "10 people on more than one side" in capsys.readouterr().err


def test_the_leak_is_told_and_flatters_the_score(leaky, twice, tmp_path):
    """Ages are other people's, so nothing can be learnt but who is who; only the leaky test rewards that."""
    flattered = learn(
        leaky, tmp_path / "a", settings_for("age", TINY, {"split": "stored", "shuffle_labels": True})
    )
    honest = learn(twice, tmp_path / "b", settings_for("age", TINY, {"shuffle_labels": True}))
    error = {
        name: next(one for one in found.scores if one.model == "linear" and "error, years" in one.metric)
        for name, found in (("leaky", flattered), ("honest", honest))
    }
    assert flattered.alarm
    assert flattered.notes[0].startswith("**Leak.** 10 people")
    assert not honest.alarm
    assert error["leaky"].value < 0.7 * error["honest"].value
