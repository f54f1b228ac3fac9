"""Second sources and scans."""

import unicodedata

import pytest

from allbrains.participants import (
    NoteKind,
    Participant,
    Roster,
    harmonise,
    join,
    merge,
    of_sidecar,
    summarise,
)
from allbrains.participants.joining import subject_key

MAIN = b"participant_id\tsex\tage\nsub-01\tF\t25\nsub-02\tM\tn/a\nsub-003\tF\t70\n"


PHENOTYPE = b"participant_id\thandedness\tage\tsex\nsub-01\tL\t25\tF\nsub-04\tR\t50\tM\n"


def test_sessions_files_add_rows_and_phenotypes_fill_gaps():
    found = harmonise(
        "ds",
        {
            "participants.tsv": MAIN,
            "sub-02/sub-02_sessions.tsv": b"session_id\tage\nses-1\t30\nses-2\t32\n",
            "phenotype/demographics.tsv": PHENOTYPE,
        },
    )
    assert [
        (row.participant_id, row.session_id, row.age_years, row.sex, row.handedness) for row in found.rows
    ] == [
        ("sub-01", "", 25.0, "female", "left"),
        ("sub-02", "ses-1", 30.0, "male", None),
        ("sub-02", "ses-2", 32.0, "male", None),
        ("sub-003", "", 70.0, "female", None),
        ("sub-04", "", 50.0, "male", "right"),
    ]
    assert found.rows[1].receipts["age_years"].source == "sub-02/sub-02_sessions.tsv"


def test_sources_that_disagree_are_reported_and_the_first_stays():
    found = harmonise(
        "ds", {"participants.tsv": MAIN, "phenotype/d.tsv": b"participant_id\tage\tsex\nsub-01\t45\tM\n"}
    )
    assert (found.rows[0].age_years, found.rows[0].sex) == (25.0, "female")
    conflicts = [note.rule for note in found.notes if note.kind is NoteKind.CONFLICT]
    assert conflicts == ["age_years.sources", "sex.sources"]
    assert [note.rule for note in summarise("ds", found).conflicts] == conflicts


def test_a_sidecar_is_a_second_source():
    rows = harmonise("ds", {"participants.tsv": MAIN}).rows
    sidecars = [
        of_sidecar("ds", "02", "", "sub-02/anat/sub-02_T1w.json", {"PatientAge": "031Y", "PatientSex": "F"}),
        of_sidecar(
            "ds",
            "01",
            "",
            "sub-01/anat/sub-01_T1w.json",
            {"PatientAge": "000Y", "PatientBirthDate": "19900101"},
        ),
        of_sidecar("ds", "003", "", "sub-003/anat/sub-003_T1w.json", {"PatientAge": 30}),
    ]
    merged, notes = merge(rows, sidecars)
    assert [(row.age_years, row.sex) for row in merged] == [
        (25.0, "female"),
        (31.0, "male"),
        (70.0, "female"),
    ]
    assert merged[1].receipts["age_years"].column == "PatientAge"
    assert [note.rule for note in notes] == ["sex.sources"]


def row(participant: str, session: str = "", age: float | None = None, sex: str | None = None) -> Participant:
    return Participant(dataset="ds", participant_id=participant, session_id=session, age_years=age, sex=sex)


def test_the_scans_session_wins():
    roster = Roster(
        [row("sub-01", "ses-T1", 8.0), row("sub-01", "ses-T2", 10.0), row("sub-01", "ses-baseline", 7.0)]
    )
    ages = {session: roster.find("ds", "01", session) for session in ("T1", "2", "T2", "BL", "T3", "")}
    assert {s: found and found.age_years for s, found in ages.items()} == {
        "T1": 8.0, "2": 10.0, "T2": 10.0, "BL": 7.0, "T3": None, "": None,
    }  # fmt: skip


def test_a_row_without_session_holds_for_all_and_fills_what_a_sessions_row_lacks():
    roster = Roster([row("sub-01", "", 20.0), row("sub-02", "", None, "male"), row("sub-02", "ses-1", 30.0)])
    assert [
        found and found.age_years for found in (roster.find("ds", "01", "9"), roster.find("ds", "02", "01"))
    ] == [
        20.0,
        30.0,
    ]
    assert roster.find("ds", "02", "3").age_years is None


def test_labels_that_lost_zeros_are_found_where_one_can_be_meant():
    rows = [
        row("sub-1", age=20.0),
        row("sub-02", age=30.0),
        row("sub-002", age=40.0),
        row("sub-A7", age=50.0),
    ]
    scans = [("ds", "001", ""), ("ds", "2", ""), ("ds", "02", ""), ("ds", "sub-a07", ""), ("other", "1", "")]
    assert [found and found.age_years for found in join(rows, scans)] == [20.0, None, 30.0, 50.0, None]


SPELLINGS = """subj-07|07|sub07|sub_07|S07|P07|sub-7|7.0|SUB-07|Sub 07|sub-07_ses-01|sub\u201307|sub\u201007
|sub-07 |sub-SD_07|'07|7|participant07|sub-sub-07|sub-07.0|sub-007""".replace("\n", "").split("|")


@pytest.mark.parametrize("written", SPELLINGS)
def test_an_id_that_means_one_folder_is_joined(written):
    table = f"participant_id\tage\n{written}\t33\n".encode()
    found = harmonise("ds", {"participants.tsv": table}, subjects=["07"])
    (one,) = found.rows
    (joined,) = join(found.rows, [("ds", "07", "")])
    assert (one.participant_id, joined and joined.age_years) == ("sub-07", 33.0)
    assert not [note for note in found.notes if note.kind is NoteKind.UNJOINED]
    if receipt := one.receipts.get("participant_id"):
        assert (receipt.rule, subject_key(written) in receipt.raw) == ("id.folder", True)


def test_names_in_two_unicode_forms_are_the_same():
    composed, apart = (unicodedata.normalize(form, "Zo\u00eb") for form in ("NFC", "NFD"))
    for written, folder in ((composed, apart), (apart, composed)):
        table = f"participant_id\tage\nsub-{written}\t33\n".encode()
        rows = harmonise("ds", {"participants.tsv": table}, subjects=[folder]).rows
        assert [row and row.age_years for row in join(rows, [("ds", folder, "")])] == [33.0]


def test_sessions_behind_an_id_are_one_person():
    table = b"participant_id\tage\nsub-07_ses-1\t33\nsub-07_ses-2\t35\n"
    rows = harmonise("ds", {"participants.tsv": table}, subjects=["07"]).rows
    found = join(rows, [("ds", "07", "1"), ("ds", "07", "2")])
    assert [row and row.age_years for row in found] == [33.0, 35.0]


@pytest.mark.parametrize(
    ("ids", "folders", "told"),
    [
        (["P07", "C07"], ["07"], [2, 1]),
        (["P07"], ["C07"], [1, 1]),
        (["7", "07"], ["007"], [2, 1]),
        (["7"], ["07", "007"], [1, 2]),
        (["01"], ["01", "02"], [1]),
        (["S1", "02"], ["01", "02"], [1, 1]),
        (["S1", "S2"], ["01", "02"], []),
    ],
)
def test_what_could_be_two_people_is_not_joined_and_told(ids, folders, told):
    table = "\n".join(["participant_id\tage", *(f"{one}\t33" for one in ids)]).encode()
    found = harmonise("ds", {"participants.tsv": table}, subjects=folders)
    assert [note.rows for note in found.notes if note.kind is NoteKind.UNJOINED] == told


def test_a_diagnosis_goes_with_its_group():
    main = b"participant_id\tgroup\nsub-01\tHC\nsub-02\tpatient\nsub-03\t\n"
    other = b"participant_id\tage\tdiagnosis\nsub-01\t20\tMDD\nsub-02\t21\tMDD\nsub-03\t22\tMDD\n"
    found = harmonise("ds", {"participants.tsv": main, "phenotype/d.tsv": other})
    assert [(row.group, row.diagnosis, row.group_word) for row in found.rows] == [
        ("control", None, "HC"),
        ("patient", "major depressive disorder", "patient"),
        ("patient", "major depressive disorder", "MDD"),
    ]
    assert [note.rule for note in found.notes if note.kind is NoteKind.CONFLICT] == ["group.sources"]
