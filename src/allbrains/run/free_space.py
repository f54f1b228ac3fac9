"""Whether there is room on the disks that a build writes to: the output's and the temporary folder's."""

from __future__ import annotations

import shutil
import socket
import tempfile
from pathlib import Path

ENOUGH = 200_000_000  # bytes: a scan, its sample and what SQLite wants, a few times over


def short_of_space(out: str | Path) -> str:
    """Return which disk of this machine has not enough room, as a sentence; empty where all have."""
    for folder in (Path(out), Path(tempfile.gettempdir())):
        if (free := _free(folder)) < ENOUGH:
            where = f"{folder} on {socket.gethostname()}"
            return f"no space left in {where}: {free // 10**6} MB free, {ENOUGH // 10**6} MB wanted"
    return ""


def _free(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except FileNotFoundError:  # whose disk it is, only making it will tell
        return ENOUGH
