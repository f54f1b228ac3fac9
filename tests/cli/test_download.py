"""``allbrains download``: a line a file on stdout, and an exit code that says whether all came."""

import json

import pytest

from allbrains import sandbox
from allbrains.cli.main import run


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    root = tmp_path_factory.mktemp("archive")
    for number in (1, 2):
        image = root / f"ds00000{number}/sub-01/anat/sub-01_T1w.nii"
        image.parent.mkdir(parents=True)
        image.write_bytes(f"{number}".encode() * 10_000)
        (root / f"ds00000{number}/dataset_description.json").write_text('{"Name": "N"}')
    return root


def test_a_choice_is_written_and_the_catalogue_stays_out_of_the_way(archive, tmp_path, capsys):
    command = ["download", "--out", str(tmp_path), "--where", "dataset = 'ds000002'"]
    with sandbox.serve(archive) as server:
        ends = ["--api", server.api, "--bucket", server.bucket]
        assert run([*command, *ends, "--dry-run"]) == 0
        assert capsys.readouterr().out == "ds000002/sub-01/anat/sub-01_T1w.nii\t10000\n"
        assert not (tmp_path / "ds000002").exists()
        assert run([*command, *ends]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[:3] for row in rows] == [
        ["written", "ds000002/dataset_description.json", "13"],
        ["written", "ds000002/sub-01/anat/sub-01_T1w.nii", "10000"],
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".allbrains", "ds000002"]


def test_files_that_do_not_come_are_told_and_the_code_is_3(archive, tmp_path, capsys):
    with sandbox.serve(archive, switches=["wrong-bytes:1", "objects-empty:1"]) as server:
        ends = ["--api", server.api, "--bucket", server.bucket]
        assert run(["download", *ends, "--out", str(tmp_path), "--json"]) == 3
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    bad = [row for row in rows if row["status"] == "rejected"]
    assert {row["path"] for row in bad if row["path"].endswith(".nii")} == {
        "ds000001/sub-01/anat/sub-01_T1w.nii",
        "ds000002/sub-01/anat/sub-01_T1w.nii",
    }
    assert all("git-sha1" in row["detail"] or "md5" in row["detail"] for row in bad)
    assert list(tmp_path.glob("ds*/**/*.nii*")) == []
