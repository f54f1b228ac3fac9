"""Read untrusted files: regular files only, and never more than a limit.

A pipe that is called ``participants.tsv`` would hold a reader for ever, a link to ``/dev/zero`` fill its
memory. Both end here as an ``OSError`` with a ``strerror`` that says what is wrong.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import ExitStack
from io import BufferedReader
from pathlib import Path

_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_regular(path: Path | str) -> BufferedReader:
    """Open a regular file, or a link to one, for reading; the caller closes it.

    Raises:
        OSError: there is none, it can't be read, or it is something else: a pipe, a device, a folder.
    """
    # without O_NONBLOCK, opening a pipe waits for somebody to write to it
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with ExitStack() as undo:
        undo.callback(os.close, descriptor)
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            kind = next((name for is_one, name in _KINDS if is_one(mode)), "no file")
            raise OSError(errno.EINVAL, f"it is {kind}, not a regular file", str(path))
        undo.pop_all()
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path | str, *, most: int) -> bytes:
    """Return the bytes of a regular file.

    Args:
        path: of the file, or of a link to it.
        most: bytes that it may have.

    Raises:
        OSError: as ``open_regular``; or it is larger.
    """
    with open_regular(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EOVERFLOW, f"it has more than {most} bytes", str(path))
    return content


def leads_out(path: Path, root: Path) -> bool:
    """Return whether links carry a path out of a folder: the path itself, or a folder above it."""
    return not path.resolve().is_relative_to(root.resolve())
