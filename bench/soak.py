"""Days of running in minutes: ``python bench/soak.py [--seed N] [--kills N] [FAULT…]``.

Builds a corpus of 48 scans and nine poison scans undisturbed, then again under each fault, with the real
driver, guard, ledger, downloader and packer; only the image processing is made up (``soak_worker``). After
each fault the same must hold: the shards' bytes, one outcome a scan, no attempt charged to the innocent, no
orphan, no temporary file. Needs root for the full disks (tmpfs).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pyarrow.parquet as pq

from allbrains import sandbox
from allbrains.errors import AllbrainsError
from allbrains.store.layout import Layout
from allbrains.store.ledger import LedgerReader

HERE = Path(__file__).parent
RECIPE = HERE.parent / "tests" / "e2e" / "tiny.toml"
POISON = ("segfault", "abort", "exit", "hang", "hangwithgil", "memory", "file", "flood", "mute")
GOOD = 48
_EACH = 4  # scans between two kills of the fault `steps`
NETWORK = (
    "truncated-body",
    "short-body",
    "connection-reset",
    "flipped-bytes",
    "s3-slow-down",
    "range-ignored",
)


def drive(api: str, bucket: str, out: Path) -> int:
    """Build as the command line does, with the soak's worker; called in a process of its own."""
    from allbrains.cli.interrupts import orderly
    from allbrains.library.build_corpus import build_chosen
    from allbrains.library.choose_scans import Choice, gather
    from allbrains.run.engines.local import Local
    from allbrains.run.lock import alone
    from allbrains.run.slot.guard import SlotLimits

    # the patience with a server must end before the patience with a scan, as it does by default
    limits = SlotLimits(wall_s=10, memory_mb=700, disk_mb=50)
    command = (sys.executable, str(HERE / "soak_worker.py"))
    with orderly(), alone(Layout(out)):
        found = gather(Choice(api=api, bucket=bucket), out)
        chosen = replace(found, network=replace(found.network, attempts=3, wait_s=0.2))
        engine = Local(slots=2, limits=limits, command=command)
        tally = build_chosen(chosen, out, recipe=str(RECIPE), engine=engine)
    return 3 if tally.failed else 0


class Soak:
    """The undisturbed corpus, and what each fault's is compared with."""

    def __init__(self, root: Path, seed: int, kills: int) -> None:
        self.root, self.kills, self.random = root, kills, random.Random(seed)
        self.served = root / "openneuro"
        self._write(self.served)
        self.port = 0
        with self.serving() as (api, bucket):
            self.finish(api, bucket, root / "undisturbed")
        self.shards, self.rows = self.content(root / "undisturbed")
        assert len(self.rows) == GOOD + len(POISON)

    def _write(self, root: Path) -> None:
        names = [("ds000001", f"{number:02d}") for number in range(GOOD)]
        for dataset, subject in [*names, *(("ds000002", name) for name in POISON)]:
            path = root / dataset / f"sub-{subject}" / "anat" / f"sub-{subject}_T1w.nii.gz"
            path.parent.mkdir(parents=True)
            path.write_bytes(self.random.randbytes(60_000))
            (root / dataset / "dataset_description.json").write_text(
                '{"Name": "soak", "BIDSVersion": "1.8.0"}'
            )

    @contextmanager
    def serving(self, *switches: str) -> Iterator[tuple[str, str]]:
        """Serve the scans, always at one address once it is known."""
        with sandbox.serve(self.served, switches=switches, port=self.port) as local:
            self.port = int(local.api.split(":")[2].split("/")[0])
            yield local.api, local.bucket

    def start(
        self, api: str, bucket: str, out: Path, temporary: Path | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a driver."""
        place = {"TMPDIR": str(temporary)} if temporary else {}
        command = [sys.executable, __file__, "--drive", api, bucket, str(out)]
        with (self.root / "drivers.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **place})

    def finish(self, api: str, bucket: str, out: Path) -> None:
        """Run a driver to its end."""
        code = self.start(api, bucket, out).wait(600)
        assert code == 3, f"exit code {code}, expected 3: the poison has failed; see {self.root}/drivers.log"

    def content(self, out: Path) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
        """Return the shards' digests, and each scan's outcome."""
        files = out.glob("shards/**/*.parquet")
        shards = {str(f.relative_to(out)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
        table = pq.read_table(out / "samples.parquet").to_pylist()
        rows: dict[str, tuple[str, ...]] = {
            row["path"]: (row["outcome"], row["reason"], row["cause"]) for row in table
        }
        assert len(rows) == len(table)
        return shards, rows

    def check(self, out: Path) -> None:
        """See that nothing shows of what happened to a corpus."""
        shards, rows = self.content(out)
        assert shards == self.shards, "other bytes than undisturbed"
        assert rows == self.rows, "other outcomes than undisturbed"
        with LedgerReader.open(Layout(out).ledger) as ledger:
            names = {member.scan.scan_id: member.scan for member in ledger.members()}
            tried = {names[scan_id].path: times for scan_id, times in ledger.attempts().items()}
            assert ledger.tally().pending == 0
        charged = {path: times for path, times in tried.items() if rows[path][0] == "done" and times != 1}
        assert not charged, f"attempts charged to the innocent: {charged}"
        assert not list((out / "staging").iterdir()), "staged samples are left"
        assert not list(out.rglob("*.tmp")), "temporary files are left"
        end = time.monotonic() + 20
        while (left := orphans()) and time.monotonic() < end:
            time.sleep(0.2)
        assert not left, f"orphans: {left}"

    def killed(self, number: signal.Signals, kills: int) -> str:
        """Signal the driver at random moments; then let it finish."""
        out, hit = self.root / f"killed-{number.name}", 0
        with self.serving() as (api, bucket):
            for _ in range(kills):
                driver = self.start(api, bucket, out)
                try:
                    driver.wait(self.random.uniform(2, 14))
                except subprocess.TimeoutExpired:
                    driver.send_signal(number)
                    driver.wait(60)
                    hit += 1
            self.finish(api, bucket, out)
        self.check(out)
        return f"{hit} × {number.name}"

    def steps(self) -> str:
        """Kill the driver each time that a few more scans are settled; then let it finish."""
        out, hit = self.root / "steps", 0
        with self.serving() as (api, bucket):
            for count in range(_EACH, GOOD + len(POISON), _EACH):
                driver = self.start(api, bucket, out)
                wait_for(lambda: driver.poll() is not None or settled(out) >= count)  # noqa: B023
                hit += driver.poll() is None
                driver.kill()
                driver.wait(60)
            self.finish(api, bucket, out)
        self.check(out)
        return f"{hit} × SIGKILL, one each {_EACH} scans"

    def network(self) -> str:
        """Build over a network that misbehaves in every way that passes."""
        out = self.root / "network"
        with self.serving(*(f"{name}:0.3" for name in NETWORK)) as (api, bucket):
            self.finish(api, bucket, out)
        self.check(out)
        return ", ".join(NETWORK)

    def outage(self) -> str:
        """Take the server away for half a minute in the middle."""
        out = self.root / "outage"
        with ExitStack() as first:
            api, bucket = first.enter_context(self.serving())
            driver = self.start(api, bucket, out)
            wait_for(lambda: len(list(out.glob("staging/*.parquet"))) > 5)
            first.close()
            time.sleep(30)
        with self.serving():
            assert driver.wait(600) == 3
        self.check(out)
        return "30 s without a server"

    def full(self, what: str) -> str:
        """Fill the disk of the output, or of the temporary folder, and empty it again."""
        disk = self.root / f"disk-{what}"
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600m", "tmpfs", disk], check=True)
        try:
            out = disk / "out" if what == "out" else self.root / f"full-{what}"
            (disk / "tmp").mkdir()
            with self.serving() as (api, bucket):
                driver = self.start(api, bucket, out, temporary=disk / "tmp")
                wait_for(lambda: len(list(out.glob("staging/*.parquet"))) > 5)
                fill(disk / "filler")
                time.sleep(10)
                (disk / "filler").unlink()
                assert driver.wait(600) == 3
            self.check(out)
            assert not list((disk / "tmp").glob("allbrains-*"))
        finally:
            subprocess.run(["umount", "-l", disk], check=True)
        return "10 s without a byte"

    def two(self) -> str:
        """Start a second driver beside the first."""
        out = self.root / "two"
        with self.serving() as (api, bucket):
            first = self.start(api, bucket, out)
            wait_for((out / "driver.json").exists)
            second = self.start(api, bucket, out).wait(120)
            assert first.wait(600) == 3
        assert second == 2, f"the second driver ended with {second}"
        self.check(out)
        return "the second was refused"


def settled(out: Path) -> int:
    """Return how many scans of a run have an outcome."""
    if not Layout(out).ledger.exists():
        return 0
    try:
        with LedgerReader.open(Layout(out).ledger) as ledger:
            tally = ledger.tally()
    except (AllbrainsError, OSError):  # it is being made
        return 0
    return tally.planned - tally.pending


def fill(path: Path) -> None:
    """Write until there is no space."""
    try:
        with path.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 16))
    except OSError:
        pass


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def orphans() -> list[int]:
    """Return the processes of workers and keepers of this soak that are alive."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "status"]):
        words = process.info["cmdline"] or []
        if any("soak_worker.py" in word for word in words) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(int(process.info["pid"]))
    return found


def main() -> int:
    """Run the faults that are named, or all."""
    if sys.argv[1:2] == ["--drive"]:
        from allbrains.errors import ConfigurationError

        try:
            return drive(sys.argv[2], sys.argv[3], Path(sys.argv[4]))
        except KeyboardInterrupt:
            return 130
        except AllbrainsError as error:
            print(error, file=sys.stderr)
            return 2 if isinstance(error, ConfigurationError) else 1
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("faults", nargs="*")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as root:
        began = time.monotonic()
        soak = Soak(Path(root), options.seed, options.kills)
        print(f"seed {options.seed}; undisturbed: {time.monotonic() - began:.0f} s")
        faults: dict[str, Callable[[], str]] = {
            "kill": lambda: soak.killed(signal.SIGKILL, soak.kills),
            "term": lambda: soak.killed(signal.SIGTERM, max(1, soak.kills // 10)),
            "interrupt": lambda: soak.killed(signal.SIGINT, max(1, soak.kills // 10)),
            "steps": soak.steps,
            "network": soak.network,
            "outage": soak.outage,
            "full-out": lambda: soak.full("out"),
            "full-tmp": lambda: soak.full("tmp"),
            "two": soak.two,
        }
        print("| fault | done to it | wall s | afterwards |\n|---|---|---|---|")
        for name in options.faults or faults:
            began = time.monotonic()
            done = faults[name]()
            print(f"| {name} | {done} | {time.monotonic() - began:.0f} | as undisturbed |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
