"""How a run is going, in figures: kept by the driver, shown by the bar, read by `status` from elsewhere.

``progress.json`` in the output folder is for watching and nothing else; the ledger is the record.
"""

from __future__ import annotations

import os
import socket
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from allbrains.regular_files import read_regular
from allbrains.text import json_of

_FAR = 1e15  # bytes, seconds and scans are fewer; NaN is not less than it


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
        fields: dict[str, Any] = json_of(read_regular(path_of(out), most=1 << 20))
        found = Figures(**fields)
    except (OSError, ValueError, TypeError):
        return None
    return found if _are_figures(found) else None


def _are_figures(found: Figures) -> bool:
    """Return whether each field is what it is called: the file may be a stranger's."""
    fields = asdict(found)
    texts = [fields.pop(name) for name in ("host", "trouble", "ended")]
    counts = [fields.pop(name) for name in ("rejected", "failed")]
    if not all(isinstance(one, dict) for one in counts):
        return False
    numbers = [*fields.values(), *(number for one in counts for number in one.values())]
    known = isinstance(found.pid, int) and 0 < found.pid < 1 << 31
    return (
        known
        and all(isinstance(one, str) for one in texts)
        and all(isinstance(one, int | float) and abs(one) < _FAR for one in numbers)
    )


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


def line(figures: Figures) -> str:
    """Return a run's figures in one line."""
    counts = [f"{figures.done} done"]
    for title, codes in (("rejected", figures.rejected), ("failed", figures.failed)):
        by = ", ".join(f"{code} {number}" for code, number in codes.items())
        counts.append(f"{sum(codes.values())} {title}" + (f" ({by})" if by else ""))
    pace = f"{figures.scans_per_hour:.0f} scans/h · {figures.mb_per_s:.2f} MB/s"
    return " · ".join([*counts, pace, f"{figures.disk_free_gb:.0f} GB free", left(figures)])


def left(figures: Figures) -> str:
    """Return the time left as text; with ``~`` while it is the plan's estimate."""
    if figures.trouble:
        return "paused"
    if figures.left_s <= 0:
        return "finished"
    return f"{'~' if figures.guessed else ''}{span(figures.left_s)} left"


def span(seconds: float) -> str:
    """Return a time in words."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    if days:
        return f"{days} d {h} h"
    if hours:
        return f"{h} h {m:02d} min"
    return f"{m} min {s:02d} s" if minutes else f"{s} s"
