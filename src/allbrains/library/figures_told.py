"""Report a run's figures as they change: to a caller's function, or as a bar in a notebook."""

from __future__ import annotations

from collections.abc import Callable

from allbrains.library.listening import NotebookBar
from allbrains.records import Scan
from allbrains.run.progress import Progress
from allbrains.run.run_status import Figures, line
from allbrains.run.slot.guard import Report
from allbrains.run.watchers import Unmoved
from allbrains.run.work_plan import Plan


class FiguresTold(Unmoved):
    """Reports the figures at the start, after each outcome, at each pause and at the end.

    Args:
        counts: of the same build, told before this.
        tell: called with the figures.
    """

    def __init__(self, counts: Progress, tell: Callable[[Figures], None]) -> None:
        self._counts, self._tell = counts, tell

    def begin(self, plan: Plan) -> None:
        """Tell what will be done."""
        self._tell(self._counts.figures())

    def see(self, scan: Scan, report: Report) -> None:
        """Tell an outcome."""
        self._tell(self._counts.figures())

    def pause(self, trouble: str) -> None:
        """Tell of a pause, which the figures name."""
        self._tell(self._counts.figures())

    def end(self, how: str) -> None:
        """Tell the last figures."""
        self._tell(self._counts.figures())


def figures_bar() -> Callable[[Figures], None]:
    """Return a function that shows figures as a bar in a notebook; it stays, with the last ones."""
    bar = NotebookBar("building")

    def show(figures: Figures) -> None:
        seen = figures.done + sum(figures.rejected.values()) + sum(figures.failed.values())
        bar("scans", seen, figures.todo, figures.trouble or line(figures))

    return show
