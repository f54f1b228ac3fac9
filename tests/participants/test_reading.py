"""Tables in all their forms, and what is no table."""

import pytest

from allbrains.participants import Harmonised, NoteKind, harmonise

EXPECTED = [("sub-01", 25.0, "male"), ("sub-02", 31.0, "female")]


def read(text: str | bytes, **more: bytes) -> Harmonised:
    data = text if isinstance(text, bytes) else text.encode()
    return harmonise("ds", {"participants.tsv": data, **more})


@pytest.mark.parametrize(
    "text",
    [
        "participant_id\tage\tsex\nsub-01\t25\tM\nsub-02\t31\tF",
        "\n\nparticipant_id\tage\tsex\n\nsub-01\t25\tM\n\nsub-02\t31\tF\n\n",
        "participant_id\t age \tsex \nsub-01\t 25\tM \nsub-02 \t31 \tF\n",
        '"participant_id"\t"age"\t"sex"\n"sub-01"\t"25"\t"M"\n"sub-02"\t"31"\t"F"\n',
        '"participant_id\tage\tsex"\n"sub-01\t25\tM"\n"sub-02\t31\tF"\n',
        "participant_id,age,sex\nsub-01,25,M\nsub-02,31,F\n",
        "participant_id;age;sex\nsub-01;25,0;M\nsub-02;31,0;F\n",
        "participant_id age sex\nsub-01 25 M\nsub-02   31 F\n",
        "participant_id age sex\nsub-01\t25\tM\nsub-02\t31\tF\n",
        "participant_id\tage\tsex\nsub-01 25 M\nsub-02 31 F\n",
        "participant_id\tage\tsex education\nsub-01\t25\tM 12\nsub-02\t31\tF 9\n",
        "participant_id\tage\tsex education\nsub-01\t25\tM\t12\nsub-02\t31\tF\t9\n",
        "participant_id\tage\tsex\t\t\nsub-01\t25\tM\t\t\nsub-02\t31\tF\t\t\n",
        "participant_id\tage\tsex\nsub-01\t25\tM\t\nsub-02\t31\tF\t\t\n",
        "participant_id\tage\tsex\n1\tsub-01\t25\tM\n2\tsub-02\t31\tF\n",
        "\tparticipant_id\tage\tsex\n0\tsub-01\t25\tM\n1\tsub-02\t31\tF\n",
        "Participants of our study\nparticipant_id\tage\tsex\nsub-01\t25\tM\nsub-02\t31\tF\n",
        "ID\tage\tsex\n01\t25\tM\n02\t31\tF\n",
        "subject\tBIDS_ID\tage\tsex\nXY\tsub-01\t25\tM\nZW\tsub-02\t31\tF\n",
        "participant_id\tage\tsex\tsex\nsub-01\t25\tM\tM\nsub-02\t31\tF\tF\n",
        'participant_id\tnote\tage\tsex\nsub-01\t"two\nlines"\t25\tM\nsub-02\t5" nail\t31\tF\n',
    ],
)
def test_forms_of_the_same_table(text):
    assert [(row.participant_id, row.age_years, row.sex) for row in read(text).rows] == EXPECTED


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"  \n\n",
        b"PK\x03\x04xlsx",
        b"\x1f\x8b\x08",
        b"<html><body>504</body></html>",
        b"\x00\x01\x02\x03a\x00",
        b"/annex/objects/MD5E-s12--ab.tsv",
        b"../.git/annex/objects/x/y/MD5E-s12--ab.tsv",
        b'{"error": "not found"}',
    ],
)
def test_what_is_no_table_is_said_to_be_unreadable(data):
    found = read(data)
    assert (found.rows, [note.kind for note in found.notes]) == ((), [NoteKind.UNREADABLE])


def test_ragged_rows_are_read_only_where_their_cells_can_be_told_apart():
    found = read(
        "participant_id\tage\tsex\tIQ\nsub-01\t25\tM\t100\nsub-02\t31\nsub-03\tF\t110\nsub-04\t22\tF\t90\t7\n"
    )
    assert [(row.participant_id, row.age_years, row.sex) for row in found.rows] == [
        ("sub-01", 25.0, "male"),
        ("sub-02", 31.0, None),
        ("sub-03", None, None),
        ("sub-04", None, None),
    ]
    assert {(note.rule, note.rows) for note in found.notes if note.kind is NoteKind.REFUSED} == {
        ("file.ragged", 2)
    }


def test_lost_zeros_come_back_where_the_folders_are_known():
    data = b"participant_id\tage\n1\t25\n12\t30\n"
    found = harmonise("ds", {"participants.tsv": data}, subjects=["sub-001", "sub-012", "sub-013"])
    assert [row.participant_id for row in found.rows] == ["sub-001", "sub-012"]


def test_rows_by_visit_are_sessions():
    found = read("participant_id\tvisit\tage\nsub-01\t1\t25\nsub-01\t2\t26\nsub-02\t1\t40\n")
    assert [(row.participant_id, row.session_id, row.age_years) for row in found.rows] == [
        ("sub-01", "ses-1", 25.0),
        ("sub-01", "ses-2", 26.0),
        ("sub-02", "ses-1", 40.0),
    ]


def test_repeated_rows_are_kept_once_and_different_ones_all():
    found = read("participant_id\tage\nsub-01\t25\nsub-01\t25\nsub-02\t30\nsub-02\t31\n")
    assert [(row.participant_id, row.age_years) for row in found.rows] == [
        ("sub-01", 25.0),
        ("sub-02", 30.0),
        ("sub-02", 31.0),
    ]
    assert {note.rule for note in found.notes} == {"row.repeated", "row.several"}


@pytest.mark.parametrize(
    "text",
    [
        '\ufeff{"sex": {"Levels": {"1": "male", "2": "female"}}}',
        '{"sex": {"Levels": {"1": "male", "2": "female",},},}',
        '{"sex": {"Levels": {"1": "male"\n "2": "female"}}}',
        '{"participants": {"Sex": {"levels": {"1": "male", "2": "female"}}}}',
        '[{"Name": "sex", "Levels": {"1": "male", "2": "female"}}]',
        '{"gender": {"Levels": {"1": "male", "2": "female"}}}',
    ],
)
def test_dictionaries_in_poor_form(text):
    found = read("participant_id\tsex\nsub-01\t1\nsub-02\t2\n", **{"participants.json": text.encode()})
    assert [row.sex for row in found.rows] == ["male", "female"]


def test_a_broken_dictionary_is_said_and_harms_nothing():
    found = read("participant_id\tsex\nsub-01\tM\n", **{"participants.json": b"[" * 100_000})
    assert [row.sex for row in found.rows] == ["male"]
    assert [note.kind for note in found.notes] == [NoteKind.UNREADABLE]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("sub-01\t25\tM\nsub-02\t31\tF\n", "no header"),
        ("01\t25\tM\n02\t31\tF\n", "no header"),
        ("participant_id\tsub-01\tsub-02\nage\t25\t31\n", "transposed"),
        ('{"participant_id": ["sub-01"], "age": [25]}', "JSON"),
    ],
)
def test_what_is_no_table_of_participants_is_told_and_not_half_read(text, what):
    found = read(text)
    assert found.rows == ()
    assert [note.kind for note in found.notes] == [NoteKind.UNREADABLE]
    assert what in found.notes[0].detail


def test_one_zero_byte_makes_no_utf_16():
    found = read(b"participant_id\tage\tsex\nsub-01\t25\x00\tM\nsub-02\t31\tF\n")
    assert [(row.participant_id, row.age_years, row.sex) for row in found.rows] == EXPECTED
    assert [note.rule for note in found.notes] == ["file.nul"]


def test_rows_that_sum_up_are_nobody():
    found = read(
        "participant_id\tage\tsex\nsub-01\t25\tM\nsub-02\t31\tF\nmean\t28\t\nN = 2\t\t\n999\t40\tM\n"
    )
    ids = [row.participant_id for row in found.rows]
    assert ids == ["sub-01", "sub-02", "sub-999"]
    assert [(note.rule, note.rows) for note in found.notes] == [("row.no_id", 2)]


def test_a_dictionary_that_says_two_things_of_a_key_says_nothing():
    twice = (
        b'{"sex": {"Levels": {"1": "male", "2": "female"}}, "sex": {"Levels": {"1": "female", "2": "male"}}}'
    )
    found = read("participant_id\tsex\nsub-01\t1\nsub-02\t2\n", **{"participants.json": twice})
    assert [row.sex for row in found.rows] == [None, None]
