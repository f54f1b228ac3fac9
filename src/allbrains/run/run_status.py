"""How a run is going, in figures: kept by the driver, shown by the bar, read by `status` from elsewhere.

``progress.json`` in the output folder is for watching and nothing else; the ledger is the record.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A run at one moment.

    Attributes:
        host: of the driver.
        pid: of the driver.
        began: seconds since 1970.
        written: seconds since 1970.
        todo: scans that this run set out to do.
        settled: scans that were settled before.
        done: of this run.
        rejected: of this run, by reason.
        failed: of this run, by cause.
        again: failed tries that were, or will be, repeated.
        scans_per_hour: over the run, pauses left out; 0 before the first outcome.
        mb_per_s: of scans fetched, in the same time.
        disk_free_gb: where the output is.
        left_s: seconds to the end at the recent pace.
        guessed: the time left is the plan's estimate still.
        trouble: why the run is paused; else empty.
        ended: the run is over: the word says how; else empty.
    """

    host: str
    pid: int
    began: float
    written: float
    todo: int
    settled: int
    done: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    again: int = 0
    scans_per_hour: float = 0.0
    mb_per_s: float = 0.0
    disk_free_gb: float = 0.0
    left_s: float = 0.0
    guessed: bool = True
    trouble: str = ""
    ended: str = ""


def read_figures(out: Path) -> Figures | None:
    """Return the last run's figures, or None where no run has left any that can be read."""
    try:
        fields: dict[str, Any] = json.loads(path_of(out).read_text(encoding="utf-8"))
        return Figures(**fields)
    except (OSError, ValueError, TypeError):
        return None


def path_of(out: Path) -> Path:
    """Return where a run's figures are."""
    return out / "progress.json"


def runs(figures: Figures) -> bool:
    """Return whether that run's driver is alive, as far as this machine can tell.

    Of another machine's driver nothing can be said: it counts as alive until it says that it ended.
    """
    if figures.ended:
        return False
    if figures.host != socket.gethostname():
        return True
    try:
        os.kill(figures.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's, but alive
        return True
    return True
