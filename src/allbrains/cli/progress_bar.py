"""The progress bar, and the other watchers of a build on the command line."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from allbrains.cli.terminal import echo
from allbrains.records import Done, Outcome, Scan
from allbrains.run.progress import Progress as Counts
from allbrains.run.run_log import sentence
from allbrains.run.run_status import line
from allbrains.run.slot.guard import Report
from allbrains.run.work_plan import Plan
from allbrains.text import plain

_LINE_EVERY_S = 30.0  # without a terminal, a line as often as this


class Bar:
    """Shows a build on standard error: a live bar on a terminal, lines elsewhere.

    Args:
        counts: of the same build, told before the bar.
        console: where to.
    """

    def __init__(self, counts: Counts, console: Console | None = None) -> None:
        self._counts = counts
        self._console = console or Console(stderr=True)
        self._progress = Progress(
            TextColumn("scans"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.description}", markup=False),
            console=self._console,
        )
        self._spoke = time.monotonic()
        self._over = threading.Event()

    def begin(self, plan: Plan) -> None:
        """Start the bar."""
        if plan.settled:
            self._say(f"{plan.settled} scans are settled already")
        self._task = self._progress.add_task(line(self._counts.figures()), total=len(plan.todo))
        if self._console.is_terminal:
            self._progress.start()

    def see(self, scan: Scan, report: Report) -> None:
        """Show an outcome; name those that are not done."""
        if not isinstance(report.outcome, Done):
            self._say(f"{scan.key}: {sentence(report.outcome)}")
        figures = self._counts.figures()
        self._progress.update(self._task, advance=1, description=line(figures))
        if not self._console.is_terminal and time.monotonic() - self._spoke > _LINE_EVERY_S:
            self._spoke = time.monotonic()
            self._say(f"{self._counts.seen} of {figures.todo}: {line(figures)}")

    def again(self, scan: Scan, report: Report) -> None:
        """Name a try that will be repeated."""
        self._say(f"{scan.key}: {sentence(report.outcome)}; to be tried again")

    def pause(self, trouble: str) -> None:
        """Say why the build pauses."""
        self._say(f"paused: {trouble}" if trouble else "going on")

    def end(self, how: str) -> None:
        """Take the bar away."""
        self._progress.stop()

    def _say(self, text: str) -> None:
        # names come from strangers: no markup, no control characters
        self._console.print(plain(text), markup=False, highlight=False, soft_wrap=True)


class Lines:
    """A JSON object a line on standard output, for machines: outcomes as they come, figures now and then."""

    def __init__(self, counts: Counts) -> None:
        self._counts, self._spoke = counts, 0.0

    def begin(self, plan: Plan) -> None:
        """Print the figures at the start."""
        self._figures()

    def see(self, scan: Scan, report: Report) -> None:
        """Print an outcome."""
        self._print("outcome", scan, report.outcome)
        if time.monotonic() - self._spoke > _LINE_EVERY_S:
            self._figures()

    def again(self, scan: Scan, report: Report) -> None:
        """Print a try that will be repeated."""
        self._print("again", scan, report.outcome)

    def pause(self, trouble: str) -> None:
        """Print the figures, which have the trouble in them."""
        self._figures()

    def end(self, how: str) -> None:
        """Print the figures at the end."""
        self._figures()

    def _print(self, event: str, scan: Scan, outcome: Outcome) -> None:
        row = {"event": event, "scan_id": scan.scan_id, "scan": scan.key}
        echo(json.dumps(row | {"kind": type(outcome).__name__.lower()} | asdict(outcome)))

    def _figures(self) -> None:
        self._spoke = time.monotonic()
        echo(json.dumps({"event": "figures"} | asdict(self._counts.figures())))
