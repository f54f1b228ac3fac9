"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from allbrains.errors import AllbrainsError, ConfigurationError, CorpusError, NoSpace
from allbrains.regular_files import leads_out

# Called with the name of each commit step, before or after it. Tests crash in it at the Nth step.
Hook = Callable[[str], None]

# errors of the operating system that say that a disk, a quota or the largest file is full
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
TEMPORARY = ".*.tmp"  # glob of what an interrupted write leaves behind


def passing(step: str) -> None:
    """Do nothing: the hook of real runs."""


@contextmanager
def publishing(path: Path, at: Hook = passing) -> Iterator[Path]:
    """Give a temporary path to write to; on leaving, what was written there appears as ``path``.

    Raises:
        NoSpace: the disk or the quota is full; nothing is left behind.
        ConfigurationError: the folder can't be written to.
        CorpusError: the disk fails.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        make_folder(path.parent)
        at(f"writing {path.name}")
        yield temporary
        at(f"written {path.name}")
        sync(temporary)
        at(f"synced {path.name}")
        temporary.replace(path)
        at(f"renamed {path.name}")
        sync(path.parent)
    except OSError as error:
        with suppress(OSError):  # the first error is the one to tell
            temporary.unlink()
        raise translated(error, path) from error
    at(f"published {path.name}")


def make_folder(folder: Path) -> None:
    """Make a folder with its parents, so that they outlive a power cut."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync(folder.parent)


def remove_file(path: Path) -> None:
    """Remove a file where there is one.

    Raises:
        ConfigurationError: a folder stands in its place, or it may not be removed.
        CorpusError: the disk fails.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise translated(error, path) from error


def see_inside(path: Path, root: Path) -> None:
    """See that what is about to be removed or written over lies in the folder that it is named in.

    Raises:
        CorpusError: a link leads out of it. A corpus may be a stranger's, and what is there the user's own.
    """
    if leads_out(path, root):
        raise CorpusError(f"{path} is, or lies behind, a link that leads out of {root}: it is left alone")


def translated(error: OSError, path: Path) -> AllbrainsError:
    """Return what the caller should do about an error of the operating system."""
    if error.errno in FULL:
        return NoSpace(f"no space left to write {path}")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        return ConfigurationError(f"can't write {path}: {os.strerror(error.errno)}")
    return CorpusError(f"can't write {path}: {error}")


def sync(path: Path) -> None:
    """Make a file or a folder outlive a power cut.

    Raises:
        OSError: the disk fails.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
