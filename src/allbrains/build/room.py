"""A full disk is a pause, not a failure: nothing is recorded, and the run goes on when there is room."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from allbrains.errors import NoSpace
from allbrains.records import Cause, Failed, Outcome, Scan

Made = TypeVar("Made")

ENOUGH = 200_000_000  # bytes: a scan, its sample and what SQLite wants, a few times over
PAUSE_S = 20.0


class Room:
    """Watches the disks that a build writes to: the output's and the temporary folder's.

    Args:
        folder: the output.
        say: is given one sentence when a pause begins, and one when it ends.
        pause_s: between two looks.
        free: tells how many bytes are free where a path is.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        folder: Path,
        say: Callable[[str], None],
        *,
        pause_s: float = PAUSE_S,
        free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._folders = (folder, Path(tempfile.gettempdir()))
        self._say, self._pause_s, self._free, self._sleep = say, pause_s, free, sleep
        self._full = False

    def feed(self, scans: deque[Scan]) -> Iterator[Scan]:
        """Take scans from the left, until there are none or the disk is full."""
        while scans and not self._full:
            yield scans.popleft()

    def is_to_blame(self, outcome: Outcome) -> bool:
        """Return whether a scan failed because a disk is full; then the feed ends too.

        Where there is room after all, the failure is the scan's own: it wants more than the disk has.
        """
        if isinstance(outcome, Failed) and outcome.cause is Cause.DISK and self._short() is not None:
            self._full = True
            return True
        return False

    def wait(self) -> None:
        """Return when there is room; at once, where nothing said that there is none."""
        if not self._full:
            return
        where = self._short()
        self._say(
            f"no space left in {where or self._folders[0]}: "
            f"paused until {ENOUGH // 10**6} MB are free; nothing is lost"
        )
        while self._short() is not None:
            self._sleep(self._pause_s)
        self._full = False
        self._say("there is room again: going on")

    def patiently(self, call: Callable[[], Made]) -> Made:
        """Return what ``call`` returns; where it finds no space, wait and call again."""
        while True:
            try:
                return call()
            except NoSpace:
                self._full = True
                self._sleep(self._pause_s if self._short() is None else 0.0)
                self.wait()

    def _short(self) -> Path | None:
        """Return a folder whose disk has not enough room."""
        return next((folder for folder in self._folders if self._free(folder) < ENOUGH), None)
