"""Tiny cohorts, written once; one thread, for more only wait for each other on images this small."""

import pytest
import torch

from allbrains.testing.cohorts import ToyCohort, write_cohort


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def strangers(tmp_path_factory):
    """150 people of six datasets, a scan each."""
    return write_cohort(tmp_path_factory.mktemp("strangers") / "out", ToyCohort(people=150))


@pytest.fixture(scope="session")
def visitors(tmp_path_factory):
    """48 people of four datasets, two sessions each, no trace of the site."""
    cohort = ToyCohort(people=48, datasets=4, visits=2, folds=0.15)
    return write_cohort(tmp_path_factory.mktemp("visitors") / "out", cohort)


@pytest.fixture(scope="session")
def sites(tmp_path_factory):
    """The same with strong traces."""
    cohort = ToyCohort(people=48, datasets=4, visits=2, folds=0.15, site=3.0)
    return write_cohort(tmp_path_factory.mktemp("sites") / "out", cohort)
