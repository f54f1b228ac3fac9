"""Odd ones first: worth a look, and not merely different."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from allbrains.report.oddness import oddness


def table(datasets, **columns):
    return pa.table({"dataset": datasets, **columns})


def first(found, count=1):
    """Return the rows to look at first."""
    return [int(one) for one in np.argsort(found.order.to_numpy(zero_copy_only=False))[:count]]


@settings(deadline=None)  # a busy machine is no fault
@given(st.floats(0.5, 20), st.floats(-100, 100))
def test_units_change_nothing(gain, shift):
    values = np.array([1.0, 2.0, 3.0, 4.5, 5.0, 30.0])
    done = np.ones(6, bool)
    one = oddness(pa.table({"a_ml": values}), done)
    other = oddness(pa.table({"a_ml": values * gain + shift}), done)
    np.testing.assert_allclose(one.score.to_numpy(), other.score.to_numpy(), rtol=1e-6)
    assert set(one.where.to_pylist()) == {"a_ml"}


def test_the_cleanest_scan_is_not_odd_and_the_noisiest_is():
    cjv = np.array([0.30, 0.31, 0.32, 0.33, 0.34, 0.10, 0.52])
    found = oddness(table(["a"] * 7, cjv=cjv), np.ones(7, bool))
    assert first(found) == [6]
    assert found.score[5].as_py() == 0.0  # twenty deviations in the good direction
    correlation = 1 - cjv
    assert first(oddness(table(["a"] * 7, template_correlation=correlation), np.ones(7, bool))) == [6]


def test_a_scanner_is_compared_with_itself():
    random = np.random.default_rng(0)
    noisy, quiet = random.normal(0.6, 0.02, 40), random.normal(0.3, 0.02, 40)
    quiet[7] = 0.5  # as good as nobody of the noisy scanner, and far from its own
    found = oddness(
        table(["noisy"] * 40 + ["quiet"] * 40, cjv=np.concatenate([noisy, quiet])), np.ones(80, bool)
    )
    assert first(found) == [47]
    assert found.why[47].as_py().startswith("cjv ")


def test_few_scans_have_the_corpus_behind_them():
    random = np.random.default_rng(1)
    many = random.normal(0.3, 0.02, 60)
    three = np.array([0.295, 0.300, 0.306])  # alike by chance: their own spread would make 0.306 odd
    found = oddness(table(["m"] * 60 + ["f"] * 3, cjv=np.concatenate([many, three])), np.ones(63, bool))
    assert found.score[62].as_py() < 0.5
    poor = np.array([0.6, 0.6, 0.6])  # all of a small dataset poor: the corpus knows it
    found = oddness(table(["m"] * 60 + ["f"] * 3, cjv=np.concatenate([many, poor])), np.ones(63, bool))
    assert set(first(found, 3)) == {60, 61, 62}


def test_several_numbers_join_and_one_fault_seen_by_ten_is_one():
    random = np.random.default_rng(2)
    n = 50
    columns = {name: random.normal(1, 0.1, n) for name in ("cjv", "template_correlation", "left_right_ratio")}
    columns |= {f"lobe{k}_ml": random.normal(50, 2, n) for k in range(10)}
    columns["brain_mask_ml"] = random.normal(1300, 1, n)
    for name, sign in (("cjv", 1), ("template_correlation", -1), ("left_right_ratio", 1)):
        columns[name][3] = 1 + sign * 0.45  # a little odd in three ways
    for k in range(10):
        columns[f"lobe{k}_ml"][8] = 50 + 11  # odder in one way that ten numbers see
    found = oddness(table(["a"] * n, **columns), np.ones(n, bool))
    assert first(found, 2) == [3, 8]
    assert len(found.why[3].as_py().split(", ")) == 3


def test_a_large_head_is_not_odd_in_each_of_its_volumes():
    random = np.random.default_rng(3)
    brain = random.normal(1300, 60, 40)
    brain[5] = 1600
    columns = {f"lobe{k}_ml": brain * 0.05 * random.normal(1, 0.02, 40) for k in range(8)}
    found = oddness(table(["a"] * 40, brain_mask_ml=brain, **columns), np.ones(40, bool))
    assert "lobe" not in found.why[5].as_py() or "brain_mask_ml" in found.why[5].as_py().split(", ")[0]


def test_the_probability_of_rejection_goes_before_numbers_and_limits_before_both():
    cjv = np.array([0.30, 0.31, 0.32, 0.33, 0.34, 0.60, 0.33, 0.32])
    probable = [0.1, 0.1, 0.8, 0.1, 0.12, 0.2, None, 0.1]
    looks = np.array([0, 1, 0, 0, 0, 0, 0, 0], bool)
    done = np.array([1, 1, 1, 1, 1, 1, 1, 0], bool)
    found = oddness(table(["a"] * 8, cjv=cjv, reject_probability=probable), done, looks)
    assert first(found, 3) == [1, 2, 5]
    assert found.order.to_pylist()[7] is None  # what isn't done has no place
    assert sorted(found.order.to_pylist()[:7]) == list(range(7))
