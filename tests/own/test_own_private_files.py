"""What is written while an own scan is worked on: for the person alone, and gone after a kill."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from allbrains.own.private_files import make_private, private_workspace

WORK = """
import os, signal, sys
from allbrains.own.private_files import private_workspace
with private_workspace() as folder:
    (folder / "head.nii").write_bytes(b"a face")
    print(folder, flush=True)
    os.kill(os.getpid(), getattr(signal, sys.argv[1]))
    signal.pause()
"""


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def mode(path):
    return path.stat().st_mode & 0o777


def test_what_is_written_is_for_the_person_alone_and_the_mask_comes_back(temporary):
    before = os.umask(0o022)
    try:
        with private_workspace() as folder:
            (folder / "a").write_text("x")
            (folder / "b").mkdir()
            subprocess.run(["touch", str(folder / "c")], check=True)
            assert [mode(folder / name) for name in "abc"] == [0o600, 0o700, 0o600]
            assert mode(folder) == 0o700
        assert not list(temporary.iterdir())
    finally:
        assert os.umask(before) == 0o022


def test_a_folder_of_others_stays_as_it_is(tmp_path):
    os.chmod(tmp_path, 0o755)
    make_private(tmp_path / "new" / "deep")
    assert mode(tmp_path / "new" / "deep") == 0o700
    make_private(tmp_path)
    assert mode(tmp_path) == 0o755
    (empty := tmp_path / "empty").mkdir(mode=0o755)
    make_private(empty)
    assert mode(empty) == 0o700


def test_a_killed_scan_is_swept_by_the_next_command_whichever_it_is(tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    killed = subprocess.run(
        [sys.executable, "-c", WORK, "SIGKILL"], env=environment, capture_output=True, text=True, timeout=60
    )
    folder = Path(killed.stdout.strip())
    assert (folder / "head.nii").exists()
    for path in folder.iterdir():  # as if the machine had been busy with something else for a while
        os.utime(path, (time.time() - 5,) * 2)
    subprocess.run(
        [sys.executable, "-m", "allbrains", "verify", "--help"], env=environment, check=True, timeout=60
    )
    assert not list(tmp_path.iterdir())


def test_a_scan_that_is_at_work_is_not_swept(temporary):
    with private_workspace() as folder:
        for path in folder.iterdir():
            os.utime(path, (time.time() - 5,) * 2)
        subprocess.run(
            [sys.executable, "-m", "allbrains", "verify", "--help"],
            env={**os.environ, "TMPDIR": str(temporary)},
            check=True,
            timeout=60,
        )
        assert folder.is_dir()
