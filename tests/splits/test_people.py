"""Who belongs together: all that is linked, and nobody else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allbrains.splits.same_person import Link, accession, groups, keys_of

KEYS = st.lists(
    st.lists(st.tuples(st.sampled_from(Link), st.sampled_from("abcdefgh")), max_size=3), max_size=20
)


@given(KEYS)
def test_groups_part_the_scans_and_every_link_stays_inside_one(keys):
    found = groups(keys)
    assert sorted(place for group in found for place in group) == list(range(len(keys)))
    of = {place: number for number, group in enumerate(found) for place in group}
    for one, own in enumerate(keys):
        for other, others in enumerate(keys):
            if set(own) & set(others):
                assert of[one] == of[other]


@given(KEYS)
def test_who_shares_a_group_is_reached_link_by_link(keys):
    for group in groups(keys):
        reached, waiting = {group[0]}, [group[0]]
        while waiting:
            here = set(keys[waiting.pop()])
            more = [place for place in group if place not in reached and here & set(keys[place])]
            reached |= set(more)
            waiting += more
        assert reached == set(group)


def test_pairs_link_too():
    assert groups([[], [], [], []], [(0, 2), (2, 3)]) == [[0, 2, 3], [1]]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ds000011", "ds000011"),
        ("ds11", "ds000011"),
        ("DS000011_R2.0.1", "ds000011"),
        ("ds000011-fmriprep", "ds000011"),
        ("my study", "my study"),
        ("ds000110", "ds000110"),
    ],
)
def test_accessions_have_one_spelling(name, expected):
    assert accession(name) == expected


def test_what_a_row_shares():
    row = {"dataset": "ds11", "subject": "01", "digest": "md5:a"}
    assert keys_of(row) == [(Link.SUBJECT, "ds000011\0" + "01"), (Link.DIGEST, "md5:a")]
    assert (Link.DATASET, "ds000011") in keys_of(row, whole_datasets=True)
    assert keys_of({"dataset": "ds000011", "subject": "1"})[0] != keys_of(row)[0]  # 1 is not 01
    assert keys_of({"subject": "01", "digest": ""}) == []
