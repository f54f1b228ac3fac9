"""Sides: everybody one, balanced, and for good."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allbrains.errors import ConfigurationError
from allbrains.splits.assign import LEFT_OUT, SIDES, Group, SplitChoice, assign, strata_of


def person(number, scans=1):
    rows = [{"dataset": f"ds{number % 3}", "sex": "mf"[number % 2], "age_years": 20.0 + number % 40}] * scans
    return Group(members=tuple(f"{number}-{n}" for n in range(scans)), strata=strata_of(rows))


PEOPLE = st.lists(
    st.tuples(st.integers(0, 500), st.integers(1, 4)), max_size=60, unique_by=lambda one: one[0]
)


@given(PEOPLE, st.integers(0, 9))
def test_every_scan_has_one_side_and_every_person_too(people, seed):
    found = [person(*one) for one in people]
    sides = assign(found, {}, SplitChoice(seed=seed))
    assert set(sides) == {scan for group in found for scan in group.members}
    for group in found:
        assert len({sides[scan] for scan in group.members}) == 1
    assert set(sides.values()) <= set(SIDES)


@given(PEOPLE, st.integers(0, 60), st.integers(0, 3))
def test_nobody_changes_sides_when_the_corpus_grows(people, first, more):
    before = assign([person(*one) for one in people[:first]], {}, SplitChoice())
    grown = [person(number, scans + more) for number, scans in people]
    after = assign(grown, before, SplitChoice())
    assert before.items() <= after.items()
    for group in grown:
        assert len({after[scan] for scan in group.members}) == 1


def test_the_order_of_the_rows_does_not_matter_and_the_seed_does():
    found = [person(number) for number in range(60)]
    assert assign(found, {}, SplitChoice()) == assign(found[::-1], {}, SplitChoice())
    assert assign(found, {}, SplitChoice()) != assign(found, {}, SplitChoice(seed=1))


@pytest.mark.parametrize("shares", [(0.8, 0.1, 0.1), (0.6, 0.2, 0.2), (0.5, 0.0, 0.5)])
def test_shares_are_kept_over_all_and_in_each_stratum(shares):
    found = [person(number, 1 + number % 2) for number in range(600)]
    sides = assign(found, {}, SplitChoice(shares=shares))
    scans = [(sides[scan], group) for group in found for scan in group.members]
    for stratum in ("all", "dataset=ds0", "dataset=ds2", "sex=m", "sex=f", "age=20s", "age=50s"):
        own = Counter(side for side, group in scans if stratum in group.strata)
        for side, share in zip(SIDES, shares, strict=True):
            assert own[side] / own.total() == pytest.approx(share, abs=0.04), (stratum, side)


def test_few_scans_have_all_sides_and_small_datasets_do_not_all_go_to_the_largest_one():
    def sides_of(datasets):
        groups = [
            Group(members=(f"{ds}-{n}",), strata=("all", f"dataset={ds}"))
            for ds in range(datasets)
            for n in range(10)
        ]
        sides = assign(groups, {}, SplitChoice())
        return Counter(sides.values()), Counter(scan[0] for scan, side in sides.items() if side != "train")

    assert sides_of(1)[0] == {"train": 8, "validation": 1, "test": 1}
    total, held_out = sides_of(10)
    assert total == {"train": 80, "validation": 10, "test": 10}
    assert max(held_out.values()) <= 3  # of 2 that are due in each dataset


def test_two_people_that_turn_out_to_be_one_do_not_leak():
    before = {"a": "train", "b": "train", "c": "test", "d": "validation"}
    one = Group(members=("a", "b", "c", "new"), strata=("all",) * 4)
    sides = assign([one, Group(members=("d",), strata=("all",))], before, SplitChoice())
    assert sides == {"a": "train", "b": "train", "c": LEFT_OUT, "new": "train", "d": "validation"}
    again = assign([one, Group(members=("d",), strata=("all",))], sides, SplitChoice())
    assert again == sides  # who was left out stays out


def test_what_was_trained_on_wins_a_draw():
    one = Group(members=("a", "b"), strata=("all",) * 2)
    assert assign([one], {"a": "test", "b": "train"}, SplitChoice()) == {"a": LEFT_OUT, "b": "train"}


def test_a_groups_name_says_nothing_of_its_members():
    assert person(1).name != person(2).name
    assert len(person(1).name) == 16
    assert "1-0" not in person(1).name


@pytest.mark.parametrize("shares", [(0.8, 0.1, 0.2), (1.2, -0.1, -0.1)])
def test_shares_that_are_none(shares):
    with pytest.raises(ConfigurationError, match="sum to 1"):
        SplitChoice(shares=shares)


def test_strata():
    assert strata_of([{"dataset": "ds1", "sex": None, "age_years": None}]) == (
        "all", "dataset=ds1", "sex=None", "age=unknown",
    )  # fmt: skip
