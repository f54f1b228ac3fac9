"""Counts a run: what came of how many scans, how fast, and how long it will still take."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from allbrains.records import Done, Failed, Rejected, Scan
from allbrains.run.run_status import Figures, path_of
from allbrains.run.slot.guard import Report
from allbrains.run.work_plan import Plan

_RECENT = 64  # outcomes over which the pace is measured; at least four rounds of the slots
_EVERY_S = 2.0  # between two writes of the file


class Progress:
    """Counts a run. Pauses don't count as time.

    Args:
        out: the output folder.
        slots: scans at once.
        clock: seconds, steadily growing.
    """

    def __init__(
        self, out: Path, slots: Callable[[], int], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._out, self._slots, self._clock = out, slots, clock
        self._kinds: dict[str, Counter[str]] = {"done": Counter(), "rejected": Counter(), "failed": Counter()}
        self._bytes, self._again, self._trouble, self._ended = 0, 0, "", ""
        self._plan = Plan(todo=(), settled=0, seconds_per_scan=0.0)
        self._began, self._wall = clock(), time.time()
        self._paused, self._since = 0.0, 0.0
        self._recent: deque[float] = deque()
        self._wrote = float("-inf")

    def begin(self, plan: Plan) -> None:
        """Learn what will be done."""
        self._plan, self._began, self._wall = plan, self._clock(), time.time()
        self._recent.append(0.0)
        self.write()

    def see(self, scan: Scan, report: Report) -> None:
        """Count a scan's last outcome of this run."""
        match report.outcome:
            case Done():
                self._kinds["done"][""] += 1
            case Rejected(reason=reason):
                self._kinds["rejected"][reason.value] += 1
            case Failed(cause=cause):
                self._kinds["failed"][cause.value] += 1
        self._bytes += 0 if isinstance(report.outcome, Failed) else scan.size
        self._recent.append(self._elapsed())
        if len(self._recent) > max(_RECENT, 4 * self._slots()):
            self._recent.popleft()
        if self._clock() - self._wrote > _EVERY_S:
            self.write()

    def again(self, scan: Scan, report: Report) -> None:
        """Count a try that will be repeated."""
        self._again += 1

    def pause(self, trouble: str) -> None:
        """Learn that the run is paused, or with an empty text that it goes on."""
        if self._trouble and not trouble:
            self._paused += self._clock() - self._since
        elif trouble and not self._trouble:
            self._since = self._clock()
        self._trouble = trouble
        self.write()

    def end(self, how: str) -> None:
        """Learn how the run ended."""
        self.pause("")
        self._ended = how
        self.write()

    def figures(self) -> Figures:
        """Return the run at this moment."""
        seen, elapsed = self.seen, self._elapsed()
        left_s, guessed = self._left()
        free = 0.0
        with suppress(OSError):
            free = shutil.disk_usage(self._out).free / 1e9
        return Figures(
            host=socket.gethostname(),
            pid=os.getpid(),
            began=self._wall,
            written=time.time(),
            todo=len(self._plan.todo),
            settled=self._plan.settled,
            done=self._kinds["done"].total(),
            rejected=dict(sorted(self._kinds["rejected"].items())),
            failed=dict(sorted(self._kinds["failed"].items())),
            again=self._again,
            scans_per_hour=seen / elapsed * 3600 if elapsed else 0.0,
            mb_per_s=self._bytes / 1e6 / elapsed if elapsed else 0.0,
            disk_free_gb=free,
            left_s=left_s,
            guessed=guessed,
            trouble=self._trouble,
            ended=self._ended,
        )

    @property
    def seen(self) -> int:
        """Scans of this run that have their outcome."""
        return sum(counts.total() for counts in self._kinds.values())

    def write(self) -> None:
        """Write the figures where `status` finds them; a disk that is full is no reason to stop."""
        self._wrote = self._clock()
        target = path_of(self._out)
        temporary = target.with_name(f".{target.name}.tmp")
        with suppress(OSError):
            temporary.write_text(json.dumps(asdict(self.figures())), encoding="utf-8")
            temporary.replace(target)

    def _elapsed(self) -> float:
        now = self._since if self._trouble else self._clock()
        return max(0.0, now - self._began - self._paused)

    def _left(self) -> tuple[float, bool]:
        """Return the seconds left, and whether they are the plan's: until two rounds of the slots are in."""
        remaining = len(self._plan.todo) - self.seen
        if self.seen < 2 * self._slots():
            return remaining * self._plan.seconds_per_scan / max(1, self._slots()), True
        span = self._elapsed() - self._recent[0]
        return span / (len(self._recent) - 1) * remaining, False
