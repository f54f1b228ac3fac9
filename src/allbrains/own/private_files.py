"""Files that only this user may read, and temporary ones that don't outlive a kill for long."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from allbrains.run.slot.scratch import Scratch, sweep_scratch

_OWNER_ONLY = 0o077  # what is masked: files get 0600 and folders 0700


@contextmanager
def private_workspace() -> Iterator[Path]:
    """Give an empty temporary folder; inside, all that this process and its children write is private.

    What a killed run left, the head and its face included, is removed first: a folder with a free lock
    any more. The mask of permissions is the process's own, so this is for programs, not for threads.

    Raises:
        OSError: the temporary disk is full or can't be written to.
    """
    sweep_scratch()
    before = os.umask(_OWNER_ONLY)
    try:
        scratch = Scratch()
        try:
            yield scratch.path
        finally:
            scratch.remove()
    finally:
        os.umask(before)


def make_private(folder: Path) -> None:
    """Make a folder with its parents; only this user may enter it, unless others' files are in it already."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not any(folder.iterdir()):
        folder.chmod(0o700)
