"""Watchers of a build: one shape for the bar, the figures, the log and a caller's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from allbrains.records import Scan
from allbrains.run.driver import Watch
from allbrains.run.slot.guard import Report
from allbrains.run.work_plan import Plan


class Watcher(Watch, Protocol):
    """A watch that also gets pauses and the end."""

    def pause(self, trouble: str) -> None:
        """Learn why the build is paused; an empty text: it goes on."""

    def end(self, how: str) -> None:
        """Learn how the build ended: ``finished``, ``interrupted`` or ``stopped``."""


class Unmoved:
    """A watcher that does nothing: a base for others, or where no output is wanted."""

    def begin(self, plan: Plan) -> None:
        """Learn what will be done."""

    def see(self, scan: Scan, report: Report) -> None:
        """Learn a scan's last outcome of this run."""

    def again(self, scan: Scan, report: Report) -> None:
        """Learn of a failed try that will be repeated."""

    def pause(self, trouble: str) -> None:
        """Learn why the build is paused; an empty text: it goes on."""

    def end(self, how: str) -> None:
        """Learn how the build ended."""


class Together:
    """Several watchers as one; each gets every event in turn."""

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        self._watchers = watchers

    def begin(self, plan: Plan) -> None:
        """Tell what will be done."""
        for one in self._watchers:
            one.begin(plan)

    def see(self, scan: Scan, report: Report) -> None:
        """Tell an outcome."""
        for one in self._watchers:
            one.see(scan, report)

    def again(self, scan: Scan, report: Report) -> None:
        """Tell of a try to be repeated."""
        for one in self._watchers:
            one.again(scan, report)

    def pause(self, trouble: str) -> None:
        """Tell of a pause."""
        for one in self._watchers:
            one.pause(trouble)

    def end(self, how: str) -> None:
        """Tell how it ended."""
        for one in self._watchers:
            one.end(how)
