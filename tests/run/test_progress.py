"""Watching: the figures add up, the time left can be believed, and they are read from elsewhere."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import asdict, replace

import pytest

from allbrains.cli.main import run
from allbrains.errors import Reason
from allbrains.records import Cause, Done, Failed, Rejected
from allbrains.run.progress import Progress
from allbrains.run.run_log import RunLog
from allbrains.run.run_status import Figures, left, line, path_of, read_figures, runs, span
from allbrains.run.slot.guard import Report
from allbrains.run.work_plan import Plan
from allbrains.store.layout import Layout
from allbrains.store.ledger import Ledger
from allbrains.testing.corpora import scan

DONE = Report(outcome=Done(sha256="0" * 64, size=1))
REJECTED = Report(outcome=Rejected(reason=Reason.CONSTANT, detail="every voxel is 0"))
FAILED = Report(outcome=Failed(cause=Cause.TIMEOUT, detail="not done after 1800 s"), said="step 1\nstep 2\n")


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def started(out, clock, count=100, slots=2):
    progress = Progress(out, lambda: slots, clock)
    todo = tuple(scan(number) for number in range(count))
    progress.begin(Plan(todo=todo, settled=5, seconds_per_scan=60.0))
    return progress


def test_the_figures_add_up(tmp_path, clock):
    progress = started(tmp_path, clock)
    for number, report in enumerate([DONE, DONE, REJECTED, FAILED]):
        clock.now += 30
        progress.again(scan(number), FAILED)
        progress.see(scan(number), report)
    figures = progress.figures()
    assert (figures.done, figures.rejected, figures.failed) == (2, {"constant": 1}, {"timeout": 1})
    assert (figures.todo, figures.settled, figures.again) == (100, 5, 4)
    assert figures.scans_per_hour == pytest.approx(120)
    assert figures.mb_per_s == pytest.approx((1000 + 1001 + 1002) / 1e6 / 120)
    assert figures.disk_free_gb > 0


def test_the_time_left_is_the_plans_until_it_can_be_measured(tmp_path, clock):
    progress = started(tmp_path, clock)
    assert (progress.figures().left_s, progress.figures().guessed) == (100 * 60 / 2, True)
    for number in range(4):
        clock.now += 10
        progress.see(scan(number), DONE)
    assert (progress.figures().left_s, progress.figures().guessed) == (960, False)


def test_the_time_left_follows_the_pace_of_late(tmp_path, clock):
    progress = started(tmp_path, clock, count=1000)
    for number in range(300):
        clock.now += 100 if number < 200 else 10
        progress.see(scan(number), DONE)
    assert progress.figures().left_s == pytest.approx(7000)


def test_a_pause_is_no_time(tmp_path, clock):
    progress = started(tmp_path, clock)
    for number in range(10):
        clock.now += 10
        progress.see(scan(number), DONE)
        progress.pause("no space left")
        progress.pause("no space left")
        clock.now += 3600
        assert progress.figures().trouble == "no space left"
        progress.pause("")
    assert progress.figures().left_s == pytest.approx(900)
    assert progress.figures().scans_per_hour == pytest.approx(360)


def test_what_is_written_is_read(tmp_path, clock):
    progress = started(tmp_path, clock)
    progress.see(scan(0), REJECTED)
    progress.end("interrupted")
    figures = read_figures(tmp_path)
    assert (figures.rejected, figures.ended, figures.pid) == ({"constant": 1}, "interrupted", os.getpid())
    assert not runs(figures)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"host": 1}', '{"other": 1}'])
def test_a_broken_file_is_no_file(tmp_path, text):
    path_of(tmp_path).write_text(text)
    assert read_figures(tmp_path) is None


def test_a_driver_is_alive_or_not():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    here = Figures(host=socket.gethostname(), pid=os.getpid(), began=0, written=0, todo=1, settled=0)
    assert runs(here)
    assert not runs(replace(here, pid=gone.pid))
    assert runs(replace(here, pid=gone.pid, host="elsewhere"))
    assert not runs(replace(here, ended="finished"))


def test_status_tells_the_run_from_another_terminal(tmp_path, clock, capsys):
    with Ledger.open(Layout(tmp_path).ledger) as ledger:
        ledger.register([scan(0), scan(1)])
        ledger.record(scan(0).scan_id, REJECTED.outcome)
    progress = started(tmp_path, clock, count=2, slots=1)
    clock.now += 36
    progress.see(scan(0), REJECTED)
    progress.pause("no answer")
    assert run(["status", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "pending   1" in told
    assert f"running in process {os.getpid()}" in told
    assert "paused    no answer" in told
    assert run(["status", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["planned"], told["run"]["running"]) == (2, True)
    assert told["run"]["rejected"] == {"constant": 1}


def test_one_line_says_it_all(tmp_path):
    figures = Figures(
        host="here",
        pid=1,
        began=0,
        written=0,
        todo=100,
        settled=0,
        done=7,
        rejected={"constant": 2},
        failed={"timeout": 1, "memory": 3},
        scans_per_hour=80,
        mb_per_s=0.25,
        disk_free_gb=99,
        left_s=7320,
        guessed=False,
    )
    assert line(figures) == (
        "7 done · 2 rejected (constant 2) · 4 failed (timeout 1, memory 3) · "
        "80 scans/h · 0.25 MB/s · 99 GB free · 2 h 02 min left"
    )
    assert left(replace(figures, guessed=True)).startswith("~")
    assert left(replace(figures, trouble="x")) == "paused"
    assert left(replace(figures, left_s=0)) == "finished"
    assert json.dumps(asdict(figures))


@pytest.mark.parametrize(
    ("seconds", "words"), [(5, "5 s"), (65, "1 min 05 s"), (3660, "1 h 01 min"), (90000, "1 d 1 h")]
)
def test_times_in_words(seconds, words):
    assert span(seconds) == words


def test_the_log_has_the_scans_key_on_each_line(tmp_path):
    log = RunLog(tmp_path)
    log.begin(Plan(todo=(scan(0),), settled=0, seconds_per_scan=1.0))
    log.again(scan(0), FAILED)
    log.see(scan(0), DONE)
    log.pause("no space left")
    log.end("finished")
    lines = [text.split(" ", 2) for text in log.path.read_text().splitlines()]
    of_scan = [text for _, key, text in lines if key == scan(0).key]
    assert of_scan == [
        "| step 1",
        "| step 2",
        "failed: timeout: not done after 1800 s; to be tried again",
        "done, 1 bytes",
    ]
    assert [text for _, key, text in lines if key == "-"] == [
        "1 scans to run, 0 settled already",
        "paused: no space left",
        "finished",
    ]
