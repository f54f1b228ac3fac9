"""Callbacks for progress: functions of the caller, called with each event. Nothing is printed.

Where none is given, a notebook shows a bar, and a program gets no report.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from importlib import import_module
from typing import Any

Tell = Callable[[str], None]  # a sentence
Progress = Callable[[str, int, int], None]  # what is counted, how many are done, of how many


def ignore(*_: object) -> None:
    """Hear it and do nothing."""


@contextmanager
def heard(progress: Progress | None, title: str) -> Iterator[Progress]:
    """Yield the caller's function; where it gave none, a notebook's bar, or what does nothing.

    Args:
        progress: the caller's.
        title: what is being done, for the bar.
    """
    if progress is not None or not in_notebook():
        yield progress or ignore
        return
    bar = NotebookBar(title)
    try:
        yield bar
    finally:
        bar.close()


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook."""
    python = sys.modules.get("IPython")
    shell: Any = python.get_ipython() if python else None
    return type(shell).__name__ == "ZMQInteractiveShell"


class NotebookBar:
    """A bar below the cell that is run; needs IPython and no widgets.

    Args:
        title: what is being done.
    """

    def __init__(self, title: str) -> None:
        shows: Any = import_module("IPython.display")
        self._html, self._title = shows.HTML, title
        self._shown = shows.display(shows.HTML(bar_html(title, 0, 0)), display_id=True)

    def __call__(self, what: str, done: int, total: int, detail: str = "") -> None:
        """Show that ``done`` of ``total`` are done."""
        self._shown.update(self._html(bar_html(f"{self._title}: {what}", done, total, detail)))

    def close(self) -> None:
        """Take the bar away: what came of it is the cell's value."""
        self._shown.update(self._html(""))


def bar_html(title: str, done: int, total: int, detail: str = "") -> str:
    """Return a bar as HTML; texts are untrusted and escaped."""
    count = f"{done} of {total}" if total else ""
    return (
        f"<div>{escape(title)} <progress value='{done}' max='{max(total, 1)}'></progress> "
        f"{count} <small>{escape(detail)}</small></div>"
    )
