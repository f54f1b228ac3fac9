"""Clusters that never start end with what the batch system said, not with tracebacks and waiting."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from allbrains.run.engines import dask_cluster, submissions
from allbrains.run.engines.cluster_settings import ClusterSite
from allbrains.run.engines.dask_cluster import Dask
from allbrains.run.engines.submissions import REFUSED_S, SILENT_S, Submissions
from allbrains.run.slot.guard import CannotStart, SlotLimits
from allbrains.run.slot.job import Job
from allbrains.testing.corpora import scan

REFUSES = "echo 'sbatch: error: Invalid account \x1b[2J' >&2; exit 1"
DIES = """
folder=$(sed -n 's/^#SBATCH -o \\(.*\\)\\/.*/\\1/p' "$1")
echo "python: command not found" > "$folder/job.out"
echo "Submitted batch job 7"
"""


def sbatch(folder: Path, script: str) -> Path:
    for name, text in (("sbatch", script), ("scancel", "exit 0")):
        (folder / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / name).chmod(0o700)
    return folder


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (REFUSES, r"takes no job, it says: sbatch: error: Invalid account \?\[2J"),
        ("exit 0", "takes no job, it says: nothing, not even the job's number|Could not parse"),
        ("", "there is no such command here"),
        (DIES, "no worker comes of them; the last one's output ends: python: command not found"),
    ],
    ids=["refuses", "silent", "missing", "dies"],
)
def test_the_batch_systems_own_words_end_the_run(script, said, tmp_path, monkeypatch, capfd):
    commands = tmp_path / "bin"
    commands.mkdir()
    if script:
        sbatch(commands, script)
    # a machine may have a batch system of its own
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}/usr/bin{os.pathsep}/bin" if script else str(commands))
    monkeypatch.setattr(submissions, "REFUSED_S", 1.0)
    monkeypatch.setattr(submissions, "SILENT_S", 3.0)
    monkeypatch.setattr(dask_cluster, "_LOOK_EVERY_S", 0.5)
    out = tmp_path / "out"
    out.mkdir()
    engine = Dask(site=ClusterSite(kind="slurm", jobs=1, interface="lo"), limits=SlotLimits(), slots=1)
    job = Job(recipe_toml="", recipe_origin="x", out=str(out))
    alarm = threading.Timer(100, os._exit, [1])
    alarm.start()
    try:
        with pytest.raises(CannotStart, match=said):
            next(iter(engine([scan(0)], job)))
    finally:
        alarm.cancel()  # first: were it left, it would end another test's process
        engine.close()
    assert "Traceback" not in capfd.readouterr().err
    assert not list(out.glob(".cluster-*"))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_jobs_may_wait_in_a_queue_for_days(tmp_path):
    clock = Clock()
    jobs = Submissions("sbatch", tmp_path, clock)
    jobs.accepted()
    clock.now = 1e6
    assert jobs.trouble() == ""


def test_a_refusal_counts_when_it_stays(tmp_path):
    clock = Clock()
    jobs = Submissions("sbatch", tmp_path, clock)
    jobs.refused("busy")
    assert jobs.trouble() == ""
    clock.now = REFUSED_S + 1
    assert "busy" in jobs.trouble()
    jobs.accepted()
    assert jobs.trouble() == ""


def test_old_output_of_jobs_is_no_sign(tmp_path):
    (tmp_path / "old.out").write_text("error")
    clock = Clock()
    jobs = Submissions("sbatch", tmp_path, clock)
    clock.now = SILENT_S + 1
    assert jobs.trouble() == ""
    (tmp_path / "new.out").write_text("\nmodule: not found\n\n")
    assert jobs.trouble().endswith("ends: module: not found")
    jobs.came()
    assert jobs.trouble() == ""
