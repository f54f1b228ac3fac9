"""A crawl that is killed at random moments ends in the same bytes: `python bench/catalogue_kills.py`.

A synthetic OpenNeuro runs here, `allbrains catalog --headers --sidecars` in a process of its own. Once it
may end; then, in another folder, it is killed with SIGKILL again and again, each time after a random part of
the undisturbed run's time; one that comes to its end before is compared, and the next begins with nothing.
All tables and the lock file must have the same bytes, and no part of a file may lie about.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

from allbrains import sandbox
from allbrains.sandbox.simulated import SimulatedArchive

FILES = (
    "datasets.parquet",
    "scans.parquet",
    "participants.parquet",
    "exclusions.parquet",
    "catalog.lock.json",
)


def start(server: sandbox.Sandbox, out: Path) -> subprocess.Popen[bytes]:
    """Start a crawl."""
    command = [sys.executable, "-m", "allbrains", "catalog", "--api", server.api, "--bucket", server.bucket]
    command += ["--out", str(out), "--headers", "--sidecars"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def differences(one: Path, other: Path) -> list[str]:
    """Return what differs between two finished folders, or lies about in the second."""
    wrong = [name for name in FILES if (one / name).read_bytes() != (other / name).read_bytes()]
    return wrong + [f"left over: {path.name}" for path in other.glob("*.part")]


@click.command()
@click.option("--datasets", default=40, show_default=True)
@click.option("--kills", default=20, show_default=True)
@click.option("--latency", default=20.0, show_default=True, help="Milliseconds.")
@click.option("--seed", default=0, show_default=True)
def main(datasets: int, kills: int, latency: float, seed: int) -> None:
    """Kill a crawl again and again, and compare."""
    archive = SimulatedArchive(datasets, seed=seed)
    archive.prepare()
    draw = random.Random(seed)
    with sandbox.serve(archive, latency_s=latency / 1000) as server, tempfile.TemporaryDirectory() as made:
        whole = Path(made, "whole")
        began = time.monotonic()
        if code := start(server, whole).wait():
            raise SystemExit(f"the undisturbed crawl ended with {code}")
        took_s = time.monotonic() - began
        asked = server.requests.total("graphql")
        killed, whole_ones, wrong = 0, 0, list[str]()
        out = Path(made, "killed")
        while killed < kills:
            process = start(server, out)
            try:
                process.wait(draw.uniform(0, took_s))
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            if process.wait() == -signal.SIGKILL:
                killed += 1
                continue
            wrong += differences(whole, out)  # it was done before its kill: compared, and all over again
            whole_ones += 1
            shutil.rmtree(out)
        if code := start(server, out).wait():
            raise SystemExit(f"the last crawl ended with {code}")
        wrong += differences(whole, out)
    print(f"{datasets} datasets; the undisturbed crawl: {took_s:.1f} s, {asked} API requests")
    print(f"{killed} runs were killed, {whole_ones + 1} came to their end in between")
    print("the same bytes" if not wrong else f"DIFFERENT: {', '.join(wrong)}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
