"""The progress bar: what was done, rejected and failed, and a time left that can be believed."""

from __future__ import annotations

import time
from collections import Counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from allbrains.build.plan import Plan
from allbrains.records import Done, Failed, Outcome, Rejected, Scan

_LINE_EVERY_S = 30.0  # without a terminal, a line as often as this


class Bar:
    """Watches a build on standard error; a live bar on a terminal, lines elsewhere.

    The time left is remaining scans × mean time between outcomes so far. Until the first outcomes of
    all slots are in, it is the plan's own estimate, and says so with a ``~``.
    """

    def __init__(self, slots: int, console: Console | None = None) -> None:
        self._slots = slots
        self._console = console or Console(stderr=True)
        self._counts: Counter[str] = Counter()
        self._progress = Progress(
            TextColumn("scans"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.description}"),
            console=self._console,
        )
        self._began = self._spoke = time.monotonic()

    def begin(self, plan: Plan) -> None:
        """Start the bar."""
        self._plan = plan
        self._began = time.monotonic()
        if plan.settled:
            self._console.print(f"{plan.settled} scans are settled already", highlight=False)
        self._task = self._progress.add_task(self._text(), total=len(plan.todo))
        if self._console.is_terminal:
            self._progress.start()

    def see(self, scan: Scan, outcome: Outcome) -> None:
        """Count an outcome; name those that are not done."""
        match outcome:
            case Done():
                self._counts["done"] += 1
            case Rejected():
                self._counts["rejected"] += 1
                self._say(f"rejected {scan.key}: {outcome.reason}: {outcome.detail}")
            case Failed():
                self._counts["failed"] += 1
                self._say(f"failed {scan.key}: {outcome.cause}: {outcome.detail}")
        self._progress.update(self._task, advance=1, description=self._text())
        if not self._console.is_terminal and time.monotonic() - self._spoke > _LINE_EVERY_S:
            self._spoke = time.monotonic()
            self._say(f"{self._counts.total()} of {len(self._plan.todo)}: {self._text()}")

    def tell(self, sentence: str) -> None:
        """Say something between outcomes."""
        self._say(sentence)

    def end(self) -> None:
        """Take the bar away."""
        self._progress.stop()

    def _say(self, line: str) -> None:
        # names come from strangers: no markup, no control characters
        clean = "".join(c if c.isprintable() else "?" for c in line)
        self._console.print(clean, markup=False, highlight=False, soft_wrap=True)

    def _text(self) -> str:
        counts = " · ".join(f"{self._counts[name]} {name}" for name in ("done", "rejected", "failed"))
        return f"{counts} · {left(self._plan, self._counts.total(), self._elapsed(), self._slots)}"

    def _elapsed(self) -> float:
        return time.monotonic() - self._began


def left(plan: Plan, seen: int, elapsed_s: float, slots: int) -> str:
    """Return the time left as text."""
    remaining = len(plan.todo) - seen
    if not remaining:
        return "finished"
    if seen >= 2 * slots:
        return f"{_span(elapsed_s / seen * remaining)} left"
    return f"~{_span(remaining * plan.seconds_per_scan / slots)} left"


def _span(seconds: float) -> str:
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    if days:
        return f"{days} d {h} h"
    if hours:
        return f"{h} h {m:02d} min"
    return f"{m} min {s:02d} s" if minutes else f"{s} s"
