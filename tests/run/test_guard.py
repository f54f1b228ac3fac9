"""A slot survives what its child does, tells the cause truly, and leaves nothing behind."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from allbrains.records import Cause, Done, Failed
from allbrains.run.slot.environment import worker_environment
from allbrains.run.slot.guard import CannotStart, Guard, SlotLimits, Stopped
from allbrains.run.slot.job import Job
from allbrains.run.slot.scratch import PREFIX, Scratch, sweep_scratch
from tests.run.slots import POISON, alive, scan, wait_until

LIMITS = SlotLimits(wall_s=3, memory_mb=300, disk_mb=50, scans=3)


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A temporary folder of our own, to see what is left in it."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def guard(tmp_path, temporary):
    job = Job(recipe_toml="", recipe_origin="test", out=str(tmp_path))
    made = Guard(job, LIMITS, threading.Event(), POISON)
    yield made
    made.close()
    assert not list(temporary.iterdir())


def reply(report) -> dict[str, str]:
    assert isinstance(report.outcome, Done), report
    return json.loads(report.outcome.sha256)


@pytest.mark.parametrize(
    ("poison", "cause", "detail"),
    [
        ("segfault", Cause.SIGNAL, "SIGSEGV"),
        ("abort", Cause.SIGNAL, "SIGABRT"),
        ("killed", Cause.SIGNAL, "SIGKILL"),
        ("exit", Cause.EXIT, "exit code 3"),
        ("hang", Cause.TIMEOUT, "3 s"),
        ("hang-with-gil", Cause.TIMEOUT, "3 s"),
        ("memory", Cause.MEMORY, "300 MB"),
        ("memory-of-a-child", Cause.MEMORY, "300 MB"),
        ("large-file", Cause.EXIT, "exit code 1"),
        ("many-files", Cause.DISK, "50 MB"),
        ("flood", Cause.EXCEPTION, "bytes"),
        ("babble", Cause.EXCEPTION, "no outcome"),
        ("close-stdout", Cause.EXCEPTION, "closed its reply"),
    ],
)
def test_the_cause_is_told_and_the_next_scan_runs_in_a_new_child(guard, poison, cause, detail):
    before = reply(guard(scan("good")))
    report = guard(scan(poison))
    assert isinstance(report.outcome, Failed)
    assert report.outcome.cause is cause
    assert detail in report.outcome.detail
    assert not report.excuse
    after = reply(guard(scan("good")))
    assert before["pid"] != after["pid"]
    assert not psutil.pid_exists(int(before["pid"]))
    assert not Path(before["tmp"]).exists()


def test_a_file_over_the_limit_is_not_written(guard):
    assert "File too large" in guard(scan("large-file")).said


def test_the_child_is_kept_warm_and_replaced_after_so_many_scans(guard):
    pids = [reply(guard(scan("good")))["pid"] for _ in range(7)]
    assert [pids.index(pid) for pid in pids] == [0, 0, 0, 3, 3, 3, 6]


def test_a_child_that_died_while_it_waited_costs_no_scan(guard):
    pid = int(reply(guard(scan("die-after")))["pid"])
    assert wait_until(lambda: not alive(pid))
    assert reply(guard(scan("good")))["pid"] != pid


def test_the_private_folder_is_nobody_elses(guard):
    folder = Path(reply(guard(scan("good")))["tmp"])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert folder.stat().st_uid == os.getuid()


def test_talk_is_kept_to_its_end_and_no_further(guard):
    report = guard(scan("talk"))
    assert isinstance(report.outcome, Done)
    assert len(report.said) <= 1 << 15
    assert report.said.endswith("line 199999 \x1b[31m of much talk\n")
    assert guard(scan("good")).said == ""


@pytest.mark.parametrize("kind", ["grandchild-hang", "grandchild-escapes"])
@pytest.mark.parametrize("end", ["hang", "die"])
def test_a_grandchild_goes_with_the_child(guard, tmp_path, kind, end):
    note = tmp_path / "pids"
    assert isinstance(guard(scan(kind, f"{end}|{note}")).outcome, Failed)
    worker, grandchild, _ = note.read_text().split()
    assert not alive(int(worker))
    assert wait_until(lambda: not alive(int(grandchild)))


def test_a_worker_that_cannot_start_is_no_scans_fault(tmp_path, temporary):
    job = Job(recipe_toml="", recipe_origin="test", out=str(tmp_path))
    broken = (sys.executable, "-c", "import sys; sys.stderr.write('no such library'); sys.exit(9)")
    with pytest.raises(CannotStart, match=r"exit code 9\nno such library"):
        Guard(job, LIMITS, threading.Event(), broken)(scan("good"))
    assert not list(temporary.iterdir())


def test_a_run_that_ends_ends_the_scan_at_once(tmp_path, temporary):
    stop = threading.Event()
    made = Guard(Job(recipe_toml="", recipe_origin="", out=str(tmp_path)), SlotLimits(), stop, POISON)
    timer = threading.Timer(1, stop.set)
    timer.start()
    with pytest.raises(Stopped):
        made(scan("hang-with-gil"))
    made.close()
    timer.join()


DRIVER = """
import sys, threading
from tests.run.slots import POISON, scan
from allbrains.run.slot.guard import Guard, SlotLimits
from allbrains.run.slot.job import Job
Guard(Job(recipe_toml="", recipe_origin="", out="x"), SlotLimits(), threading.Event(), POISON)(
    scan("grandchild-escapes", sys.argv[1]))
"""


def test_all_die_with_the_driver_and_the_folder_goes(tmp_path, temporary):
    """kill -9 of the driver leaves no worker, no grandchild in a session of its own, no folder."""
    note = tmp_path / "pids"
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, f"hang|{note}"],
        env={**os.environ, "TMPDIR": str(temporary)},
        cwd=Path(__file__).parents[2],
    )
    try:
        assert wait_until(lambda: note.exists() and note.read_text().endswith(" "))
        worker, grandchild, folder = note.read_text().split()
        assert alive(int(worker))
        assert Path(folder).is_relative_to(temporary)
        driver.send_signal(signal.SIGKILL)
        assert wait_until(lambda: not alive(int(worker)))
        assert wait_until(lambda: not alive(int(grandchild)))
        assert wait_until(lambda: not list(temporary.iterdir()))
    finally:
        driver.kill()
        driver.wait()


NAPPER = """
import sys, threading
from tests.run.slots import POISON, scan
from allbrains.run.slot.guard import Guard, SlotLimits
from allbrains.run.slot.job import Job
guard = Guard(Job(recipe_toml="", recipe_origin="", out="x"), SlotLimits(wall_s=7), threading.Event(), POISON)
print(type(guard(scan("nap", sys.argv[1])).outcome).__name__)
guard.close()
"""


def test_time_that_the_driver_slept_is_not_the_scans(tmp_path):
    """The scan takes 8 s, the limit is 7 s, and for 5 s of those nobody watched: a lid was closed."""
    note = tmp_path / "note"
    command = [sys.executable, "-c", NAPPER, f"|{note}"]
    driver = subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True)
    try:
        assert wait_until(lambda: note.exists() and note.read_text())
        driver.send_signal(signal.SIGSTOP)
        time.sleep(5)
        driver.send_signal(signal.SIGCONT)
        assert driver.communicate(timeout=60)[0] == "Done\n"
    finally:
        driver.kill()
        driver.communicate()


def test_leftovers_are_swept_and_folders_in_use_are_not(temporary):
    used, left, young, foreign = Scratch(), Scratch(), Scratch(), temporary / "somebody-elses"
    os.close(left._held)
    os.close(young._held)
    foreign.mkdir()
    old = time.time() - 3600
    for made in (used.path / ".in-use", left.path / ".in-use", foreign):
        os.utime(made, (old, old))
    (temporary / f"{PREFIX}link").symlink_to(foreign)
    assert sweep_scratch() == 1
    assert {path.name for path in temporary.iterdir()} == {
        used.path.name,
        young.path.name,
        foreign.name,
        f"{PREFIX}link",
    }
    used.remove()


def test_no_secret_reaches_the_child():
    kept = {"PATH": "/bin", "HOME": "/home/a", "LC_ALL": "C", "ALLBRAINS_X": "1", "CUDA_VISIBLE_DEVICES": "0"}
    secrets = (
        "HF_TOKEN AWS_SECRET_ACCESS_KEY GITHUB_PAT DATABASE_URL OPENAI_API PGPASSFILE NETRC KUBECONFIG "
        "SSH_AUTH_SOCK PYTHONSTARTUP SLACK_WEBHOOK MY_PATH PATHX"
    )
    given = kept | dict.fromkeys(secrets.split(), "canary")
    given["https_proxy"] = "http://me:canary@proxy:3128"
    given["HTTP_PROXY"] = "me:canary@proxy:3128"
    found = worker_environment(given, "/nowhere")
    assert not [name for name, value in found.items() if "canary" in value]
    assert kept.items() <= found.items()
    assert (found["https_proxy"], found["HTTP_PROXY"]) == ("http://proxy:3128", "proxy:3128")
    assert found["TMPDIR"] == "/nowhere"
