"""Each rule on a small made-up file; the form of the file is that of real ones, the people are not."""

import json

import pytest

from allbrains.participants import Harmonised, NoteKind, Participant, harmonise, midpoint


def sheet(*lines: str) -> bytes:
    return "\n".join(line.replace("|", "\t") for line in lines).encode()


def read(*lines: str, json_: object = None, name: str = "", **more: bytes) -> Harmonised:
    files = {"participants.tsv": sheet(*lines), **more}
    if json_ is not None:
        files["participants.json"] = json.dumps(json_).encode()
    if name:
        files["dataset_description.json"] = json.dumps({"Name": name}).encode()
    return harmonise("ds", files)


def age(row: Participant) -> object:
    if row.age_low is not None or row.age_high is not None:
        return row.age_low, row.age_high
    return row.age_years if not row.age_capped else (row.age_years, "capped")


def ages(cells: list[str], header: str = "age", name: str = "", **definition: object) -> list[object]:
    lines = [f"sub-{i:02}|{cell}" for i, cell in enumerate(cells)]
    return [
        age(row)
        for row in read(f"participant_id|{header}", *lines, json_={header: definition}, name=name).rows
    ]


def rules(found: Harmonised) -> set[str]:
    return {note.rule for note in found.notes}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["26", "26.5", "023"], [26.0, 26.5, 23.0]),
        (["18,0", "46,8"], [18.0, 46.8]),
        (["026Y", "006M", "26 years", "26yo"], [26.0, 0.5, 26.0, 26.0]),
        (["000Y", "31"], [None, 31.0]),
        (["20-25", "25 to 30", "n/a", "80+"], [(20.0, 25.0), (25.0, 30.0), None, (80.0, None)]),
        (["89+", ">89", "90 or older", "66"], [(89.0, "capped"), (89.0, "capped"), (90.0, "capped"), 66.0]),
        (["<18", "35"], [(None, 18.0), 35.0]),
        (["19,19,19", "19;20", "21"], [19.0, (19.0, 20.0), 21.0]),
        (["19,20", "21,21", "23,24"], [(19.0, 20.0), 21.0, (23.0, 24.0)]),
        (["19,20", "25"], [None, 25.0]),
        (["8;11", "9;2"], [8 + 11 / 12, 9 + 2 / 12]),
        (["5y3m", "7 years 6 months"], [5.25, 7.5]),
        (["1.5", "-0.3", "0.2"], [None, None, None]),
        (["1987", "1990"], [None, None]),
        (["1", "2", "1"], [None, None, None]),
        (
            ["25", "999", "-9", "2019-05-01", "10-May", "adult", "31"],
            [25.0, None, None, None, None, None, 31.0],
        ),
        (["25", "30", "99"], [25.0, 30.0, None]),
        (["80", "88", "99"], [80.0, 88.0, 99.0]),
        (["25", "30", "41", "0"], [25.0, 30.0, 41.0, None]),
        (["300", "250"], [None, None]),
    ],
    ids=lambda value: " ".join(map(str, value))[:40],
)
def test_age_cells(cells, expected):
    assert ages(cells) == expected


@pytest.mark.parametrize(
    ("header", "definition", "cells", "expected"),
    [
        ("age", {"Units": "months"}, ["96", "18"], [8.0, 1.5]),
        ("age", {"Description": "Age in months"}, ["96", "18"], [8.0, 1.5]),
        ("age", {"Description": "age on the day of the scan, 6 months after"}, ["25", "31"], [25.0, 31.0]),
        ("Age_at_MRI_(months)", {}, ["96", "18"], [8.0, 1.5]),
        ("Age_at_MRI_(months)", {"Units": "years"}, ["300", "288"], [25.0, 24.0]),
        ("Age_at_MRI_(months)", {"Units": "years"}, ["96", "84"], [None, None]),
        ("age", {"Units": "years"}, ["300", "288"], [None, None]),
        ("age", {"Units": "years"}, ["-1.2", "0.4"], [None, None]),
        ("age", {"Units": "years", "Description": "age, z-scored"}, ["21", "22"], [None, None]),
        ("age", {"Units": "years and months"}, ["8.11", "9.2"], [None, None]),
        ("age", {"Levels": {"1": "18-25", "2": "old"}}, ["1", "2"], [(18.0, 25.0), None]),
        ("interview_age", {}, ["130", "240"], [130 / 12, 20.0]),
        ("age (5-year bins)", {}, ["20-25", "31"], [(20.0, 25.0), None]),
        ("AgeGroup", {}, ["8-12yo", "4", "adult"], [(8.0, 12.0), None, None]),
        ("age", {"Units": "years"}, ["2", "3"], [2.0, 3.0]),
    ],
)  # fmt: skip
def test_age_units(header, definition, cells, expected):
    assert ages(cells, header, **definition) == expected


@pytest.mark.parametrize(
    "header",
    [
        "age_onset",
        "From_which_age",
        "Age at diagnosis",
        "mother_age",
        "age_z",
        "player1_age",
        "stage",
        "age2",
    ],
)
def test_other_ages_are_not_the_age(header):
    assert ages(["25", "31"], header) == [None, None]


@pytest.mark.parametrize(
    "header",
    ["Age", "AGE", "participant_age", "ageAtFirstScanYears", "Age (years)", "agescan", "Age_at_MRI", "Alter"],
)
def test_headers_of_ages(header):
    assert ages(["25", "31"], header) == [25.0, 31.0]


def test_infants_and_rodents_have_no_undeclared_years():
    assert ages(["6", "12"], name="Infant language") == [None, None]
    assert ages(["6", "12"], name="Infant language", Units="years") == [None, None]
    assert ages(["6", "12"], name="Infant language", Units="months") == [0.5, 1.0]
    found = read("participant_id|age|species", "sub-01|12|mouse", "sub-02|12w|mus musculus")
    assert [(row.species, row.age_years is None) for row in found.rows] == [
        ("mus musculus", True),
        ("mus musculus", False),
    ]


def test_the_scans_age_wins_and_sessions_make_rows():
    found = read(
        "participant_id|AgeCog_W1|AgeMRI_W1|AgeMRI_W2|sex",
        "sub-01|50|51|55|f",
        "sub-02|60|61|n/a|m",
        "sub-03|70|n/a|n/a|m",
    )
    assert [(r.participant_id, r.session_id, r.age_years, r.sex) for r in found.rows] == [
        ("sub-01", "ses-W1", 51.0, "female"),
        ("sub-01", "ses-W2", 55.0, "female"),
        ("sub-02", "ses-W1", 61.0, "male"),
        ("sub-03", "", None, "male"),
    ]


def test_columns_that_disagree_are_reported_and_not_averaged():
    found = read("participant_id|age|age|sex", "sub-01|25|45|F", "sub-02|31|31|M")
    assert [row.age_years for row in found.rows] == [None, 31.0]
    assert [note.rule for note in found.notes if note.kind is NoteKind.CONFLICT] == ["age.columns"]


def test_swapped_cells_are_noticed():
    found = read("participant_id|age|sex", "sub-01|F|25", "sub-02|31|M", "sub-03|M|n/a")
    assert [(row.age_years, row.sex) for row in found.rows] == [
        (25.0, "female"),
        (31.0, "male"),
        (None, None),
    ]
    assert found.rows[0].receipts["age_years"].column == "sex"
    assert "row.swapped" in rules(found)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("F M n/a", ["female", "male", None]),
        ("M, f.", ["male", "female"]),
        ("Male FEMALE woman Boy", ["male", "female", "female", "male"]),
        ("W M", ["female", "male"]),
        ("W F", [None, "female"]),
        ("H M", [None, None]),
        ("V M", [None, None]),
        ("H F", ["male", "female"]),
        ("männlich weiblich", ["male", "female"]),
        ("homme femme", ["male", "female"]),
        ("M,M F;F F/M", ["male", "female", None]),
        ("0 1", [None, None]),
        ("O NB U", ["other", "other", None]),
    ],
    ids=str,
)
def test_sex_words_and_letters(cells, expected):
    lines = [f"sub-{i}|{cell}" for i, cell in enumerate(cells.split())]
    assert [row.sex for row in read("participant_id|sex", *lines).rows] == expected


CODES = [
    ("sex", {"Levels": {"1": "male", "2": "female"}}),
    ("sex", {"Levels": {"male": "1", "female": 2}}),
    ("sex", {"Levels": {"1": {"Description": "Male participants"}, "2": {"Description": "Female"}}}),
    ("sex", {"Levels": ["1: male", "2: female"]}),
    ("sex", {"Levels": "1 = male; 2 = female"}),
    ("sex", {"Description": "1=male, 2=female"}),
    ("sex", {"Description": "1 for male and 2 for female"}),
    ("sex", {"Description": "male (1) / female (2)"}),
    ("sex", {"1": "male", "2": "female"}),
    ("Sex_(female=2_male=1)", {}),
    ("gender(2 represent female, 1 represent male)", {}),
    ("sex_male1_female2", {}),
    ("Gender (1=M, 2=F)", {}),
    ("sex", {"Levels": {"one": "male", "two": "female"}}),
    ("jsex", {"Description": "Gender", "Levels": {"1": "Male", "2": "Female"}}),
    ("Q7", {"Levels": {"1": "male", "2": "female", "9": "n/a"}}),
]


@pytest.mark.parametrize(("header", "definition"), CODES, ids=str)
def test_sex_codes_are_read_by_a_dictionary(header, definition):
    found = read(f"participant_id|{header}", "sub-01|1", "sub-02|2.0", json_={header: definition})
    assert [row.sex for row in found.rows] == ["male", "female"]


@pytest.mark.parametrize(
    "definition",
    [
        {"Levels": {"M": "male", "F": "female"}},
        {"Levels": ["male", "female"]},
        {"Levels": {"1": "male", "2": "male"}},
        {"Levels": {"1": "male", "2": "female"}, "Description": "1=female, 2=male"},
        {"Description": "sex of the participant (male/female)"},
    ],
    ids=str,
)
def test_sex_codes_without_a_clear_dictionary_are_refused(definition):
    found = read("participant_id|sex", "sub-01|1", "sub-02|2", json_={"sex": definition})
    assert [row.sex for row in found.rows] == [None, None]
    assert {note.kind for note in found.notes} == {NoteKind.REFUSED}


def test_sex_and_gender_are_both_kept():
    (row,) = read("participant_id|gender|sex", "sub-01|non-binary|F").rows
    assert (row.sex, row.receipts["sex"].column, row.receipts["gender"].value) == ("female", "sex", "other")


def test_two_columns_of_sex_that_disagree_settle_nothing():
    found = read("participant_id|sex|sex|gender", "sub-01|F|M|F", "sub-02|M|M|F")
    assert [row.sex for row in found.rows] == [None, "male"]
    assert "sex" not in found.rows[0].receipts
    assert [note.rule for note in found.notes] == ["sex.columns", "sex.columns"]


@pytest.mark.parametrize("header", ["gender_F", "is_female", "sex_female", "female"])
def test_a_header_that_asks_for_one_sex(header):
    found = read(f"participant_id|{header}", "sub-01|1", "sub-02|0", "sub-03|n/a")
    assert [row.sex for row in found.rows] == ["female", "male", None]
    assert found.rows[0].receipts["sex"].rule == "sex.indicator"


@pytest.mark.parametrize("header", ["partner_sex", "stimulus_gender", "Q8"])
def test_the_sex_of_somebody_else_is_none(header):
    text = "sex of the participant's partner"
    levels = {header: {"Description": text, "Levels": {"1": "male", "2": "female"}}}
    found = read(f"participant_id|{header}", "sub-01|1", "sub-02|2", json_=levels)
    assert [row.sex for row in found.rows] == [None, None]


def test_a_lone_m_under_a_spanish_header_may_be_a_woman():
    assert [row.sex for row in read("participant_id|sexo", "sub-01|M", "sub-02|M").rows] == [None, None]
    assert [row.sex for row in read("participant_id|sexo", "sub-01|M", "sub-02|F").rows] == ["male", "female"]


def test_a_dictionary_that_contradicts_the_letters_is_not_believed():
    found = read(
        "participant_id|sex", "sub-01|M", "sub-02|F", json_={"sex": {"Levels": {"M": "female", "F": "male"}}}
    )
    assert [row.sex for row in found.rows] == [None, None]
    spanish = {"sex": {"Levels": {"H": "hombre", "M": "mujer"}}}
    assert [row.sex for row in read("participant_id|sex", "sub-01|M", "sub-02|H", json_=spanish).rows] == [
        "female",
        "male",
    ]


def test_handedness():
    cells = ["Right", "R", "rt", "left-handed", "L", "A", "ambi", "mixed", "1", "80", "L/R"]
    expected = ["right"] * 3 + ["left"] * 2 + ["ambidextrous"] * 3 + [None] * 3
    found = read("participant_id|handedness", *(f"sub-{i}|{cell}" for i, cell in enumerate(cells)))
    assert [row.handedness for row in found.rows] == expected
    coded = read(
        "participant_id|hand", "sub-1|1", "sub-2|2", json_={"hand": {"Levels": {"1": "Left", "2": "Right"}}}
    )
    assert [row.handedness for row in coded.rows] == ["left", "right"]


@pytest.mark.parametrize(
    ("header", "cells", "levels", "expected"),
    [
        ("group", "control patient", {}, ["control", "patient"]),
        ("condit", "CON SCZ CON-SIB", {}, ["control", "patient", "other"]),
        ("group", "HV MDD", {}, ["control", "patient"]),
        ("group", "HC PD", {}, ["control", "patient"]),
        ("group", "control training", {}, [None, None]),
        ("group", "control control", {"control": "Healthy control group"}, ["control"] * 2),
        (
            "group",
            "1 2",
            {"1": "healthy controls", "2": "patients with depression"},
            ["control", "patient"],
        ),
        ("pathology", "FCD none", {}, [None, None]),
        ("age_group", "patient control", {}, [None, None]),
        ("group", "young old", {}, [None, None]),
    ],
)
def test_groups(header, cells, levels, expected):
    lines = [f"sub-{i}|{cell}" for i, cell in enumerate(cells.split())]
    found = read(f"participant_id|{header}", *lines, json_={header: {"Levels": levels}})
    assert [row.group for row in found.rows] == expected


def test_species_of_columns_breeds_and_names():
    dogs = read("participant_id|breed", "sub-1|Beagle", "sub-2|GSS", name="fMRI of dogs")
    assert [row.species for row in dogs.rows] == ["canis lupus familiaris"] * 2
    assert [row.receipts["species"].rule for row in dogs.rows] == ["species.breed", "species.name"]
    assert read("participant_id|age", "sub-1|25", name="Pictures of dogs").rows[0].species is None


def test_midpoints_are_made_only_for_who_asks():
    (row,) = read("participant_id|age", "sub-01|20-25").rows
    assert (row.age_years, midpoint(row)) == (None, 22.5)
