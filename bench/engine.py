"""What isolation, distribution and the ledger cost: ``bench/engine.py [guard|dask|scale|flat|million]…``.

Prints a table a part; ``flat:5000`` takes five thousand scans in place of a hundred thousand. CPU seconds are
of this process and its ended children. The part `scale` compares one slot with two in wall time and wants the
machine for itself.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from allbrains import recipes
from allbrains.records import Algorithm, Digest, Scan
from allbrains.run.driver import plan_of
from allbrains.run.engines.local import Engine, Local
from allbrains.run.slot.guard import Guard, Report, SlotLimits
from allbrains.run.slot.job import Job
from allbrains.run.slot.wire import READY
from allbrains.run.watched_build import BuildWork, nobody, watched_build
from allbrains.run.watchers import Unmoved, Watcher
from allbrains.store.layout import Layout
from allbrains.store.ledger import Ledger
from allbrains.store.staging import sweep
from allbrains.transfer import Network

# answers every scan at once, after so many rounds of arithmetic; rejects, so that nothing need be staged
WORKER = """
import os, sys
from allbrains.run.slot.wire import READY, dump_outcome
from allbrains.records import Rejected
from allbrains.errors import Reason
sys.stdin.buffer.readline()
os.write(1, READY)
line = dump_outcome(Rejected(reason=Reason.CONSTANT, detail="nothing to see"))
for _ in sys.stdin.buffer:
    x = 0
    for i in range(int(sys.argv[1])):
        x += i
    os.write(1, line)
"""


_ROUNDS = 10_000_000  # of arithmetic: half a second to a second a scan

TABLE = "| {} | CPU s | wall s | CPU ms each | wall ms each |\n|---|---|---|---|---|"


def worker(rounds: int) -> tuple[str, ...]:
    """Return the command of a worker that counts so far for every scan."""
    return (sys.executable, "-c", WORKER, str(rounds))


def scan(number: int) -> Scan:
    """Return a scan; a hundred of them are a dataset."""
    dataset, path = f"ds{number // 100:06d}", f"sub-{number:07d}/anat/sub-{number:07d}_T1w.nii.gz"
    return Scan(
        dataset=dataset,
        snapshot="1.0.0",
        path=path,
        subject=f"{number:07d}",
        session="",
        suffix="T1w",
        entities=(("sub", f"{number:07d}"),),
        size=10_000_000,
        digest=Digest(algorithm=Algorithm.MD5, hexdigest=f"{number:032x}"),
        urls=(f"https://s3.amazonaws.com/openneuro.org/{dataset}/{path}?versionId={'v' * 32}",),
    )


def cpu_s() -> float:
    """Return the CPU seconds of this process and its ended children."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


@contextmanager
def measured(title: str, per: int) -> Iterator[None]:
    """Print what a block took."""
    cpu, wall = cpu_s(), time.monotonic()
    yield
    cpu, wall = cpu_s() - cpu, time.monotonic() - wall
    print(
        f"| {title} | {cpu:.2f} | {wall:.2f} | {cpu / per * 1000:.3f} | {wall / per * 1000:.3f} |", flush=True
    )


def part_guard(folder: Path, count: int = 2000) -> None:
    """The guard over the bare function: a call, the watching of a long scan, a child's start."""
    print(TABLE.format("guard"))
    job = Job(recipe_toml="", recipe_origin="", out=str(folder))
    guard = Guard(job, SlotLimits(scans=10**9), threading.Event(), worker(0))
    guard(scan(0))
    with measured(f"{count} scans that do nothing", count):
        for number in range(count):
            guard(scan(number))
    guard.close()
    slow = WORKER.replace("    x = 0", "    import time; time.sleep(20)")
    waiting = (sys.executable, "-c", slow, "0")
    guard = Guard(job, SlotLimits(), threading.Event(), waiting)
    with measured("watching one scan for 20 s, with the start and end of its child", 1):
        guard(scan(0))
        guard.close()
    real = Job(recipe_toml=recipes.text("embedded"), recipe_origin="embedded", out=str(folder))
    with measured("starting and ending a real worker, five times", 5):
        for _ in range(5):
            guard = Guard(real, SlotLimits(), threading.Event())
            assert guard(scan(0)).outcome  # refused at the first step: the folder has no such URL
            guard.close()


def part_dask(folder: Path, count: int = 2000) -> None:
    """Dask and the guard over the bare function."""
    from allbrains.run.engines.cluster_settings import ClusterSite
    from allbrains.run.engines.dask_cluster import Dask

    print(TABLE.format("dask + guard"))
    (folder / "allbrains.json").touch()
    engine = Dask(site=ClusterSite(), limits=SlotLimits(scans=10**9), slots=2, command=worker(0))
    job = Job(recipe_toml="", recipe_origin="", out=str(folder))
    with measured("start and end of a cluster, 2 scans", 1):
        list(engine(map(scan, range(2)), job))
        engine.close()
    list(engine(map(scan, range(2)), job))
    with measured(f"{count} scans that do nothing, 2 slots", count):
        list(engine(map(scan, range(count)), job))
    with measured("the same cluster's end (and its CPU seconds)", 1):
        engine.close()


def part_scale(folder: Path, count: int = 60) -> None:
    """Two slots against one; and the same arithmetic in bare processes, which is what the machine can do."""
    job = Job(recipe_toml="", recipe_origin="", out=str(folder))
    print("| scans | one at a time, s each | two at once, s each | efficiency |\n|---|---|---|---|")
    walls = {(how, slots): 0.0 for how in ("bare", "engine") for slots in (1, 2)}
    rounds = 2
    for _ in range(rounds):  # in turns, so that other work on the machine hits all four alike
        for slots in (1, 2):
            walls["bare", slots] += bare_s(slots, count)
            walls["engine", slots] += engine_s(slots, count, job)
    made = {how: (walls[how, 1] / rounds, walls[how, 2] / rounds) for how in ("bare", "engine")}
    for how, (one, two) in made.items():
        print(f"| {how} | {one:.4f} | {two:.4f} | {one / two / 2:.3f} |")
    (bare_one, bare_two), (one, two) = made["bare"], made["engine"]
    print(f"the engine's efficiency as a share of the machine's: {one / two / (bare_one / bare_two):.3f}")
    print(f"the engine over bare: {one / bare_one:.3f} with one slot, {two / bare_two:.3f} with two")


def engine_s(slots: int, count: int, job: Job) -> float:
    """Return the seconds a scan that slots take; their children's start is left out."""
    engine = Local(slots=slots, limits=SlotLimits(), command=worker(_ROUNDS))
    results = engine(map(scan, range(count)), job)
    for _ in range(slots):  # the children are up
        next(results)
    began = time.monotonic()
    done = sum(1 for _ in results)
    return (time.monotonic() - began) / done


def bare_s(processes: int, count: int) -> float:
    """Return the seconds a scan when so many processes do nothing but the arithmetic; starts are left out."""
    children = [
        subprocess.Popen(worker(_ROUNDS), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(processes)
    ]
    share = count // processes
    for child in children:
        assert child.stdin
        assert child.stdout
        child.stdin.write(b"the job\nwarm up\n")
        child.stdin.flush()
        assert child.stdout.readline() == READY
        child.stdout.readline()
    began = time.monotonic()
    for child in children:
        assert child.stdin
        child.stdin.write(b"go\n" * share)
        child.stdin.close()
    for child in children:
        assert child.stdout
        child.stdout.read()
        child.wait()
    return (time.monotonic() - began) / (share * processes)


def part_flat(folder: Path, count: int = 100_000) -> None:
    """A hundred thousand scans through window, guard, ledger."""
    process, began = psutil.Process(), time.monotonic()

    class Look(Unmoved):
        seen = 0

        def see(self, scan: Scan, report: Report) -> None:
            self.seen += 1
            if self.seen % (count // 10) == 0:
                rss, wall = process.memory_info().rss / 1e6, time.monotonic() - began
                print(f"| {self.seen} | {rss:.0f} | {wall:.0f} | {self.seen / wall:.0f} |", flush=True)

    cpu = cpu_s()
    print("| scans | driver's RSS, MB | wall s | scans/s |\n|---|---|---|---|")
    engine = Local(slots=2, limits=SlotLimits(scans=10**9), command=worker(0))
    run(folder, [scan(number) for number in range(count)], engine, Look())
    print(f"{(cpu_s() - cpu) / count * 1000:.2f} CPU ms a scan, workers included")


def run(folder: Path, scans: list[Scan], engine: Engine, watch: Watcher) -> None:
    """Build these scans."""
    work = BuildWork(scans=scans, people=nobody(), network=Network(), recipe="embedded")
    watched_build(work, Layout(folder), engine=engine, watchers=[watch])


def part_million(folder: Path, count: int = 1_000_000) -> None:
    """What a driver does before its first scan, on a ledger of a million scans that are settled."""
    import sqlite3

    layout = Layout(folder)
    scans = [scan(number) for number in range(count)]
    with Ledger.open(layout.ledger) as ledger:
        ledger.register(scans)
    db = sqlite3.connect(layout.ledger)
    with db:
        db.execute(
            "INSERT INTO outcomes "
            "SELECT scan_id, 'rejected', 'constant', '', 'nothing to see', '', 0, 1 FROM scans"
        )
        db.execute("INSERT INTO costs SELECT scan_id, 1, 0, 'read', 1.0, 1.0, 500.0 FROM scans")
    db.close()
    print(f"ledger: {layout.ledger.stat().st_size / 1e6:.0f} MB")
    print(TABLE.format(f"start-up with {count} settled scans"))
    with measured("open, sweep, register, plan", count), Ledger.open(layout.ledger) as ledger:
        sweep(layout, ledger)
        ledger.register(scans)
        assert not plan_of(scans, ledger).todo


PARTS: dict[str, Callable[..., None]] = {
    "guard": part_guard,
    "dask": part_dask,
    "scale": part_scale,
    "flat": part_flat,
    "million": part_million,
}

if __name__ == "__main__":
    print(json.dumps({"cores": os.cpu_count(), "python": sys.version.split()[0]}))
    for word in sys.argv[1:] or PARTS:
        name, _, fewer = word.partition(":")
        with tempfile.TemporaryDirectory(prefix="bench-engine-") as scratch:
            PARTS[name](Path(scratch), *([int(fewer)] if fewer else []))
