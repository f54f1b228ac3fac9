"""The command line's promises: exit codes, clear sentences, stdout for data only."""

import os
import subprocess
import sys

import pytest

from allbrains.run.lock import alone
from allbrains.store.layout import Layout


def allbrains(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "allbrains", *arguments], capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["biuld"], "biuld"),
        (["build", "--otu", "x"], "--out"),
        (["build", "--out", "{tmp}/x", "--bids", "{tmp}/nowhere"], "nowhere"),
        (["build", "--out", "{tmp}/x", "--recipe", "embeded", "--bids", "{tmp}"], "'embedded'"),
        (["build", "--out", "{tmp}/x", "--bids", "{tmp}"], "BIDS"),
        (["catalog", "--out", "{tmp}/x", "--api", "not-a-url"], "URL"),
        (["status", "{tmp}"], "ledger"),
        (["export", "{tmp}", "--to", "{tmp}/y"], "no corpus"),
    ],
)
def test_a_wrong_command_ends_with_2_and_names_what_is_wrong(arguments, said, tmp_path):
    done = allbrains(*(word.replace("{tmp}", str(tmp_path)) for word in arguments))
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_an_endpoint_that_is_not_there_is_one_clear_sentence(tmp_path):
    done = allbrains("build", "--api", "http://127.0.0.1:9/crn/graphql", "--out", str(tmp_path / "x"))
    assert done.returncode == 1
    assert "127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_folder_in_use_is_refused_before_the_catalogue_is_read_or_written(tmp_path):
    with alone(Layout(tmp_path)):
        done = allbrains("build", "--api", "http://127.0.0.1:9/crn/graphql", "--out", str(tmp_path))
    assert done.returncode == 2, done.stderr
    assert f"is being written by process {os.getpid()} on" in done.stderr
    assert not (tmp_path / "catalog").exists()


def test_a_folder_that_cannot_be_made_is_one_clear_sentence(tmp_path):
    (tmp_path / "file").touch()
    done = allbrains("build", "--bids", str(tmp_path), "--out", str(tmp_path / "file" / "x"))
    assert done.returncode == 2, done.stderr
    assert str(tmp_path / "file") in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_finds_what_the_embedded_recipe_needs(tmp_path):
    done = allbrains("doctor", "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout
    assert "MISSING" not in done.stdout
    assert "MNI152NLin2009aSym" in done.stdout


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, allbrains; print([m for m in ('numpy', 'pyarrow', 'torch', 'ants') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]"
