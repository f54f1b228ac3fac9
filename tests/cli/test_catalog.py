"""``allbrains catalog``: stdout is data, stderr is talk, and the exit code says how it went."""

import errno
import json
import os
import shutil
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
from filelock import FileLock

from allbrains import sandbox
from allbrains.catalogue import catalogue
from allbrains.cli.main import run
from allbrains.sources.openneuro import listing_cache


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    root = tmp_path_factory.mktemp("archive")
    for number in range(1, 4):
        image = root / f"ds00000{number}/sub-01/anat/sub-01_T1w.nii"
        image.parent.mkdir(parents=True)
        image.write_bytes(f"{number}".encode() * 10_000)
        (root / f"ds00000{number}/participants.tsv").write_text(f"participant_id\tage\nsub-01\t{number}0\n")
        (root / f"ds00000{number}/dataset_description.json").write_text('{"Name": "N"}')
    return root


def test_a_table_and_a_catalogue(archive, tmp_path, capsys):
    with sandbox.serve(archive) as server:
        ends = ["--api", server.api, "--bucket", server.bucket]
        assert (
            run(
                [
                    "catalog",
                    *ends,
                    "--out",
                    str(tmp_path),
                    "--list",
                    "--where",
                    "age_years > 15",
                    "--limit",
                    "1",
                ]
            )
            == 0
        )
    printed = capsys.readouterr()
    header, row = printed.out.splitlines()
    assert dict(zip(header.split("\t"), row.split("\t"), strict=True))["dataset"] == "ds000002"
    assert "3 scans of 3 people in 3 datasets" in printed.err
    assert catalogue.read(tmp_path).scans.num_rows == 3


def test_without_list_it_says_how_much_there_is(archive, tmp_path, capsys):
    assert run(["catalog", "--bids", str(archive), "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("3 scans of 3 people in 3 datasets")
    assert len(printed.out.splitlines()) == 1
    assert catalogue.read(tmp_path).scans.num_rows == 3


def test_a_plan_of_nothing_is_no_success(archive, tmp_path, capsys):
    command = ["plan", "--bids", str(archive), "--out", str(tmp_path)]
    assert run([*command, "--where", "age_years > 150"]) == 1
    assert "nothing was chosen" in capsys.readouterr().err
    assert run([*command, "--dataset", "ds999999"]) != 0
    assert run(command) == 0


def test_the_next_day_says_what_changed(archive, tmp_path, capsys):
    root = tmp_path / "archive"
    shutil.copytree(archive, root)
    out = tmp_path / "out"
    command = ["catalog", "--bids", str(root), "--out", str(out)]
    assert run(command) == 0
    assert not (out / "changes.json").exists()
    capsys.readouterr()
    assert run(command) == 0
    assert "since the last run: nothing has changed\n" in capsys.readouterr().err
    shutil.copytree(root / "ds000001", root / "ds000004")
    shutil.rmtree(root / "ds000001")
    capsys.readouterr()
    assert run(command) == 0
    told = capsys.readouterr().err
    assert "1 new datasets, 0 changed, 1 withdrawn" in told
    assert "  new: ds000004\n" in told
    assert "re-issued: ds000001 is now ds000004 (1 images in common)" in told
    changes = json.loads((out / "changes.json").read_text())
    assert (changes["new"], changes["withdrawn"][0]["dataset"]) == (["ds000004"], "ds000001")


def test_changed_datasets_are_named(archive, tmp_path, capsys):
    root = tmp_path / "archive"
    shutil.copytree(archive, root)
    with sandbox.serve(root) as server:
        command = ["catalog", "--api", server.api, "--bucket", server.bucket, "--out", str(tmp_path / "out")]
        assert run(command) == 0
        (root / "ds000002/sub-01/anat/sub-01_T1w.nii").write_bytes(b"7" * 10_000)
        assert run(command) == 0
    told = capsys.readouterr().err
    assert "  changed: ds000002 (1.0.0, another commit)\n" in told
    assert "1 with another digest" in told


def test_a_lock_file_from_one_run_for_the_next(archive, tmp_path, capsys):
    with sandbox.serve(archive) as server:
        ends = ["--api", server.api, "--bucket", server.bucket]
        assert run(["catalog", *ends, "--out", str(tmp_path / "a")]) == 0
        lock = tmp_path / "a/catalog.lock.json"
        locked = ["catalog", *ends, "--out", str(tmp_path / "b"), "--lock", str(lock)]
        assert run(locked) == 0
        assert catalogue.read(tmp_path / "b") == catalogue.read(tmp_path / "a")
        lock.write_text(lock.read_text().replace('"hexsha": "', '"hexsha": "0'))
        assert run(locked) == 1
    assert "lock_broken: the lock says commit 0" in capsys.readouterr().err


def test_every_column_is_described_in_its_file(archive, tmp_path):
    assert run(["catalog", "--bids", str(archive), "--out", str(tmp_path)]) == 0
    for name in ("datasets", "scans", "participants", "exclusions"):
        for field in pq.read_schema(tmp_path / f"{name}.parquet"):
            assert len(field.metadata[b"description"]) > 4, field.name


def test_headers_and_sidecars_by_option(archive, tmp_path, capsys):
    command = ["catalog", "--bids", str(archive), "--out", str(tmp_path), "--json"]
    assert run([*command, "--headers", "--sidecars", "--where", "header IS NOT NULL", "--limit", "1"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["header"] == "unreadable"  # these images are made of one digit


def test_a_condition_on_what_was_not_read_says_so(archive, tmp_path, capsys):
    command = ["catalog", "--bids", str(archive), "--out", str(tmp_path)]
    condition = ["--where", "spacing_max < 2 AND fov_min > 150 OR echo_time_s < 0.01"]
    assert run([*command, *condition]) == 1
    told = capsys.readouterr().err
    assert "nothing was chosen" in told  # an empty answer is no success
    assert "asks for fov_min, spacing_max, and the headers of 3 images have not been read" in told
    assert "asks for echo_time_s, and no sidecars are read" in told
    assert run([*command, *condition, "--headers", "--sidecars"]) == 1  # these images are made of one digit
    assert run([*command, "--where", "spacing_max < 2"]) == 1  # read once, kept
    assert "--where asks for" not in capsys.readouterr().err


def test_json_lines_with_every_column(archive, tmp_path, capsys):
    command = ["catalog", "--bids", str(archive), "--dataset", "ds000003", "--out", str(tmp_path), "--json"]
    assert run(command) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["age_years"] == 30
    assert set(json.loads(line)) == set(catalogue.read(tmp_path).scans.column_names)


def test_a_named_dataset_that_is_not_there(archive, tmp_path, capsys):
    with sandbox.serve(archive) as server:
        ends = ["--api", server.api, "--bucket", server.bucket, "--out", str(tmp_path)]
        assert run(["catalog", *ends, "--list", "--dataset", "ds000001", "--dataset", "ds999999"]) == 1
    printed = capsys.readouterr()
    assert "incomplete: ds999999: not_accessible: Dataset ds999999 does not exist." in printed.err
    assert len(printed.out.splitlines()) == 2


def test_control_characters_of_a_server_do_not_reach_the_terminal(tmp_path, capsys):
    image = tmp_path / "ds/sub-01/anat/sub-01_acq-\x1b[31m\t_T1w.nii"
    image.parent.mkdir(parents=True)
    image.write_bytes(b"1" * 10_000)
    assert run(["catalog", "--bids", str(tmp_path / "ds"), "--out", str(tmp_path / "out"), "--list"]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert "acq-\\x1b[31m\\x09_T1w" in row
    assert len(row.split("\t")) == len(header.split("\t"))


def test_two_crawls_do_not_share_a_folder(archive, tmp_path, capsys):
    with FileLock(tmp_path / ".catalog.lock"):
        assert run(["catalog", "--bids", str(archive), "--out", str(tmp_path)]) == 2
    assert "another" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "code", "word"),
    [
        (["--api", "nonsense"], 2, "nonsense"),
        (["--api", "ftp://host/graphql"], 2, "ftp://"),
        (["--bucket", "https://user:secret@host/"], 2, "not the URL of a service"),
        (["--where", "agee > 3"], 2, "age_years"),
        (["--bids", "/nowhere"], 2, "/nowhere"),
        (["--limit", "0"], 2, "--limit"),
        (["--dateset", "ds000001"], 2, "--dataset"),
        (["--api", "http://127.0.0.1:9/crn/graphql"], 1, "Connection refused"),
    ],
)
def test_exit_codes(options, code, word, tmp_path):
    command = [sys.executable, "-m", "allbrains", "catalog", "--out", str(tmp_path), *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == code
    assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "scans.parquet").exists()


@pytest.mark.parametrize("command", ["catalog", "download", "plan"])
def test_a_full_disk_is_one_sentence(command, archive, tmp_path, monkeypatch, capsys):
    def full(path, content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(listing_cache, "put", full)
    with sandbox.serve(archive) as server:
        ends = ["--api", server.api, "--bucket", server.bucket]
        assert run([command, *ends, "--out", str(tmp_path)]) == 1
    assert "allbrains: no space left to write" in capsys.readouterr().err


def test_a_file_where_the_folder_should_be_is_one_sentence(archive, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert run(["catalog", "--bids", str(archive), "--out", str(tmp_path / "file/x")]) == 2
    assert "allbrains: can't write" in capsys.readouterr().err
