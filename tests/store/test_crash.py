"""The crash law: killed at any commit step, for every step, and started again, the bytes are the same."""

import os
import subprocess
import sys
from contextlib import suppress

import pytest

from allbrains.errors import Reason
from allbrains.records import Rejected
from allbrains.store.layout import Layout
from allbrains.store.ledger import LedgerReader
from allbrains.testing.corpora import ToyStory, scan, write

STORY = ToyStory(
    scans=(scan(0), scan(1), scan(2), scan(7, "ds000002")),
    ends={scan(1).scan_id: Rejected(reason=Reason.CONSTANT, detail="every voxel is 0")},
)


class Crash(BaseException):
    """Not an Exception: nothing may catch it, as nothing catches SIGKILL."""


class CrashAt:
    """A hook that crashes at the Nth step; counts steps where it doesn't."""

    def __init__(self, step=-1):
        self.left, self.seen = step, 0

    def __call__(self, step):
        self.seen += 1
        self.left -= 1
        if self.left == 0:
            raise Crash(step)


def content(root):
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.name.startswith("ledger.sqlite")
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    root = tmp_path_factory.mktemp("undisturbed") / "out"
    hook = CrashAt()
    write(Layout(root), STORY, at=hook)
    with LedgerReader.open(Layout(root).ledger) as ledger:
        return content(root), hook.seen, ledger.tally()


def test_after_a_crash_at_any_step_the_same_command_ends_with_the_same_bytes(undisturbed, tmp_path):
    expected, steps, tally = undisturbed
    assert steps > 50
    for step in range(1, steps + 1):
        root = tmp_path / str(step)
        with pytest.raises(Crash):
            write(Layout(root), STORY, at=CrashAt(step))
        write(Layout(root), STORY)
        assert content(root) == expected, f"step {step} of {steps}"
        with LedgerReader.open(Layout(root).ledger) as ledger:
            assert ledger.tally() == tally


def test_two_crashes_in_a_row(undisturbed, tmp_path):
    expected, steps, _ = undisturbed
    for step in range(2, steps, 5):
        root = tmp_path / str(step)
        for crash in (step, max(2, step // 2)):
            with suppress(Crash):
                write(Layout(root), STORY, at=CrashAt(crash))
        write(Layout(root), STORY)
        assert content(root) == expected, f"step {step} of {steps}"


def test_scans_that_are_done_are_not_done_again(undisturbed, tmp_path):
    root = tmp_path / "out"
    write(Layout(root), STORY)
    seen = []
    write(Layout(root), STORY, at=seen.append)
    assert not [
        step for step in seen if "shards" in step or step.startswith(("committing record", "renamed ds"))
    ]
    assert content(root) == undisturbed[0]


# The same with a real process that really dies, at a few steps: nothing is flushed, closed or rolled back.
SCRIPT = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from test_crash import STORY
from allbrains.store.layout import Layout
from allbrains.testing.corpora import write
left = int(sys.argv[2])
def die(step):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), 9)
write(Layout(Path(sys.argv[1])), STORY, at=die)
"""


@pytest.mark.parametrize("part", [0.3, 0.8])
def test_a_killed_process(undisturbed, tmp_path, part):
    expected, steps, _ = undisturbed
    root = tmp_path / "out"
    here = os.path.dirname(__file__)
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, root, str(int(steps * part)), here], capture_output=True
    )
    assert ended.returncode == -9, ended.stderr.decode()
    write(Layout(root), STORY)
    assert content(root) == expected
