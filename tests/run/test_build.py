"""One outcome a scan, whatever the engine brings: tried again as its class says, charged as it deserves."""

import os
import signal
import subprocess
import sys
from collections import Counter

import pytest

from allbrains.errors import ConfigurationError, Reason
from allbrains.records import Cause, Failed, Rejected
from allbrains.run.driver import build
from allbrains.run.lock import alone
from allbrains.run.pause import Disk, Pause
from allbrains.run.slot.guard import CannotStart, Report
from allbrains.run.work_plan import ATTEMPTS, TRIES
from allbrains.store.layout import Layout
from allbrains.store.ledger import LedgerReader
from allbrains.testing.corpora import scan
from allbrains.transfer import Network

SCANS = [scan(number) for number in range(4)]
FINE = Report(outcome=Rejected(reason=Reason.CONSTANT, detail="every voxel is 0"))


class Told:
    """An engine that brings what it was told to, and a watch that counts."""

    slots = 2

    def __init__(self, answers):
        self.answers = {s.scan_id: list(answers.get(n, [])) for n, s in enumerate(SCANS)}
        self.runs, self.seen, self.repeated = Counter(), Counter(), Counter()

    def __call__(self, scans, job):
        for one in scans:
            self.runs[one.scan_id] += 1
            queue = self.answers[one.scan_id]
            yield one, queue.pop(0) if queue else FINE

    def close(self):
        pass

    def begin(self, plan):
        pass

    def see(self, one, report):
        self.seen[one.scan_id] += 1

    def again(self, one, report):
        self.repeated[one.scan_id] += 1


def run(root, told, *, short=lambda _: ""):
    import pyarrow as pa

    pause = Pause([Disk(root, short=short)], lambda _: None, sleep=lambda _: None)
    people = pa.table({"scan_id": pa.array([], pa.string())})
    options = {"recipe": "embedded", "engine": told, "network": Network(), "watch": told, "pause": pause}
    return build(SCANS, people, Layout(root), **options)


def failed(cause):
    return Report(outcome=Failed(cause=cause, detail="it failed"))


@pytest.mark.parametrize("cause", list(Cause))
def test_a_failure_is_tried_again_as_its_class_says(tmp_path, cause):
    told = Told({1: [failed(cause)] * 9})
    tally = run(tmp_path, told)
    assert told.runs[SCANS[1].scan_id] == TRIES[cause]
    assert dict(tally.failed) == {cause.value: 1}
    assert tally.rejected == {"constant": 3}
    assert set(told.seen.values()) == {1}
    with LedgerReader.open(Layout(tmp_path).ledger) as ledger:
        assert ledger.attempts()[SCANS[1].scan_id] == TRIES[cause]


def test_a_failure_that_passes_is_no_failure(tmp_path):
    told = Told({0: [failed(Cause.SIGNAL)], 3: [failed(Cause.NETWORK)] * 2})
    tally = run(tmp_path, told)
    assert not tally.failed
    assert (told.repeated[SCANS[0].scan_id], told.repeated[SCANS[3].scan_id]) == (1, 2)


def test_over_all_runs_a_scan_is_tried_so_often_and_then_left(tmp_path):
    told = Told({1: [failed(Cause.EXCEPTION)] * 9})
    for _ in range(5):
        run(tmp_path, told)
    assert told.runs[SCANS[1].scan_id] == ATTEMPTS
    assert told.runs.total() == ATTEMPTS + 3


def test_a_full_disk_is_charged_to_nobody(tmp_path):
    full = Report(outcome=Failed(cause=Cause.DISK, detail="ENOSPC"), excuse="no space left")
    looks = iter(["full", "full"])
    told = Told({0: [full], 2: [full, full, full, full]})
    tally = run(tmp_path, told, short=lambda _: next(looks, ""))
    assert not tally.failed
    with LedgerReader.open(Layout(tmp_path).ledger) as ledger:
        assert set(ledger.attempts().values()) == {1}


def test_a_broken_installation_stops_the_run_and_is_charged_to_nobody(tmp_path):
    class Broken(Told):
        def __call__(self, scans, job):
            yield next(scans), FINE
            next(scans)
            raise CannotStart("no worker can be started: No module named 'ants'")

    with pytest.raises(ConfigurationError, match="ants"):
        run(tmp_path, Broken({}))
    with LedgerReader.open(Layout(tmp_path).ledger) as ledger:
        assert len(ledger.attempts()) == 1
    assert run(tmp_path, Told({})).pending == 0


HOLDER = """
import sys, time
from pathlib import Path
from allbrains.run.lock import alone
from allbrains.store.layout import Layout
with alone(Layout(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(1000)
"""


def test_a_second_driver_is_refused_with_the_firsts_name_and_a_dead_ones_lock_is_free(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ConfigurationError, match=f"process {holder.pid} on '.+', since 20"):
            alone(Layout(tmp_path)).__enter__()
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    assert (tmp_path / "driver.json").exists()  # it had no time to tidy up
    with alone(Layout(tmp_path)):
        assert str(os.getpid()) in (tmp_path / "driver.json").read_text()
    assert not (tmp_path / "driver.json").exists()


STOPPABLE = """
import sys, time
from allbrains.cli.interrupts import orderly
try:
    with orderly():
        print("on", flush=True)
        time.sleep(1000)
except KeyboardInterrupt:
    print("off", flush=True)
    sys.exit(130)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_is_an_interrupt(number):
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPABLE], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout.readline() == b"on\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"off\n")
    assert b"once more to end at once" in err


STUCK = """
import sys, time
from allbrains.cli.interrupts import orderly
with orderly():
    try:
        print("on", flush=True)
        time.sleep(1000)
    finally:
        print("ending", flush=True)
        time.sleep(1000)
"""


def test_the_second_signal_is_the_end():
    process = subprocess.Popen([sys.executable, "-c", STUCK], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == b"on\n"
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == b"ending\n"
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"ended at once" in err
