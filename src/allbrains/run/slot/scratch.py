"""Private temporary folders: one for each child, removed by their maker, else by a later sweep.

A folder is in use as long as a process holds the lock on the file in it. The system frees the lock when the
last holder dies, in whatever container or namespace, so a folder that can be locked is a leftover.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

PREFIX = "allbrains-slot-"
_HELD = ".in-use"
_YOUNG_S = 60.0  # between a folder's making and that of the file in it, on a machine that is very busy
_UNLOCKED_S = 2.0  # between that and its lock; more would keep the head of a killed scan for the next command


class Scratch:
    """A folder that only this user may enter.

    Raises:
        OSError: the disk is full, or the temporary folder can't be written to.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))  # of mode 0700
        try:
            self._held = os.open(self.path / _HELD, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        except OSError:
            shutil.rmtree(self.path, ignore_errors=True)
            raise
        fcntl.flock(self._held, fcntl.LOCK_EX)

    def megabytes(self) -> float:
        """Return what the folder holds, MB."""
        return sum(_sizes(self.path)) / 1e6

    def remove(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._held)


def sweep_scratch() -> int:
    """Remove the folders of runs that were killed with their keepers; return how many."""
    removed = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            if folder.lstat().st_uid == os.getuid() and _is_left(folder):
                shutil.rmtree(folder)
                removed += 1
    return removed


def _is_left(folder: Path) -> bool:
    if folder.is_symlink() or not folder.is_dir():
        return False
    try:
        held = os.open(folder / _HELD, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return time.time() - folder.lstat().st_mtime > _YOUNG_S
    try:
        if time.time() - os.fstat(held).st_mtime < _UNLOCKED_S:
            return False
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(held)
    return True


def _sizes(folder: Path) -> list[int]:
    found = []
    for parent, _, names in os.walk(folder, onerror=lambda _: None):
        for name in names:
            with suppress(OSError):  # files come and go
                found.append(os.lstat(os.path.join(parent, name)).st_size)
    return found
