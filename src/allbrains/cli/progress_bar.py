"""The progress bar, and the other watchers of a build on the command line."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from allbrains.records import Done, Outcome, Scan
from allbrains.run.driver import Watch
from allbrains.run.progress import Progress as Counts
from allbrains.run.run_log import sentence
from allbrains.run.run_status import Figures
from allbrains.run.slot.guard import Report
from allbrains.run.work_plan import Plan
from allbrains.text import plain

_LINE_EVERY_S = 30.0  # without a terminal, a line as often as this


class Watcher(Watch, Protocol):
    """A watch that is told of pauses, and of the end, too."""

    def pause(self, trouble: str) -> None:
        """Learn why the build is paused; an empty text: it goes on."""

    def end(self, how: str) -> None:
        """Learn how the build ended."""


class Together:
    """Several watchers as one, each told in turn."""

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
        click.echo(json.dumps(row | {"kind": type(outcome).__name__.lower()} | asdict(outcome)))

    def _figures(self) -> None:
        self._spoke = time.monotonic()
        click.echo(json.dumps({"event": "figures"} | asdict(self._counts.figures())))


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
