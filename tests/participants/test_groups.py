"""Groups and diagnoses: both arms of a study or none, by the dataset's words and a curated list."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence

import pytest

from allbrains.participants import Harmonised, NoteKind, Participant, harmonise
from allbrains.participants.diagnosis_terms import DIAGNOSES, diagnoses_in
from allbrains.participants.group_words import read_words


def read(
    cells: Sequence[str], header: str = "group", levels: Mapping[str, str] | None = None, text: str = ""
) -> Harmonised:
    """Return a table read whose column holds each cell six times: an arm is more than an odd cell."""
    rows = [f"sub-{i}x{j}\t{cell}" for i, cell in enumerate(cells) for j in range(6)]
    definition = {"Description": text, "Levels": dict(levels or {})}
    files = {
        "participants.tsv": "\n".join([f"participant_id\t{header}", *rows]).encode(),
        "participants.json": json.dumps({header: definition}).encode(),
    }
    return harmonise("ds", files)


def firsts(found: Harmonised) -> list[Participant]:
    return list(found.rows[::6])


def told(found: Harmonised) -> list[tuple[str | None, str | None]]:
    return [(row.group, row.diagnosis) for row in firsts(found)]


def groups(found: Harmonised) -> list[str | None]:
    return [row.group for row in firsts(found)]


@pytest.mark.parametrize(
    ("cells", "levels", "expected"),
    [
        (
            ["Never-Depressed Control", "Major Depressive Disorder"],
            {},
            [("control", None), ("patient", "major depressive disorder")],
        ),
        (
            ["control", "patient"],
            {"control": "Participant without cavernoma", "patient": "Participant with cavernoma(s)"},
            [("control", None), ("patient", "cavernoma")],
        ),
        (
            ["HC", "H-", "H+"],
            {
                "HC": "healthy controls",
                "H-": "people with schizophrenia without current hallucinations",
                "H+": "people with schizophrenia with current hallucinations",
            },
            [("control", None), ("patient", "schizophrenia"), ("patient", "schizophrenia")],
        ),
        (["GenPop", "Patient"], {}, [("control", None), ("patient", None)]),
        (["Case", "Control"], {}, [("patient", None), ("control", None)]),
        (
            ["con", "x"],
            {"con": "control", "x": "patients with dystonia"},
            [("control", None), ("patient", "dystonia")],
        ),
        (
            ["HV", "Anx"],
            {"HV": "Healthy Volunteer", "Anx": "Anxiety"},
            [("control", None), ("patient", "anxiety disorder")],
        ),
        (
            ["0", "1"],
            {"zero": "Control", "one": "mTBI"},
            [("control", None), ("patient", "traumatic brain injury")],
        ),
        (["PD-denovo", "CTL"], {}, [("patient", "Parkinson's disease"), ("control", None)]),
        (
            ["PD-NC", "HC"],
            {"PD-NC": "Parkinson's disease with normal cognition", "HC": "Healthy Control"},
            [("patient", "Parkinson's disease"), ("control", None)],
        ),
        (["depr_cbt"], {"depr_cbt": "patients who undergo therapy"}, [("patient", "depressive disorder")]),
        (
            ["Case", "Control"],
            {"Case": "Person living with Motor Neuron Disease", "Control": "Non-neurodegenerative Control"},
            [("patient", "motor neuron disease"), ("control", None)],
        ),
    ],
    ids=str,
)  # fmt: skip
def test_both_arms_are_read(cells, levels, expected):
    assert told(read(cells, levels=levels)) == expected


def test_a_group_has_its_word_its_code_and_receipts():
    (sick, *_) = read(["2", "1"], levels={"1": "HC", "2": "Parkinson's disease"}).rows
    assert (sick.group, sick.group_word, sick.diagnosis, sick.diagnosis_code) == (
        "patient", "Parkinson's disease", "Parkinson's disease", "snomed:49049000",
    )  # fmt: skip
    assert {name: (receipt.raw, receipt.rule) for name, receipt in sick.receipts.items()} == {
        "group_word": ("2", "group.own_word"),
        "group": ("2", "group.levels"),
        "diagnosis": ("2", "group.levels"),
        "diagnosis_code": ("2", "group.levels"),
    }


def test_free_text_about_a_person_is_read_and_not_repeated():
    tale = "told on Monday by the teacher of the village school " * 3
    story, other = f"schizophrenia, {tale}", f"unheard-of syndrome, {tale}"
    found = firsts(read(["healthy", story, other, "unheard-of syndrome"], header="diagnosis"))
    assert [row.group for row in found] == ["control", "patient", "patient", "patient"]
    assert [row.diagnosis for row in found] == [None, "schizophrenia", None, "unheard-of syndrome"]
    assert [row.group_word for row in found] == ["healthy", None, None, "unheard-of syndrome"]


@pytest.mark.parametrize(
    ("cells", "levels"),
    [
        (["HC", "CB"], {}),
        (["HC", "QX"], {"HC": "healthy controls", "QX": "the second cohort"}),
        (["patient", "athlete"], {}),
        (["1", "2"], {"1": "Healthy volunteers"}),
    ],
    ids=str,
)
def test_half_a_study_is_refused_and_told(cells, levels):
    found = read(cells, levels=levels)
    assert groups(found) == [None, None]
    assert [(note.kind, note.rule) for note in found.notes] == [(NoteKind.REFUSED, "group.pair")]
    assert all(row.group_word for row in found.rows)


def test_an_odd_cell_costs_no_arm():
    rows = [f"sub-{i}\tHC" for i in range(48)] + ["sub-x\t?!", "sub-y\tpilot 1"]
    found = harmonise("ds", {"participants.tsv": "\n".join(["participant_id\tgroup", *rows]).encode()})
    assert Counter(row.group for row in found.rows[:48]) == {"control": 48}
    lonely = harmonise("ds", {"participants.tsv": "\n".join(["participant_id\tgroup", *rows[:49]]).encode()})
    assert Counter(row.group for row in lonely.rows) == {"control": 48, None: 1}


@pytest.mark.parametrize(
    ("cells", "levels", "expected"),
    [
        (["control", "exercise"], {"control": "mobile games", "exercise": "biofeedback"}, [None, None]),
        (["Control", "Active", "Passive"], {}, [None, None, None]),
        (["HC", "LU"], {"HC": "Hormonal contraceptive group", "LU": "Luteal group"}, [None, None]),
        (["normalweight", "overweight"], {}, [None, None]),
        (["smoker", "nonsmoker"], {}, [None, None]),
        (["Glasses", "None needed"], {}, [None, None]),
        (["control"], {}, [None]),
    ],
    ids=str,
)
def test_arms_of_a_trial_and_habits_are_no_groups_of_patients(cells, levels, expected):
    assert groups(read(cells, levels=levels)) == expected


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("clinical high risk for psychosis", "at risk"),
        ("premanifest HD", "at risk"),
        ("unaffected sibling", "other"),
        ("First-degree relatives of patients", "other"),
        ("MDD in remission", "other"),
        ("psychosis or at clinical high risk for psychosis", ""),
        ("possible dementia", ""),
        ("ADHD-", ""),
        ("tumor-free", ""),
        ("HIV negative", ""),
        ("non-functioning pituitary adenoma", "patient"),
        ("healthy volunteers with no history of psychiatric disorder", "control"),
        ("subjects free of neurological disease", "control"),
        ("patients with no lesion", "patient"),
    ],
)
def test_words_of_a_group(text, group):
    assert read_words(text).group == group


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["HS", "FCD", "Tumor"], ["hippocampal sclerosis", "focal cortical dysplasia", "brain tumour"]),
        (["HS", "Schizophrenia"], [None, "schizophrenia"]),
        (["MDD", "others"], ["major depressive disorder", "others"]),
        (["HC", "Moyamoya"], [None, "Moyamoya"]),
        (["probable AD", "CN", "MCI"], ["Alzheimer's disease", None, "mild cognitive impairment"]),
    ],
    ids=str,
)
def test_a_column_of_diagnoses(cells, expected):
    found = read(cells, header="diagnosis")
    assert [row.diagnosis for row in firsts(found)] == expected
    assert groups(found) == ["patient" if term else "control" for term in expected]


@pytest.mark.parametrize("doubtful", ["possible dementia", "HC/MDD", "ADHD-", "pending", "2"])
def test_a_column_of_diagnoses_concludes_nothing_from_doubt(doubtful):
    assert groups(read(["HC", "Epilepsy", doubtful], header="diagnosis")) == ["control", "patient", None]


def test_hippocampal_sclerosis_by_levels_is_a_patient():
    levels = {"1": "HS", "2": "FCD", "3": "Tumor", "4": "Others"}
    found = read(list(levels), header="pathology", levels=levels)
    assert groups(found) == ["patient"] * 4
    assert firsts(found)[0].diagnosis_code == "snomed:448705004"


@pytest.mark.parametrize("levels", [{"0": "no", "1": "yes"}, {}])
def test_a_column_that_asks_for_a_diagnosis_has_two_arms(levels):
    found = read(["1", "0"], header="ADHD_diagnosis", levels=levels)
    assert told(found) == [("patient", "attention deficit hyperactivity disorder"), ("control", None)]
    assert {row.receipts["group"].rule for row in found.rows} == {"group.asked"}


@pytest.mark.parametrize(("header", "cells"), [("patient", ["1", "0"]), ("is_patient", ["yes", "no"])])
def test_a_column_that_asks_for_patients_has_two_arms(header, cells):
    found = read(cells, header=header, levels={"1": "yes", "0": "no"})
    assert told(found) == [("patient", None), ("control", None)]
    assert found.notes == ()


def test_nothing_found_is_not_healthy():
    found = read(["FCD", "normal"], header="pathology")
    assert groups(found) == [None, None]
    assert [note.rule for note in found.notes] == ["group.pair"]
    assert groups(read(["AD", "normal"], header="diagnosis")) == ["patient", "control"]


def test_several_questions_for_diagnoses_are_asked_together():
    rows = ["1\t0", "0\t1", "0\t0", "0\tn/a"]
    lines = [f"sub-{i}{j}\t{row}" for i, row in enumerate(rows) for j in range(3)]
    table = "\n".join(["participant_id\tdx_mdd\tdx_ocd", *lines]).encode()
    found = harmonise("ds", {"participants.tsv": table}).rows[::3]
    assert [(row.group, row.diagnosis) for row in found] == [
        ("patient", "major depressive disorder"), ("patient", "obsessive-compulsive disorder"),
        ("control", None), (None, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "header", ["family_history_adhd_diagnosis", "lifetime_ptsd_diagnosis", "gad7", "smoker"]
)
def test_other_questions_make_no_patients(header):
    assert groups(read(["yes", "no"], header=header)) == [None, None]


def test_screening_that_finds_one_case_makes_no_controls():
    rows = [f"sub-{i}\t{int(i == 3)}" for i in range(30)]
    table = "\n".join(["participant_id\tadhd_diagnosis", *rows]).encode()
    assert {row.group for row in harmonise("ds", {"participants.tsv": table}).rows} == {None}


def test_codes_that_the_description_explains():
    found = read(["1", "0"], text="1 = patient, 0 = healthy control")
    assert groups(found) == ["patient", "control"]
    named = read(
        ["P", "HC"], levels={"P": "patients", "HC": "healthy controls"}, text="schizophrenia or healthy"
    )
    assert told(named)[0] == ("patient", "schizophrenia")


def test_levels_that_point_to_snomed_ct():
    url = "http://purl.bioontology.org/ontology/SNOMEDCT/"
    levels = {
        "A": {"TermURL": url + "49049000"},
        "B": {"Description": "healthy", "TermURL": "https://e.org/1"},
    }
    found = read(["A", "B"], levels=levels)  # type: ignore[arg-type]
    assert told(found) == [("patient", "Parkinson's disease"), ("control", None)]


def test_a_column_of_icd_10_codes():
    found = read(["F32.1", "G20", "Z00.0", "n/a"], header="ICD-10")
    assert told(found) == [
        ("patient", "depressive disorder"), ("patient", "Parkinson's disease"), (None, None), (None, None),
    ]  # fmt: skip


def test_the_order_of_arms_does_not_matter():
    cells = ["HC", "HS", "PD", "AVH"]
    for turned in (cells, cells[::-1]):
        found = firsts(read(turned, header="diagnosis"))
        assert sorted(row.diagnosis or "" for row in found) == ["", "AVH", "HS", "Parkinson's disease"]


def test_the_list_of_diagnoses_is_sound():
    names = [term.name for term in DIAGNOSES]
    codes = [term.code for term in DIAGNOSES if term.code]
    assert len(set(names)) == len(names)
    assert len(set(codes)) == len(codes)
    assert all(code.removeprefix("snomed:").isdigit() for code in codes)
    assert {name for term in DIAGNOSES for name in term.beside} <= set(names)
    assert [term.name for term in DIAGNOSES if read_words(term.name).terms != (term,)] == []
    assert [term.name for term in diagnoses_in(["temporal", "lobe", "epilepsy", "with", "epilepsy"])] == [
        "temporal lobe epilepsy"
    ]
