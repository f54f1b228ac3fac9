"""How a caller hears of progress: functions of its own, called with what happens. Nothing is printed."""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[[str], None]  # a sentence
Progress = Callable[[str, int, int], None]  # what is counted, how many are done, of how many


def ignore(*_: object) -> None:
    """Hear it and do nothing."""
