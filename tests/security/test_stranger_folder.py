"""A BIDS folder that a stranger laid out: read within a time and a memory, each dataset by itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from allbrains.catalogue.crawl import crawl
from allbrains.cli.main import run
from allbrains.sources.bids_folder import BidsFolder
from allbrains.sources.snapshot import Exclusion

IMAGE = b"not really an image" * 1000
T1W = "anat/sub-01_T1w.nii.gz"


@pytest.fixture(autouse=True)
def bounded_time():
    def ring(number, frame):
        raise AssertionError("still not done after 60 s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def put(path, content=IMAGE):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def study(tmp_path):
    """A folder of two datasets, a stranger's and a healthy one."""
    for name in ("healthy", "odd"):
        put(tmp_path / "in" / name / "sub-01" / T1W)
        put(tmp_path / "in" / name / "dataset_description.json", b'{"Name": "x"}')
        put(tmp_path / "in" / name / "participants.tsv", b"participant_id\tage\nsub-01\t30\n")
    return tmp_path / "in"


def found_in(study):
    return crawl(BidsFolder(study))


@pytest.mark.parametrize(
    "name", ["participants.tsv", "participants.json", "dataset_description.json", "README"]
)
@pytest.mark.parametrize("kind", ["pipe", "/dev/zero", "folder", "ring", "large"])
def test_what_is_no_regular_file_holds_nobody(name, kind, study):
    path = study / "odd" / name
    path.unlink(missing_ok=True)
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "ring":
            path.symlink_to(path)
        case "large":
            path.touch()
            os.truncate(path, 1 << 40)  # a hole: no byte on the disk
        case _:
            path.symlink_to(kind)
    found = found_in(study)
    assert {*found.scans["dataset"].to_pylist()} == {"healthy", "odd"}


@pytest.mark.parametrize("kind", ["pipe", "/dev/zero"])
def test_an_image_that_is_no_file_is_a_row(kind, study):
    path = study / "odd" / "sub-01" / T1W
    path.unlink()
    os.mkfifo(path) if kind == "pipe" else path.symlink_to(kind)
    found = found_in(study)
    assert found.scans["dataset"].to_pylist() == ["healthy"]
    (row,) = [row for row in found.exclusions.to_pylist() if row["path"]]
    assert (row["reason"], row["evidence"][:18]) == (Exclusion.NOT_FETCHED, "not a regular file")


DEEP = b"[" * 200_000
TEXTS = [
    DEEP,
    b'{"Name": ' + DEEP,
    rb'{"Name": "half \ud83d", "Authors": ["\ude00"]}',
    b'{"Name": 1' + b"0" * 5000 + b"}",
    b"\xff\xfe\x00",
    b'{"age": {"Units": "\\ud83d", "Levels": {"\\ud800": "x"}}}',
    b"participant_id\tage\nsub-01\t1" + b"0" * 400 + b"\n",
    b"participant_id\tage\nsub-01\t\xf0\x9f\n",
    b"participant_id\tage\n" + b"\t" * 100_000 + b"\n",
]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: repr(text[:30]))
@pytest.mark.parametrize(
    "name", ["participants.tsv", "participants.json", "dataset_description.json", "README"]
)
def test_texts_of_any_bytes(text, name, study):
    put(study / "odd" / name, text)
    found = found_in(study)
    assert {*found.scans["dataset"].to_pylist()} == {"healthy", "odd"}


def test_names_of_any_bytes(study, tmp_path, capsys):
    folder = os.fsencode(study / "odd" / "sub-01" / "anat")
    with open(folder + b"/sub-01_acq-\xe9_T1w.nii.gz", "wb") as file:
        file.write(IMAGE)
    os.mkdir(os.fsencode(study) + b"/odd/sub-\xff")
    put(study / "odd" / "sub-01" / "anat" / "sub-01_acq-\x1b]0;x\x07\n_T1w.nii.gz")
    assert run(["catalog", "--bids", str(study), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert "\x1b" not in said.out + said.err
    found = found_in(study)
    (row,) = [row for row in found.exclusions.to_pylist() if "\\xe9" in row["path"]]
    assert "not UTF-8" in row["evidence"]
    assert "healthy" in found.scans["dataset"].to_pylist()


def test_a_dataset_whose_name_is_not_utf8(study):
    os.rename(study / "odd", os.fsencode(study) + b"/od\xff")
    assert len({*found_in(study).scans["dataset"].to_pylist()}) == 2


def paths(study, dataset="odd"):
    return [row["path"] for row in found_in(study).scans.to_pylist() if row["dataset"] == dataset]


def test_a_link_from_elsewhere_leaves_the_subject_in_its_place(study):
    odd = study / "odd"
    for folder in ("derivatives/mriqc", "code", "aaa"):
        (odd / folder).mkdir(parents=True)
        (odd / folder / "sub-01").symlink_to(odd / "sub-01")
    assert paths(study) == [f"sub-01/{T1W}"]


def test_a_subject_that_is_a_link_keeps_its_place(study):
    odd = study / "odd"
    (odd / "sourcedata").mkdir()
    (odd / "sub-01").rename(odd / "sourcedata" / "sub-01")
    (odd / "sub-01").symlink_to("sourcedata/sub-01")
    assert paths(study) == [f"sub-01/{T1W}"]


def test_a_link_between_subjects_takes_nobodys_place(study):
    odd = study / "odd"
    put(odd / "sub-02" / "ses-a" / "anat" / "sub-02_ses-a_T1w.nii.gz")
    (odd / "sub-01" / "ses-a").symlink_to(odd / "sub-02" / "ses-a")
    (odd / "sub-00").symlink_to(odd / "sub-01")
    assert paths(study) == [f"sub-01/{T1W}", "sub-02/ses-a/anat/sub-02_ses-a_T1w.nii.gz"]


def test_any_depth_and_rings_end_and_are_told(study):
    deep = study / "odd" / "sub-01"
    for _ in range(200):
        deep = deep / "d"
        deep.mkdir()
    (study / "odd" / "sub-01" / "up").symlink_to(study)
    (study / "odd" / "sub-01" / "self").symlink_to(".")
    found = found_in(study)
    assert {*found.scans["dataset"].to_pylist()} == {"healthy", "odd"}
    assert [row["reason"] for row in found.missing] == [Exclusion.LISTING_TRUNCATED]
    assert "more than 64 folders deep" in found.missing[0]["evidence"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_the_first_asking(number, study, tmp_path):
    large = study / "odd" / "sub-01" / T1W
    with large.open("wb") as file:
        file.truncate(1 << 40)  # hashing it would take an hour
    command = [sys.executable, "-m", "allbrains", "catalog", "--bids", study, "--out", tmp_path / "out"]
    crawl_of_it = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        time.sleep(6)  # it hashes by now, or is about to
        began = time.monotonic()
        crawl_of_it.send_signal(number)
        _, said = crawl_of_it.communicate(timeout=30)
    finally:
        crawl_of_it.kill()
    assert crawl_of_it.returncode == 130, said
    assert time.monotonic() - began < 15
    assert b"Traceback" not in said


def test_the_participants_command_waits_for_no_pipe(tmp_path, capsys):
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "sub-01").mkdir()
    os.mkfifo(folder / "participants.tsv")
    put(folder / "dataset_description.json", json.dumps({"Name": "x"}).encode())
    assert run(["participants", str(folder)]) == 3
    assert "Traceback" not in capsys.readouterr().err
