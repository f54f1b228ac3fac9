"""Calls of the file layer and of the ledger fail, each in its turn: the next run ends as if nothing had been.

For a place N of a call, and each way to fail (the disk fails, it is full, memory is out): the first run ends
in an error and leaves nothing that the second one doesn't put right, byte for byte.
"""

from __future__ import annotations

import errno
import io
import os
import sqlite3
from collections.abc import Callable
from contextlib import contextmanager, suppress

import pytest

from allbrains.errors import AllbrainsError, NoSpace, Reason
from allbrains.records import Rejected
from allbrains.store import ledger_file
from allbrains.store.layout import Layout
from allbrains.store.ledger import Ledger, LedgerReader
from allbrains.testing.corpora import ToyStory, scan, write

STORY = ToyStory(
    scans=(scan(0), scan(1), scan(7, "ds000002")),
    ends={scan(1).scan_id: Rejected(reason=Reason.CONSTANT, detail="every voxel is 0")},
)
OF_FILES = ("os.open", "os.fsync", "os.replace", "os.mkdir", "os.unlink", "io.open")
KINDS: dict[str, Callable[[], BaseException]] = {
    "EIO": lambda: OSError(errno.EIO, os.strerror(errno.EIO)),
    "ENOSPC": lambda: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
    "memory": MemoryError,
}


def content(root):
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and not path.name.startswith("ledger.sqlite")
    }


class Failing:
    """Counts calls, and lets the Nth one fail."""

    def __init__(self, at: int, error: Callable[[], BaseException]) -> None:
        self.left, self.count, self.error = at, 0, error

    def step(self) -> None:
        self.count += 1
        self.left -= 1
        if self.left == 0:
            raise self.error()

    def around(self, function):
        def call(*arguments, **named):
            self.step()
            return function(*arguments, **named)

        return call


@contextmanager
def files_failing(at, error):
    failing, before = Failing(at, error), {}
    modules = {"os": os, "io": io}
    for name in OF_FILES:
        module, _, function = name.partition(".")
        before[name] = getattr(modules[module], function)
        setattr(modules[module], function, failing.around(before[name]))
    try:
        yield failing
    finally:
        for name, function in before.items():
            module, _, place = name.partition(".")
            setattr(modules[module], place, function)


@contextmanager
def ledger_failing(at, error):
    failing, connect = Failing(at, error), sqlite3.connect

    class Connection(sqlite3.Connection):
        def execute(self, *arguments):
            failing.step()
            return super().execute(*arguments)

        def executemany(self, *arguments):
            failing.step()
            return super().executemany(*arguments)

    ledger_file.sqlite3.connect = lambda *a, **named: connect(*a, factory=Connection, **named)
    try:
        yield failing
    finally:
        ledger_file.sqlite3.connect = connect


def of_sqlite(code: int) -> Callable[[], BaseException]:
    def make() -> BaseException:
        error = sqlite3.OperationalError("said so")
        error.sqlite_errorcode = code
        return error

    return make


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    root = tmp_path_factory.mktemp("undisturbed") / "out"
    write(Layout(root), STORY)
    with LedgerReader.open(Layout(root).ledger) as ledger:
        return content(root), ledger.tally(), ledger.outcomes()


def survives(failing, error, at, root, undisturbed):
    """Let one call fail, then run again; return whether there was such a call."""
    with failing(at, error) as counted, suppress(AllbrainsError, OSError, MemoryError):
        write(Layout(root), STORY)
    write(Layout(root), STORY)
    expected, tally, outcomes = undisturbed
    assert content(root) == expected, f"call {at}"
    with LedgerReader.open(Layout(root).ledger) as ledger:
        assert (ledger.tally(), ledger.outcomes()) == (tally, outcomes), f"call {at}"
    return counted.count >= at


@pytest.mark.parametrize("kind", KINDS)
def test_every_call_of_the_file_layer_fails_once(kind, undisturbed, tmp_path):
    step = {"EIO": 4, "ENOSPC": 9, "memory": 13}[kind]  # every call takes two minutes, and was run once
    at = step
    while survives(files_failing, KINDS[kind], at, tmp_path / str(at), undisturbed):
        at += step
    assert at > 60


CODES = {
    "EIO": sqlite3.SQLITE_IOERR,
    "full": sqlite3.SQLITE_FULL,
    "memory": sqlite3.SQLITE_NOMEM,
}


@pytest.mark.parametrize("kind", CODES)
def test_every_statement_of_the_ledger_fails_once(kind, undisturbed, tmp_path):
    step = {"EIO": 4, "full": 9, "memory": 13}[kind]
    at = step
    while survives(ledger_failing, of_sqlite(CODES[kind]), at, tmp_path / str(at), undisturbed):
        at += step
    assert at > 30


def test_a_ledger_that_is_really_full_says_so_and_goes_on(tmp_path):
    layout = Layout(tmp_path / "out")
    write(layout, STORY)
    scans = [scan(number, "ds000003") for number in range(100, 600)]
    with Ledger.open(layout.ledger) as ledger:
        (pages,) = ledger._db.execute("PRAGMA page_count").fetchone()
        ledger._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(NoSpace):
            ledger.register(scans)
        assert ledger.tally().planned == 3
        ledger._db.execute(f"PRAGMA max_page_count = {pages + 1000}")
        assert ledger.register(scans) == 500
