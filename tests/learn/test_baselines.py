"""Baselines find what is hidden in the brains, and nothing where nothing is."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from allbrains.learn.experiment import learn
from allbrains.learn.settings import settings_for

TINY = """
pool = 1
widths = [8, 16, 16]
augment = 0.0
learning_rate = 6e-3
bootstrap = 100
threads = 1
"""


def run(task, out, folder, **changes):
    return learn(out, folder, settings_for(task, TINY, changes))


def figures(results):
    return {(one.model, one.metric): one for one in results.scores}


def test_age_is_found_on_unseen_sites(strangers, tmp_path):
    results = run("age", strangers, tmp_path, epochs=20)
    found = figures(results)
    error = "mean absolute error, years"
    # the scatter that age does not explain is 0.12 of 30 years, in two places
    assert found["linear", error].value < 4
    assert found["CNN", error].high < 0.5 * found["guess", error].value
    assert found["guess", error].value > 12
    assert found["CNN", error].low < found["CNN", error].value < found["CNN", error].high
    assert found["linear", error].high < found["guess", error].low
    sides = {side: sets for side, (_, _, sets) in results.counts.items()}
    assert sum(sides.values()) == 6  # no dataset is counted on two sides
    told = pq.read_table(tmp_path / "predictions.parquet").to_pydict()
    test = np.array(told["split"]) == "test"
    errors = np.abs(np.array(told["CNN"]) - np.array(told["truth"]))[test]
    assert errors.mean() == pytest.approx(found["CNN", error].value)
    card = (tmp_path / "card.md").read_text()
    assert f"{found['CNN', error].value:.3f}" in card
    assert "No dataset and no person is on two sides" in card
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == list(range(20))
    assert lines[-1]["loss"] < 0.3 * lines[0]["loss"]


def test_sex_is_found_and_by_more_than_head_size(strangers, tmp_path):
    found = figures(run("sex", strangers, tmp_path, epochs=8))
    matched = "balanced accuracy, matched by head size"
    for model in ("CNN", "linear"):
        assert found[model, "balanced accuracy"].value > 0.85
        assert found[model, matched].value > 0.85
    assert found["head size alone", "balanced accuracy"].value > 0.6
    assert found["head size alone", matched].value < 0.65  # chance, for the pairs were made so


@pytest.mark.parametrize("task", ["age", "sex"])
def test_shuffled_labels_give_chance(task, strangers, tmp_path):
    results = run(task, strangers, tmp_path, epochs=3, shuffle_labels=True)
    found = figures(results)
    for model in ("CNN", "linear"):
        if task == "age":
            assert found[model, "correlation"].low < 0 < found[model, "correlation"].high
        else:
            assert 0.3 < found[model, "area under curve"].value < 0.7
    assert "Control run" in (tmp_path / "card.md").read_text()
