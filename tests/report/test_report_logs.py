"""What a report takes from the logs: the last lines of its scans, and nothing that tells of the machine."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allbrains.records import Cause, Failed
from allbrains.report.log_excerpts import LINES, excerpts, shareable
from allbrains.run.run_log import RunLog
from allbrains.run.slot.guard import Report
from allbrains.testing.corpora import scan

FIRST, SECOND = scan(1), scan(2)
LOGS = Path("logs")
SECRETS = (
    "hf_abcdefghijklmnopqrstuv",
    "AKIAABCDEFGHIJKLMNOP",
    "ghp_0123456789abcdefghijABCDEFGHIJ",
    "eyJhbGciOiJIUzI1NiIsInR5cCI.eyJzdWIiOiIxMjM0.SflKxwRJSM",
)


def failed(detail, said=""):
    return Report(outcome=Failed(cause=Cause.EXCEPTION, detail=detail), said=said)


def test_what_a_run_writes_is_what_a_report_reads(tmp_path):
    log = RunLog(tmp_path)
    log.again(FIRST, failed("first try", said="a traceback\nof two lines"))
    log.see(SECOND, failed("not asked for"))
    log.see(FIRST, failed("second try"))
    log.end("finished")
    assert excerpts(tmp_path / LOGS, {FIRST.key}) == {
        FIRST.key: (
            "| a traceback",
            "| of two lines",
            "failed: exception: first try; to be tried again",
            "failed: exception: second try",
        )
    }


def written(folder, name, lines):
    folder.mkdir(exist_ok=True)
    text = "".join(f"2026-11-22T18:16:24Z {key} {line}\n" for key, line in lines)
    (folder / f"{name}.log").write_text(text, encoding="utf-8")


def test_the_last_lines_of_the_newest_run_that_speaks_of_a_scan(tmp_path):
    written(tmp_path, "20260101T000000Z-1", [("a/x.nii", "old"), ("b/x.nii", "only here")])
    written(tmp_path, "20260102T000000Z-1", [("a/x.nii", str(n)) for n in range(100)])
    found = excerpts(tmp_path, {"a/x.nii", "b/x.nii", "c/x.nii"})
    assert found["a/x.nii"] == tuple(str(n) for n in range(100 - LINES, 100))
    assert found["b/x.nii"] == ("only here",)
    assert set(found) == {"a/x.nii", "b/x.nii"}


def test_names_with_blanks_and_names_that_begin_alike(tmp_path):
    written(tmp_path, "1", [("my data/sub 1/x.nii", "mine"), ("my", "not mine"), ("my data/sub", "neither")])
    assert excerpts(tmp_path, {"my data/sub 1/x.nii"}) == {"my data/sub 1/x.nii": ("mine",)}


def test_of_a_log_that_is_too_long_its_end(tmp_path):
    written(tmp_path, "2", [("a/x.nii", "begin"), *[("b/x.nii", "-" * 100)] * 100, ("a/x.nii", "end")])
    written(tmp_path, "1", [("c/x.nii", "never read")])
    assert excerpts(tmp_path, {"a/x.nii", "c/x.nii"}, most_bytes=1000) == {"a/x.nii": ("end",)}


def test_no_folder_no_excerpt(tmp_path):
    assert excerpts(tmp_path / "nowhere", {"a/x.nii"}) == {}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('| File "/home/ada/my venv/lib/ants.py", line 3', '| File "…/ants.py", line 3'),
        ("OSError: /mnt/lab/ada/out/staging/x.parquet: full", "OSError: …/x.parquet: full"),
        ("~/data/sub-01.nii and 1/2, sub-01/anat/x.nii", "…/sub-01.nii and 1/2, sub-01/anat/x.nii"),
        ("https://ada:geheim@s3.example.org/a/b.nii?X-Amz-Signature=00ff", "https://s3.example.org/a/b.nii"),
        (
            'HF_TOKEN=abc123 api_key: "xyz" Authorization: Bearer abc',
            'HF_TOKEN=… api_key: "…" Authorization: Bearer …',
        ),
        ("more than 600 s; 4 frames (expected 1)", "more than 600 s; 4 frames (expected 1)"),
    ],
)
def test_what_may_be_handed_on(text, shown):
    assert shareable(text) == shown
    assert shareable(shown) == shown


@given(st.sampled_from(SECRETS), st.text(max_size=10), st.sampled_from(["", " ", "=", ": ", "'"]))
def test_tokens_are_known_by_their_shape(secret, before, between):
    assert secret not in shareable(f"{before} {between}{secret}{between} {before}")
