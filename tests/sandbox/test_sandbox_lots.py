"""Who meets a fault, how often, and what a switch may say."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allbrains.errors import ConfigurationError
from allbrains.sandbox.faults import table
from allbrains.sandbox.faults.fault_kinds import TIMES, Lasts
from allbrains.sandbox.faults.lot import Lot
from allbrains.sandbox.faults.registry import FAULTS
from allbrains.sandbox.faults.switches import Faults, parse

SUBJECTS = [f"graphql Files {number}" for number in range(2000)]
SHARES = st.floats(0, 1)


def drawn(**settings):
    lot = Lot("html-504", **settings)
    return {subject for subject in SUBJECTS if lot.draws(subject)}


@given(SHARES, SHARES, st.integers(0, 9))
def test_a_larger_share_hits_the_same_and_more(one, other, seed):
    small, large = sorted([one, other])
    assert drawn(share=small, seed=seed) <= drawn(share=large, seed=seed)


def test_a_share_is_a_share_and_a_seed_is_a_draw():
    assert drawn(share=0) == set()
    assert drawn(share=1) == set(SUBJECTS)
    assert 150 < len(drawn(share=0.1)) < 250
    assert drawn(share=0.1, seed=1) == drawn(share=0.1, seed=1) != drawn(share=0.1, seed=2)
    other = Lot("html-502", share=0.1)
    assert {subject for subject in SUBJECTS if other.draws(subject)} != drawn(share=0.1)


@given(st.lists(st.sampled_from(SUBJECTS[:5]), max_size=30), st.integers(0, 3))
def test_a_subject_is_hit_so_many_times_and_no_more(visits, times):
    lot = Lot("html-504", times=times)
    struck = [visit for visit in visits if lot.hit(visit)]
    for subject in set(visits):
        count = visits.count(subject)
        assert struck.count(subject) == (min(count, times) if times else count)
        assert lot.hits()[subject] == struck.count(subject)


@pytest.mark.parametrize(
    ("text", "share", "times"),
    [
        ("html-504", 1.0, TIMES),
        ("html-504:0.25", 0.25, TIMES),
        ("html-504:1:7", 1.0, 7),
        ("s3-403:0", 0.0, 0),
    ],
)
def test_a_switch_is_name_share_and_times(text, share, times):
    switch = parse(text)
    assert (switch.lot.share, switch.lot.times) == (share, times)


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["html-5o4"], "no fault is called 'html-5o4'; did you mean 'html-504'?"),
        (["xyzzy"], "no fault is called 'xyzzy'; there are: html-502, "),
        (["html-504:much"], "expected NAME[:SHARE[:TIMES]]"),
        (["html-504:1.5"], "with a share of 0 to 1"),
        (["html-504:nan"], "with a share of 0 to 1"),
        (["html-504:1:0"], "at least 1 time"),
        (["html-504:1:2:3"], "expected NAME[:SHARE[:TIMES]]"),
        (["s3-403:1:2"], "s3-403 stays, so it takes no number of times"),
        (["s3-403", "s3-403:0.5"], "switched on twice: s3-403"),
    ],
)
def test_what_means_nothing_is_a_sentence(texts, sentence):
    with pytest.raises(ConfigurationError) as error:
        Faults(texts)
    assert sentence in str(error.value)


def test_the_reference_is_the_registrys_table():
    page = Path(__file__).parents[2] / "docs/reference/sandbox-faults.md"
    assert page.read_text().endswith(f"\n\n{table()}")
    rows = table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == list(FAULTS)
    for row, fault in zip(rows, FAULTS.values(), strict=True):
        assert row.endswith("| yes |" if fault.lasts is Lasts.PASSES else "| no |")
