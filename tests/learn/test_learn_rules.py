"""Settings, scores and pairs of a head size, each by its law."""

import numpy as np
import pytest
import torch

from allbrains.cli.main import run as allbrains
from allbrains.errors import ConfigurationError
from allbrains.learn.augment import augmented, seeds_for
from allbrains.learn.cohort import shuffled
from allbrains.learn.head_size import CALIPER, matched
from allbrains.learn.scores import area_under_curve, balanced_accuracy, scored
from allbrains.learn.settings import LearnSettings, settings_for
from allbrains.learn.training import height


@pytest.mark.parametrize("task", ["age", "sex", "contrastive"])
def test_settings_survive_a_file(task):
    settings = settings_for(task, changes={"seed": 3, "shares": (0.5, 0.25, 0.25)})
    assert settings_for(task, settings.to_toml()) == settings


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("epoch = 3", "did you mean 'epochs'"),
        ("epochs = 'many'", "epochs"),
        ("epochs = -1", "epochs"),
        ("task = 'sex'", "'sex'"),
        ("epochs =", "TOML"),
        ("maps = []", "at least one"),
        ("split = 'people'", "split"),
    ],
)
def test_a_wrong_setting_is_named(toml, said):
    with pytest.raises(ConfigurationError, match=said):
        settings_for("age", toml)


def test_only_what_is_learnt_is_in_the_fingerprint():
    plain = LearnSettings(task="age")
    assert LearnSettings(task="age", threads=3, device="cpu").fingerprint == plain.fingerprint
    assert LearnSettings(task="age", seed=1).fingerprint != plain.fingerprint


@pytest.mark.parametrize(("task", "samples"), [("age", 90), ("age", 3), ("age", 50_000), ("contrastive", 40)])
def test_there_are_enough_steps_unless_epochs_are_set(task, samples):
    settings = settings_for(task).enough(samples)
    views = 2 if task == "contrastive" else 1
    assert settings.epochs >= 20
    assert settings.epochs * -(-samples * views // settings.batch) >= 400
    assert settings.enough(samples) == settings
    assert settings_for(task, "epochs = 2").enough(samples).epochs == 2


def test_the_rate_rises_and_falls():
    heights = [height(step, 100) for step in range(100)]
    top = heights.index(max(heights))
    assert heights[: top + 1] == sorted(heights[: top + 1])
    assert heights[top:] == sorted(heights[top:], reverse=True)
    assert heights[-1] < 0.01
    assert max(heights) == 1


def test_a_change_depends_on_scan_and_epoch_alone():
    images = torch.rand(3, 1, 8, 8, 8, generator=torch.Generator().manual_seed(0))
    seeds = seeds_for(["a", "b", "c"], 0, 5)
    forth = augmented(images, seeds, 1.0)
    back = augmented(images.flip(0), seeds[::-1], 1.0).flip(0)
    assert torch.equal(forth, back)
    assert not torch.equal(forth, images)
    assert torch.equal(augmented(images, seeds, 0.0), images)
    assert len({*seeds_for(["a", "a"], 0, 5), *seeds_for(["a"], 0, 6)}) == 3  # two views, another epoch


def test_shuffling_keeps_people_whole_and_all_labels():
    people = np.array(list("aabbbcd"))
    target = np.array([1.0, 1, 2, 2, 2, 3, 4])
    found = shuffled(target, people, 0)
    assert len({*zip(people, found, strict=True)}) == 4
    assert sorted(dict(zip(people, found, strict=True)).values()) == [1, 2, 3, 4]


def test_area_under_curve_is_the_chance_of_the_right_order():
    random = np.random.default_rng(0)
    truth, found = random.integers(0, 2, 40).astype(float), random.integers(0, 9, 40) / 8
    ones, zeros = found[truth == 1], found[truth == 0]
    pairs = [(one > zero) + 0.5 * (one == zero) for one in ones for zero in zeros]
    assert area_under_curve(truth, found) == pytest.approx(np.mean(pairs))


def test_balanced_accuracy_of_always_the_same_is_chance():
    assert balanced_accuracy(np.array([0.0, 0, 0, 1]), np.array([0.2, 0.1, 0.3, 0.4])) == 0.5


def test_an_interval_is_over_people_not_scans():
    """The same person's scan a hundred times tells no more than once."""
    random = np.random.default_rng(0)
    errors = random.normal(5, 2, 20)
    once = scored("m", "e", lambda at: errors[at].mean(), np.arange(20).astype(str), draws=400, seed=0)
    often = np.repeat(errors, 100)
    many = scored(
        "m", "e", lambda at: often[at].mean(), np.repeat(np.arange(20), 100).astype(str), draws=400, seed=0
    )
    assert many.people == 20
    assert (many.low, many.high) == pytest.approx((once.low, once.high))
    assert once.low < once.value < once.high


def test_matched_pairs_are_of_a_size():
    random = np.random.default_rng(1)
    male = random.integers(0, 2, 200).astype(float)
    sizes = 1450 + 120 * male + random.normal(0, 80, 200)
    sizes[:5] = np.nan
    people = np.arange(200).astype(str)
    people[150] = people[10]
    pairs = matched(sizes, male, people)
    assert len({*people[pairs]}) == len(pairs) > 60
    women, men = (np.sort(sizes[pairs[male[pairs] == one]]) for one in (0, 1))
    assert len(women) == len(men)
    assert np.abs(women - men).max() <= CALIPER * np.nanstd(sizes) * 1.05
    assert abs(women.mean() - men.mean()) < 15


def test_the_dry_run_prints_settings_and_trains_nothing(strangers, capsys):
    assert allbrains(["learn", "age", str(strangers), "--dry-run", "--seed", "4", "--pool", "1"]) == 0
    said = capsys.readouterr()
    assert settings_for("age", said.out).seed == 4
    assert "test:" in said.err
    assert not (strangers / "learn").exists()


def test_too_few_datasets_are_told(visitors, capsys):
    assert allbrains(["learn", "age", str(visitors), "--where", "dataset = 'ds000001'"]) == 2
    assert "--split persons" in capsys.readouterr().err
