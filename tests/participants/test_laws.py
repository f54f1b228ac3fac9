"""What holds for every file: it never raises, its form does not matter, every value can be shown in it."""

import csv
import io
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allbrains.participants import FIELDS, Harmonised, harmonise, table

HEADERS = """participant_id|age|Age (months)|age_ses-1|age_ses-2|sex|gender|Sex_(female=1_male=2)
|handedness|group|diagnosis|dx_mdd|patient|species|session_id|age_group|note""".replace("\n", "").split("|")
CELLS = st.sampled_from(
    """sub-01|sub-02|03|n/a||25|31.5|18,0|026Y|8w|20-25|89+|>89|19,19|-1.5|999|F|M|female|männlich|W|H|1|2|R|left
|control|patient|HC|MDD|never-depressed control|sibling|yes|no|0
|ses-1|mouse|a "b"|=1+1|5;6|1e309|May-10|二十|٢٦""".replace("\n", "").split("|")
)
JSON = {
    "age": {"Units": "years"},
    "sex": {"Levels": {"1": "male", "2": "female"}},
    "group": {"Levels": {"1": "patients"}},
}


@st.composite
def sheets(draw) -> list[list[str]]:
    header = draw(st.lists(st.sampled_from(HEADERS), min_size=1, max_size=6, unique=True))
    rows = draw(st.lists(st.lists(CELLS, min_size=len(header), max_size=len(header)), max_size=8))
    return [header, *rows]


def written(
    sheet: list[list[str]], *, quote: bool = False, end: str = "\n", encoding: str = "utf-8"
) -> bytes:
    text = io.StringIO()
    csv.writer(
        text, delimiter="\t", lineterminator=end, quoting=csv.QUOTE_ALL if quote else csv.QUOTE_MINIMAL
    ).writerows(sheet)
    return text.getvalue().encode(encoding)


def read(data: bytes, dictionary: object = JSON) -> Harmonised:
    return harmonise("ds", {"participants.tsv": data, "participants.json": json.dumps(dictionary).encode()})


def values(found: Harmonised) -> list[tuple[object, ...]]:
    return sorted(tuple(str(getattr(row, name)) for name in FIELDS) for row in found.rows)


@given(st.binary(max_size=400), st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_never_raises_on_any_bytes(data, other):
    found = harmonise(
        "ds",
        {
            "participants.tsv": data,
            "participants.json": other,
            "dataset_description.json": other,
            "sub-1/sub-1_sessions.tsv": other,
            "phenotype/a.tsv": data,
        },
        subjects=["01"],
    )
    table(found.rows)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["years", "male", "1=male", "18-25"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["age", "sex", "Levels", "Units", "Description", "1", "M"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(sheets(), JSON_VALUES)
@settings(max_examples=200, deadline=None)
def test_never_raises_on_any_dictionary(sheet, dictionary):
    read(written(sheet), dictionary)


@given(sheets(), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_the_order_of_rows_does_not_matter(sheet, rng: random.Random):
    shuffled = [sheet[0], *rng.sample(sheet[1:], len(sheet) - 1)]
    assert values(read(written(shuffled))) == values(read(written(sheet)))


@pytest.mark.parametrize(
    "form",
    [
        {"quote": True},
        {"end": "\r\n"},
        {"end": "\r"},
        {"encoding": "utf-8-sig"},
        {"encoding": "utf-16"},
        {"encoding": "utf-16-le"},
        {"quote": True, "end": "\r\n", "encoding": "utf-32"},
    ],
    ids=str,
)
@given(sheet=sheets())
@settings(max_examples=60, deadline=None)
def test_the_form_of_the_file_does_not_matter(sheet, form):
    assert values(read(written(sheet, **form))) == values(read(written(sheet)))


def test_latin_1_gives_the_same_values():
    sheet = [["participant_id", "Geschlecht"], ["sub-01", "männlich"], ["sub-02", "weiblich"]]
    assert values(read(written(sheet, encoding="latin-1"))) == values(read(written(sheet)))
    assert [row.sex for row in read(written(sheet)).rows] == ["male", "female"]


@given(sheets())
@settings(max_examples=200, deadline=None)
def test_every_value_has_a_receipt_that_stands_in_the_file(sheet):
    cells = {cell for row in sheet for cell in row}
    for row in read(written(sheet)).rows:
        for name in (
            "age_years",
            "age_low",
            "age_high",
            "age_capped",
            "sex",
            "handedness",
            "group",
            "group_word",
            "diagnosis",
            "species",
        ):
            if getattr(row, name) is not None:
                receipt = row.receipts[name]
                assert receipt.raw in cells
                assert receipt.column in sheet[0]
                assert receipt.rule


@given(sheets())
@settings(max_examples=150, deadline=None)
def test_values_are_of_their_kind(sheet):
    for row in read(written(sheet)).rows:
        assert row.sex in (None, "female", "male", "other")
        assert row.handedness in (None, "right", "left", "ambidextrous")
        assert row.group in (None, "control", "patient", "at risk", "other")
        assert row.diagnosis is None or row.group == "patient"
        assert row.diagnosis_code is None or row.diagnosis is not None
        assert row.age_years is None or 0 <= row.age_years <= 122
        assert row.age_low is None or row.age_high is None or row.age_low <= row.age_high
        assert row.age_years is None or (row.age_low is None and row.age_high is None)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=8))
@settings(max_examples=80, deadline=None)
def test_no_row_is_dropped_without_a_note(cells):
    sheet = [["participant_id", "age", "sex"], *([f"sub-{i:02}", *pair] for i, pair in enumerate(cells))]
    assert [row.participant_id for row in read(written(sheet)).rows] == [row[0] for row in sheet[1:]]
    unnamed = [*sheet, ["n/a", "25", "F"]]
    assert any(note.rule == "row.no_id" and note.rows == 1 for note in read(written(unnamed)).notes)


def test_a_table_gives_back_what_went_in():
    lines = ["participant_id age sex", "sub-01 89+ F", "sub-02 70-75 M", "sub-03 66 n/a"]
    rows = read(written([line.split() for line in lines])).rows
    back = table(rows).to_pylist()
    assert [{name: line[name] for name in FIELDS} for line in back] == [
        {name: getattr(row, name) for name in FIELDS} for row in rows
    ]
    receipts = [{receipt["field"]: receipt["raw"] for receipt in line["receipts"]} for line in back]
    assert receipts == [
        {"age_years": "89+", "age_capped": "89+", "sex": "F"},
        {"age_low": "70-75", "age_high": "70-75", "age_capped": "70-75", "sex": "M"},
        {"age_years": "66", "age_capped": "66"},
    ]
    assert all(field.metadata[b"description"] for field in table(rows).schema)
