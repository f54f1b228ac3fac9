"""What is wrong with the world pauses the run and is charged to nobody; what is a scan's own is its own."""

from collections import deque
from pathlib import Path

import pytest

from allbrains import sandbox
from allbrains.errors import NoSpace
from allbrains.records import Cause, Done, Failed
from allbrains.run.pause import EXCUSES, IN_A_ROW, Disk, Pause, Service, silence
from allbrains.run.slot.guard import Report
from allbrains.testing.corpora import scan
from allbrains.transfer import Network

ORIGIN = "https://example.org/"
DONE = Report(outcome=Done(sha256="0" * 64, size=1))


def failed(cause, excuse=""):
    return Report(outcome=Failed(cause=cause, detail="no answer"), excuse=excuse)


class World:
    """A world whose troubles end after so many looks."""

    def __init__(self, looks=0):
        self.looks, self.slept, self.told = looks, [], []

    def trouble(self, where):
        self.looks -= 1
        return "it is out" if self.looks >= 0 else ""

    def pause(self, *checks):
        return Pause(checks, self.told.append, pause_s=20, sleep=self.slept.append)


def test_a_full_disk_ends_the_feed_and_nothing_is_lost():
    world = World(looks=2)
    pause = world.pause(Disk(Path("out"), short=world.trouble))
    todo = deque([scan(0), scan(1), scan(2)])
    feed = pause.feed(todo)
    first = next(feed)
    assert pause.excuses(first, failed(Cause.DISK, excuse="no space left in /tmp"))
    assert not list(feed)
    pause.wait()
    assert world.slept == [20, 40, 80]
    assert world.told == ["no space left in /tmp", ""]
    assert list(pause.feed(todo)) == [scan(1), scan(2)]


def test_a_scan_that_wants_more_than_there_is_is_to_blame_itself():
    pause = World().pause(Disk(Path("out"), short=lambda _: ""))
    assert not pause.excuses(scan(0), failed(Cause.DISK))
    pause.wait()


@pytest.mark.parametrize("cause", [Cause.NETWORK, Cause.TIMEOUT])
def test_an_outage_is_nobodys_fault(cause):
    world = World(looks=5)
    pause = world.pause(Service(world.trouble, [ORIGIN]))
    assert pause.excuses(scan(0), failed(cause))
    pause.wait()
    assert world.slept == [20, 40, 80, 160, 300]
    assert world.told == ["it is out", ""]


def test_one_dead_url_is_its_scans_own_fault():
    pause = World().pause(Service(lambda _: "", [ORIGIN]))
    for number in range(10):
        assert not pause.excuses(scan(number), failed(Cause.NETWORK))
        assert not pause.excuses(scan(100 + number), DONE)


def test_a_row_of_silence_is_an_outage_though_a_probe_is_answered_but_not_for_ever():
    pause = World().pause(Service(lambda _: "", [ORIGIN]))
    excused = [pause.excuses(scan(0), failed(Cause.NETWORK)) for _ in range(20)]
    assert excused == [False] * (IN_A_ROW - 1) + [True] * EXCUSES + [False] * (21 - IN_A_ROW - EXCUSES)


def test_a_scan_that_hangs_while_the_service_answers_is_to_blame_itself():
    pause = World().pause(Service(lambda _: "", [ORIGIN]))
    assert not any(pause.excuses(scan(number), failed(Cause.TIMEOUT)) for number in range(2 * IN_A_ROW))


@pytest.mark.parametrize("cause", [c for c in Cause if c not in (Cause.NETWORK, Cause.TIMEOUT, Cause.DISK)])
def test_no_other_cause_is_excused(cause):
    world = World(looks=100)
    checks = Service(world.trouble, [ORIGIN]), Disk(Path("out"), short=world.trouble)
    assert not world.pause(*checks).excuses(scan(0), failed(cause))


def test_a_write_that_finds_no_space_is_repeated():
    world = World(looks=1)
    pause = world.pause(Disk(Path("out"), short=world.trouble))
    answers = iter([NoSpace("no space left to write x"), NoSpace("no space left to write x"), "written"])

    def write():
        if isinstance(answer := next(answers), NoSpace):
            raise answer
        return answer

    assert pause.patiently(write) == "written"
    assert world.slept == [20, 40, 20]


def test_a_probe_takes_any_answer_for_a_sign_of_life(tmp_path):
    (tmp_path / "ds1" / "sub-01").mkdir(parents=True)
    with sandbox.serve(tmp_path) as server:
        network = Network(origins=(f"{server.bucket}/", f"{server.api}/"), wait_s=0.01)
        ask = silence(network)
        assert ask(network.origins[0]) == ""
        assert ask(network.origins[1]) == ""  # an API that answers 4xx to a GET is there
    assert "no answer" in ask(network.origins[0])
