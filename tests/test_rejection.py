"""The probability of rejection: rises with the spread, knows its dataset, doubts more of a scan alone."""

import numpy as np
import pyarrow as pa
import pytest

from allbrains.limits import LIMITS, judged, moved
from allbrains.rejection import FEWEST, above_best, model, rejection, with_rejection

SPREADS = np.linspace(0.03, 0.12, 40)


def names(count: int, dataset: str = "a") -> np.ndarray:
    return np.array([dataset] * count)


def samples(spread: np.ndarray, datasets: list[str]) -> pa.Table:
    columns = {
        "dataset": datasets,
        "summary_wm_mad": 1000 * spread,
        "summary_wm_median": [1000.0] * len(spread),
    }
    return pa.table(columns)


def test_more_spread_is_never_less_likely_rejected():
    alone = rejection(SPREADS, np.arange(40).astype(str), model())
    among = rejection(SPREADS, names(40), model())
    for told in (alone, among):
        assert (np.diff(told.probability) > 0).all()
        assert ((told.low < told.probability) & (told.probability < told.high)).all()
    assert (np.diff(alone.centile) >= 0).all()


def test_a_still_and_a_moved_scan_of_mrart_are_told_apart():
    # medians of the accepted and of the rejected there, in a dataset of both
    told = rejection(np.repeat([0.038, 0.062], 30), names(60), model())
    assert told.probability[0] < 0.1
    assert told.probability[-1] > LIMITS["reject_probability"][1]


def test_the_dataset_says_how_noisy_its_scanner_is():
    noisy_site = rejection(np.full(30, 0.058), names(30), model())
    outlier = rejection(np.append(np.full(30, 0.035), 0.058), names(31), model())
    assert outlier.probability[-1] > 3 * noisy_site.probability[-1]


def test_few_scans_are_judged_alone_and_with_more_doubt():
    few, many = (rejection(np.full(n, 0.05), names(n), model()) for n in (FEWEST - 1, FEWEST))
    alone = rejection(np.array([0.05]), names(1), model())
    assert few.probability[0] == alone.probability[0]
    assert np.isnan(few.above_best).all()
    assert np.isfinite(many.above_best).all()
    logit = [np.log(told.high / (1 - told.high)) - np.log(told.low / (1 - told.low)) for told in (few, many)]
    assert logit[0][0] > logit[1][0]


def test_datasets_do_not_touch_each_other():
    x, both = np.log(SPREADS[:30]), np.array(["a", "b"] * 15)
    assert np.isnan(above_best(x, both)).all()  # 15 each
    one = above_best(np.log(SPREADS), names(40))
    two = above_best(np.concatenate([np.log(SPREADS), np.zeros(40)]), np.append(names(40), names(40, "b")))
    assert np.array_equal(one, two[:40])


def test_what_was_not_measured_has_no_probability_and_fails():
    table = judged(samples(np.array([0.04, np.nan, 0.0]), ["a", "a", "b"]))
    rows = table.to_pylist()
    assert rows[0]["qc_pass"]
    assert "accepted" in rows[0]["reject_reasons"]
    assert [row["qc_reasons"] for row in rows[1:]] == ["reject_probability"] * 2
    assert [row["reject_reasons"] for row in rows[1:]] == ["", ""]


def test_the_limit_moves_and_older_corpora_open():
    table = samples(np.array([0.03, 0.1]), ["a", "b"])
    assert judged(table)["qc_pass"].to_pylist() == [True, False]
    assert judged(table, moved({"reject_probability": (0, 1)}))["qc_pass"].to_pylist() == [True, True]
    old = pa.table({"dataset": ["a"], "cjv": [0.4]})
    assert with_rejection(old) is old
    assert judged(old)["qc_pass"].to_pylist() == [True]


@pytest.mark.parametrize("name", ["reject_probability", "reject_reasons"])
def test_the_columns_describe_themselves(name):
    assert judged(samples(SPREADS, ["a"] * 40)).field(name).metadata[b"description"]
