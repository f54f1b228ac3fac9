"""The command, as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FIELDS = """dataset participant_id session_id age_years age_low age_high age_capped
    sex handedness group group_word diagnosis diagnosis_code species""".split()  # noqa: SIM905


@pytest.fixture
def datasets(tmp_path: Path) -> Path:
    for name, text in {
        "ds1": "participant_id\tage\tsex\tgroup\nsub-01\t25\tF\tHC\n=cmd()\t89+\tM\t\u2028\x1bx\n",
        "ds2": "participant_id\tage\nsub-01\t20-25\n",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "participants.tsv").write_text(text, "utf-8")
    (tmp_path / "notes").mkdir()
    return tmp_path


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "allbrains", "participants", *map(str, arguments)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )


def test_json_lines_of_a_folder_of_datasets(datasets):
    done = run(datasets, "--json")
    lines = [json.loads(line) for line in done.stdout.split("\n") if line]
    assert (done.returncode, [line["dataset"] for line in lines]) == (0, ["ds1", "ds1", "ds2"])
    assert [list(line) for line in lines] == [[*FIELDS, "receipts"]] * 3
    assert lines[2]["receipts"]["age_low"] == {
        "source": "participants.tsv",
        "column": "age",
        "raw": "20-25",
        "unit_declared": "",
        "unit_inferred": "years",
        "rule": "age.range+unit.years_assumed",
        "confidence": "medium",
    }
    assert (lines[2]["age_years"], lines[2]["session_id"], lines[1]["age_capped"]) == (None, None, True)


def test_the_tsv_is_safe_to_open_in_a_spreadsheet(datasets):
    done = run(datasets / "ds1" / "participants.tsv")
    header, *lines = done.stdout.split("\n")[:-1]
    assert header.split("\t") == FIELDS
    assert lines[0] == "ds1\tsub-01\tn/a\t25\tn/a\tn/a\tfalse\tfemale\tn/a\tn/a\tHC\tn/a\tn/a\tn/a"
    assert [len(line.split("\t")) for line in lines] == [len(FIELDS)] * 2
    assert not any(cell.startswith(("=", "+", "@", "-")) for line in lines for cell in line.split("\t"))


def test_exit_codes(datasets):
    assert run(datasets / "nothing").returncode == 2
    assert run(datasets / "notes").returncode == 2
    (datasets / "ds2" / "participants.json").write_text("no JSON")
    done = run(datasets)
    assert (done.returncode, done.stdout.count("\n")) == (3, 4)
    assert "ds2/participants.json: unreadable" in done.stderr
