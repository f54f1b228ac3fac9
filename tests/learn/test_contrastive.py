"""The embedding knows a person again, and the alarm rings where it knows the site."""

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from allbrains.learn.embedding import readable_datasets, retrieval
from allbrains.learn.experiment import learn
from allbrains.learn.feed import pairs
from allbrains.learn.objectives import Contrastive
from allbrains.learn.settings import settings_for
from allbrains.load.order import Share

TINY = """
pool = 1
maps = ["gm"]
widths = [16, 32, 64]
batch = 24
split = "persons"
augment = 0.2
learning_rate = 4e-3
bootstrap = 100
threads = 1
"""


def test_the_same_person_is_found_across_sessions(visitors, tmp_path):
    results = learn(visitors, tmp_path, settings_for("contrastive", TINY, {"epochs": 14}))
    same = next(one for one in results.scores if "same person" in one.metric)
    assert same.value > 0.5  # chance is one in twenty
    assert not results.alarm
    table = pq.read_table(tmp_path / "embedding.parquet")
    vectors = np.array(table["embedding"].to_pylist())
    assert vectors.shape == (96, 64)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_the_alarm_rings_where_sites_leave_a_trace(sites, tmp_path):
    results = learn(sites, tmp_path, settings_for("contrastive", TINY, {"epochs": 4}))
    assert results.alarm
    assert results.notes[0].startswith("**Leak alarm.**")
    assert "**Leak alarm.**" in (tmp_path / "card.md").read_text()


def test_the_alarm_can_ring_for_two_datasets():
    random = np.random.default_rng(0)
    datasets = np.repeat(["a", "b"], 30)
    vectors = np.c_[np.where(datasets == "a", 1.0, -1.0), random.normal(0, 1, (60, 3))]
    ages = random.normal(40, 10, (60, 1))
    alarm = readable_datasets(vectors, ages, datasets, np.arange(60).astype(str), draws=100, seed=0)
    assert alarm.chance == 0.5
    assert alarm.rings


def test_the_alarm_is_silent_where_only_ages_differ():
    """Datasets of other ages can be told by age; an embedding that is age has not read the site."""
    random = np.random.default_rng(0)
    datasets = np.repeat(["a", "b"], 60)
    age = np.where(datasets == "a", 30.0, 60.0) + random.normal(0, 8, 120)
    people = np.arange(120).astype(str)
    alarm = readable_datasets(
        np.c_[age, random.normal(0, 1, (120, 3))], age[:, None], datasets, people, draws=200, seed=0
    )
    assert alarm.embedding.value > 0.9
    assert not alarm.rings


def test_the_nearest_of_the_own_session_does_not_count():
    vectors = np.array(
        [[1, 0], [1, 0], [0.8, 0.6], [0, 1.0]]
    )  # two runs of a session, another session, a stranger
    found = retrieval(vectors, np.array(list("aaab")), np.array(["1", "1", "2", "1"]))
    assert found.places.tolist() == [0, 1, 2]
    assert found.hits.tolist() == [1, 1, 1]
    assert found.chance == pytest.approx((1 / 2 + 1 / 2 + 2 / 3) / 3)


def test_pairs_are_of_one_person_and_every_person_comes_once():
    people = list("aabcccdef")
    for epoch in range(5):
        rows = pairs(people, seed=3, epoch=epoch, share=Share())
        first, second = rows[::2], rows[1::2]
        assert [people[at] for at in first] == [people[at] for at in second]
        assert sorted(people[at] for at in first) == list("abcdef")
        assert all(one != other for one, other in zip(first, second, strict=True) if people[one] in "ac")
    halves = [pairs(people, seed=3, epoch=1, share=Share(rank=rank, world=2)) for rank in (0, 1)]
    assert sorted(np.concatenate(halves)) == sorted(pairs(people, seed=3, epoch=1, share=Share()))


def test_the_loss_is_what_the_paper_says():
    """InfoNCE of a pair is the cross-entropy of its likeness among all others."""
    outputs = torch.nn.functional.normalize(
        torch.randn(4, 8, generator=torch.Generator().manual_seed(0)), dim=1
    )
    loss = Contrastive(temperature=0.5)(outputs, np.full(4, np.nan), np.array(list("aabb")))
    logits = (outputs @ outputs.T / 0.5).numpy().astype(float)
    expected = []
    for one, other in ((0, 1), (1, 0), (2, 3), (3, 2)):
        others = [at for at in range(4) if at != one]
        expected.append(-logits[one, other] + np.log(np.exp(logits[one, others]).sum()))
    assert float(loss) == pytest.approx(np.mean(expected), rel=1e-5)


def test_y_aware_weights_fall_with_the_gap_in_age():
    told = Contrastive(temperature=1, y_sigma_years=5)
    ages = np.array([30.0, 30.0, 35.0, np.nan])
    weights = told.weights(ages, np.array(list("aabc")))
    assert weights[0, 1] == 1
    assert weights[0, 2] == pytest.approx(np.exp(-0.5))
    assert weights[3].tolist() == [0, 0, 0, 0]
    assert np.diag(weights).tolist() == [0] * 4


def test_a_person_without_anyone_alike_adds_nothing():
    lone = Contrastive(temperature=1)(torch.randn(3, 4), np.full(3, np.nan), np.array(list("aab")))
    assert torch.isfinite(lone)
