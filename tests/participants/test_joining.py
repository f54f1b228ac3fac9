"""Second sources and scans."""

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
