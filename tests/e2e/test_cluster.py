"""The same scans here, by Dask and by a real SLURM of two nodes: the same bytes, whatever dies on the way."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from allbrains.testing.datasets import write_about, write_scan
from allbrains.testing.phantoms import Acquisition, phantom
from tests.e2e.conftest import Package, allbrains

HERE = Path(__file__).parent
NODES = HERE.parents[1] / "tools" / "two-nodes"


@pytest.fixture(scope="module")
def slurm(tmp_path_factory) -> Iterator[Path]:
    """A folder whose SLURM of two nodes runs."""
    folder = tmp_path_factory.mktemp("slurm")
    try:
        subprocess.run([NODES, "up", folder], check=True, timeout=120)
        yield folder
    finally:
        subprocess.run([NODES, "down", folder], check=True, timeout=120)


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """Two coarse heads in a BIDS folder."""
    root = tmp_path_factory.mktemp("study") / "ds900003"
    for number in (1, 2):
        path = root / f"sub-0{number}" / "anat" / f"sub-0{number}_T1w.nii.gz"
        path.parent.mkdir(parents=True)
        write_scan(path, phantom(number, Acquisition(spacing=(3.0, 3.0, 3.0))).t1w)
    write_about(root, "Computed heads", {"01": ("21", "female"), "02": ("22", "male")})
    return root


def build(
    study: Path, package: Package, out: Path, *more: object, env: dict[str, str] | None = None
) -> dict[str, str]:
    """Return the digests of what a build leaves."""
    options = ["--bids", study, "--out", out, "--recipe", package.recipe, "--jobs", 2, *more]
    done = allbrains("build", *options, env={**package.env, **(env or {})})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "done      2" in done.stdout
    files = [*out.glob("shards/**/*.parquet"), out / "samples.parquet"]
    return {str(f.relative_to(out)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def site(folder: Path, **more: object) -> Path:
    """Write a TOML file of a SLURM site whose jobs take a node each."""
    lines = [
        'kind = "slurm"',
        'interface = "lo"',
        'memory = "4GB"',
        'directives = ["--exclusive"]',
        "jobs = 2",
    ]
    lines += [f'{name} = "{value}"' for name, value in more.items()]
    file = folder / "site.toml"
    file.write_text("\n".join(lines) + "\n")
    return file


def test_here_by_dask_and_by_slurm_the_bytes_are_the_same(study, package, slurm, tmp_path):
    here = build(study, package, tmp_path / "here")
    assert build(study, package, tmp_path / "dask", "--engine", "dask") == here
    conf = {"SLURM_CONF": str(slurm / "slurm.conf")}
    assert build(study, package, tmp_path / "slurm", "--cluster", site(tmp_path), env=conf) == here
    assert who_is_left(slurm, tmp_path) == []
    assert not list((tmp_path / "slurm").glob(".*"))  # no certificate stays


class Sleepers:
    """A driver of sleepy scans on SLURM."""

    def __init__(self, slurm: Path, out: Path, scans: int, seconds: float, **more: object) -> None:
        self.env = {**os.environ, "SLURM_CONF": str(slurm / "slurm.conf")}
        self.out, self.scans = out, scans
        arguments = [site(out.parent, **more), out, scans, seconds, 5]
        command = [sys.executable, HERE / "sleepy_driver.py", *arguments]
        self.process = subprocess.Popen(
            list(map(str, command)), env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def next(self, count: int) -> list[str]:
        """Return the names of the next scans that end."""
        return [self.process.stdout.readline().strip() for _ in range(count)]

    def rest(self) -> list[str]:
        """Return the names of the scans that were left, and see that the driver ended well."""
        out, err = self.process.communicate(timeout=300)
        assert self.process.returncode == 0, err
        return out.split()

    def starts(self) -> int:
        return sum(len(note.read_text().split()) for note in (self.out / "notes").iterdir())

    def jobs(self) -> list[tuple[str, str]]:
        """Return the running jobs and their nodes."""
        squeue = subprocess.run(
            ["squeue", "-h", "-t", "running", "-o", "%i %N"],
            env=self.env,
            capture_output=True,
            text=True,
            check=True,
        )
        return [tuple(row.split()) for row in squeue.stdout.splitlines()]


def test_a_dead_worker_and_a_dead_node_cost_only_what_was_in_flight(slurm, tmp_path):
    run = Sleepers(slurm, tmp_path / "out", scans=30, seconds=0.5)
    seen = run.next(4)
    while len(run.jobs()) < 2:
        time.sleep(0.2)
    worker, _ = run.jobs()[0]
    subprocess.run(["scancel", worker], env=run.env, check=True)
    seen += run.next(10)
    _, node = next(job for job in run.jobs() if job[0] != worker)
    subprocess.run([NODES, "kill-node", slurm, node], check=True)
    seen += run.rest()
    assert sorted(seen) == sorted(f"scan-{number}" for number in range(30))
    assert run.starts() <= 30 + 2  # one slot died, then another
    assert who_is_left(slurm, tmp_path) == []
    subprocess.run([NODES, "revive-node", slurm, node], check=True, timeout=60)


def test_workers_go_before_their_walltime_and_lose_nothing(slurm, tmp_path):
    # 5 s a scan at most, and 120 s of slack: none is begun after 10 s of a job's life
    run = Sleepers(slurm, tmp_path / "out", scans=50, seconds=0.5, walltime="00:02:15")
    seen = run.next(1)
    first = {job for job, _ in run.jobs()}
    seen += run.next(45)  # two slots do 40 in that time at most
    later = {job for job, _ in run.jobs()}
    seen += run.rest()
    assert sorted(seen) == sorted(f"scan-{number}" for number in range(50))
    assert run.starts() == 50
    assert later - first


def who_is_left(slurm: Path, folder: Path) -> list[str]:
    """Return, after a while, the jobs of this SLURM and the processes that know the folder."""
    env = {**os.environ, "SLURM_CONF": str(slurm / "slurm.conf")}
    end = time.monotonic() + 60
    while True:
        jobs = subprocess.run(["squeue", "-h"], env=env, capture_output=True, text=True).stdout
        others = (" ".join(p.info["cmdline"] or ()) for p in strangers())
        left = [*jobs.splitlines(), *(line for line in others if str(folder) in line)]
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.2)


def strangers() -> list[psutil.Process]:
    return [p for p in psutil.process_iter(["pid", "cmdline"]) if p.info["pid"] != os.getpid()]
