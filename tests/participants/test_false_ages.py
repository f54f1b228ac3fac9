"""No false age: units by all evidence, stand-ins for "unknown", row numbers, one odd cell."""

import json
import random

import pytest

from allbrains.participants import Harmonised, harmonise


def read(
    header: str,
    *rows: str,
    name: str = "",
    readme: str = "",
    stated: tuple[float, ...] = (),
    **definition: object,
) -> Harmonised:
    """Return a table whose age column has this definition, read."""
    lines = "\n".join((header, *rows)).replace("|", "\t")
    files = {
        "participants.tsv": lines.encode(),
        "participants.json": json.dumps({"age": definition}).encode(),
        "dataset_description.json": json.dumps({"Name": name}).encode(),
    }
    if readme:
        files["README.md"] = readme.encode()
    return harmonise("ds", files, stated_ages=stated)


def ages(found: Harmonised) -> list[float | None]:
    return [row.age_years for row in found.rows]


def rules(found: Harmonised) -> set[str]:
    return {note.rule for note in found.notes}


def column(*values: object, **more: object) -> Harmonised:
    return read("participant_id|age", *(f"sub-{chr(97 + i)}|{v}" for i, v in enumerate(values)), **more)  # type: ignore[arg-type]


# ages in months of six children at three visits each, as in a study of preschoolers
VISITS = [(i, visit, 7 + i % 3 + month) for i in range(6) for visit, month in ((1, 0), (2, 11), (3, 60))]
MONTHS = [f"sub-{i}|ses-{visit}|{value}.4" for i, visit, value in VISITS]


@pytest.mark.parametrize("definition", [{}, {"Units": "years"}])
def test_people_who_would_age_decades_between_sessions_have_no_ages(definition):
    found = read("participant_id|session_id|age", *MONTHS, **definition)
    assert set(ages(found)) == {None}
    assert rules(found) == {"unit.span"}


def test_months_are_taken_where_a_readme_speaks_of_them_and_years_cannot_be():
    found = read("participant_id|session_id|age", *MONTHS, readme="Children's age is given in months.")
    assert ages(found)[2] == pytest.approx(67.4 / 12)
    receipt = found.rows[0].receipts["age_years"]
    assert (receipt.unit_inferred, receipt.rule) == ("months", "age.number+unit.evidence")
    adults = column(25, 31, 44, readme="Scans were done at the age of 31, 6 months later again.")
    assert ages(adults) == [25.0, 31.0, 44.0]


def test_sessions_in_columns_are_one_person_too():
    rows = [f"sub-{i}|{8 + i}|{70 + i}" for i in range(6)]
    assert set(ages(read("participant_id|age_ses-1|age_ses-2", *rows))) == {None}


def test_one_person_who_ages_decades_is_refused_alone():
    rows = [f"sub-{i}|ses-{visit}|{20 + i + visit}" for i in range(9) for visit in (1, 2)]
    found = read("participant_id|session_id|age", *rows, "sub-x|ses-1|25", "sub-x|ses-2|62")
    assert ages(found) == [*(float(20 + i + visit) for i in range(9) for visit in (1, 2)), None, None]


def test_numbers_beyond_a_lifetime_are_slips_only_where_they_lie_apart():
    ordinary = [21, 34, 28, 45, 39, 52, 61, 30, 27, 33]
    assert ages(column(*ordinary, 340))[-2:] == [33.0, None]
    assert set(ages(column(*ordinary, 118, 119, 121, 123, 124))) == {None}
    assert set(ages(column(*ordinary, 240, 251, 262, 273))) == {None}
    assert ages(column(*ordinary, 888, 888, 888))[-4:] == [33.0, None, None, None]


def test_the_sites_ages_are_a_witness():
    values = (96, 101, 88, 110, 93)
    found = column(*values, stated=(7.0, 8.0, 9.0, 10.0))
    assert ages(found) == pytest.approx([value / 12 for value in values])
    assert set(ages(column(*values, stated=(30.0, 40.0), Units="years"))) == {None}
    # the same numbers again are no second witness
    assert ages(column(25, 31, 40, stated=(25.0, 31.0, 40.0))) == [25.0, 31.0, 40.0]
    assert ages(column(96, 108, Units="months", stated=(96.0, 108.0))) == [8.0, 9.0]


def test_children_and_their_weight_speak_against_years():
    assert set(ages(column(61, 75, 68, 90, name="Numeracy of preschool children"))) == {None}
    assert ages(column(61, 75, 68, 90, name="Memory of adults with children")) == [61.0, 75.0, 68.0, 90.0]
    for school in ("preschool", "1st grade"):
        rows = [f"sub-{i}|{60 + i}|{school}" for i in range(6)]
        assert set(ages(read("participant_id|age|timepoint", *rows))) == {None}
    heavy = [f"sub-{i}|{60 + i}|{15 + i}" for i in range(6)]
    assert set(ages(read("participant_id|age|weight_kg", *heavy))) == {None}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0] * 12 + [20, 19], [None] * 12 + [20.0, 19.0]),
        ([0, 0, 0], [None] * 3),
        ([8, 9, 10, 0], [8.0, 9.0, 10.0, None]),
        ([0, 1, 1, 24, 30, 41], [None, None, None, 24.0, 30.0, 41.0]),
        ([25, 30, 41, 99, 99, 99], [25.0, 30.0, 41.0, None, None, None]),
        ([20.51, 33.2, 28.75, 41.3, 36.9, 75, 75, 75], [20.51, 33.2, 28.75, 41.3, 36.9, None, None, None]),
        ([8, 8, 8, 8, 25, 31], [8.0, 8.0, 8.0, 8.0, 25.0, 31.0]),
    ],
    ids=str,
)
def test_a_value_that_stands_for_unknown_is_no_age_however_frequent(values, expected):
    found = column(*values, Units="years")
    assert ages(found) == expected


def test_zero_months_are_no_ages_either():
    assert ages(column(0, 96, 120, 0, 101, Units="months")) == [
        None,
        8.0,
        10.0,
        None,
        pytest.approx(101 / 12),
    ]
    assert ages(column(0, 3, 6, 12, name="Infants", Units="months")) == [0.0, 0.25, 0.5, 1.0]


def test_a_stand_in_has_a_receipt():
    found = column(0, 0, 31, 44, Description="age in years")
    assert [(note.rule, note.rows) for note in found.notes] == [("age.cell", 2)]
    assert "stands for unknown" in found.notes[0].detail


def test_newborns_may_be_zero_years_old():
    assert ages(column(0, 0, 1, 2, name="Infant sleep", Units="years")) == [0.0, 0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    "rows",
    [
        [f"sub-{i:02}|{i}" for i in range(1, 9)],
        [f"sub-{i + 20}|{i + 20}" for i in (4, 9, 2, 7, 11, 5)],
        [f"sub-{chr(97 + i)}|{value}" for i, value in enumerate(random.Random(3).sample(range(1, 13), 12))],
    ],
)
def test_numbers_that_count_the_rows_are_no_ages(rows):
    found = read("participant_id|age", *rows, Units="years")
    assert set(ages(found)) == {None}
    assert rules(found) == {"age.column"}


def test_children_of_all_ages_are_not_counted():
    assert ages(column(3, 1, 4, 2, 5, 3, Units="years")) == [3.0, 1.0, 4.0, 2.0, 5.0, 3.0]


def test_an_odd_cell_refuses_itself():
    found = column("22,23", "24,24", "19,19,19", "24,23,23", "25,22", "n/a,n/a", "20", Units="years")
    assert [row.age_years for row in found.rows] == [None, 24.0, 19.0, None, None, None, 20.0]
    assert (found.rows[0].age_low, found.rows[0].age_high) == (22.0, 23.0)
    assert [(note.rule, note.rows) for note in found.notes] == [("age.cell", 2)]
    # one negative slip, whole or not, takes no age from the others
    assert ages(column("-20.5", "31", "44", "28")) == [None, 31.0, 44.0, 28.0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["7,1", "4,4", "4,8", "5,9"], [7.1, 4.4, 4.8, 5.9]),
        (["19,20", "21,21", "23,24"], [None, 21.0, None]),
        (["1,020", "31"], [None, 31.0]),
        (["5-3", "6-11", "7-8"], [None, None, None]),
        (["P25Y", "P31Y6M"], [25.0, 31.5]),
    ],
    ids=str,
)
def test_commas_and_dashes_that_can_be_read_in_two_ways(values, expected):
    assert ages(column(*values)) == expected


@pytest.mark.parametrize(
    "description",
    [
        "participant age in years at time of acquisition",
        "age in years at the standardized testing visit",
        "age of the participant, reported by the mother",
        "age in years of people diagnosed with asthma",
        "age of a participant and their partner's consent",
    ],
)
def test_phrases_that_only_decorate_refuse_nothing(description):
    assert ages(column(25, 31, Description=description)) == [25.0, 31.0]


@pytest.mark.parametrize(
    "description",
    [
        "age of language acquisition",
        "age at which the participant was diagnosed",
        "standardized age",
        "the mother's age in years",
        "age of the father",
        "gestational age",
        "age in years at diagnosis",
    ],
)
def test_descriptions_of_other_ages_are_believed(description):
    assert set(ages(column(25, 31, Description=description))) == {None}


def test_a_column_is_an_age_by_its_description():
    dictionary = {
        "age": {},
        "A1": {"Description": "Rat age in months"},
        "A2": {"Description": "Age at onset"},
    }
    files = {
        "participants.tsv": b"participant_id\tA1\tA2\nsub-1\t3\t5\nsub-2\t6\t7\n",
        "participants.json": json.dumps(dictionary).encode(),
    }
    assert [row.age_years for row in harmonise("ds", files).rows] == [0.25, 0.5]


@pytest.mark.parametrize("header", ["walked_alone", "age_walked", "first_word"])
def test_a_description_that_names_nobody_makes_no_age(header):
    table = f"participant_id\t{header}\nsub-1\t13\nsub-2\t11\n".encode()
    dictionary = json.dumps({header: {"Description": "Age in months"}}).encode()
    found = harmonise("ds", {"participants.tsv": table, "participants.json": dictionary})
    assert ages(found) == [None, None]


def test_animals_in_a_header_are_no_people():
    found = harmonise("ds", {"participants.tsv": b"participant_id\trat_sex\trat_age\nsub-1\tMale\t3\n"})
    (row,) = found.rows
    assert (row.sex, row.age_years, row.species) == ("male", None, "rattus norvegicus")
    assert row.receipts["species"].rule == "species.header"
