"""One log file for each run, the scan's key on each line: decisions, and what the scan's process printed."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TextIO

from allbrains.files import translated
from allbrains.records import Done, Failed, Outcome, Rejected, Scan
from allbrains.run.slot.guard import Report
from allbrains.run.work_plan import Plan
from allbrains.store.layout import Layout
from allbrains.text import plain


class RunLog:
    """Watches a build into ``out/logs/<when>-<pid>.log``. A full disk costs lines, not the run.

    Raises:
        AllbrainsError: the file can't be made.
    """

    def __init__(self, out: Path) -> None:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        self.path = Layout(out).logs / f"{stamp}-{os.getpid()}.log"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file: TextIO = self.path.open("a", encoding="utf-8")
        except OSError as error:
            raise translated(error, self.path) from error

    def begin(self, plan: Plan) -> None:
        """Note what will be done."""
        self._line("-", f"{len(plan.todo)} scans to run, {plan.settled} settled already")

    def see(self, scan: Scan, report: Report) -> None:
        """Note an outcome, and before it what the scan printed."""
        self._talk(scan, report)
        self._line(scan.key, sentence(report.outcome))

    def again(self, scan: Scan, report: Report) -> None:
        """Note a try that will be repeated."""
        self._talk(scan, report)
        self._line(scan.key, f"{sentence(report.outcome)}; to be tried again")

    def pause(self, trouble: str) -> None:
        """Note why the run pauses, or with an empty text that it goes on."""
        self._line("-", f"paused: {trouble}" if trouble else "going on")

    def end(self, how: str) -> None:
        """Note how the run ended."""
        self._line("-", how)
        self._file.close()

    def _talk(self, scan: Scan, report: Report) -> None:
        for line in report.said.splitlines():
            self._line(scan.key, f"| {line}")

    def _line(self, key: str, text: str) -> None:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        try:
            self._file.write(f"{now} {plain(key)} {plain(text)}\n")
            self._file.flush()
        except OSError:
            pass


def sentence(outcome: Outcome) -> str:
    """Return an outcome as a few words."""
    match outcome:
        case Done():
            return f"done, {outcome.size} bytes"
        case Rejected():
            return f"rejected: {outcome.reason}: {outcome.detail}"
        case Failed():
            return f"failed: {outcome.cause}: {outcome.detail}"
