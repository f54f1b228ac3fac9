"""Values of tags as plain ones, whatever the file has in them. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


class FileTags:
    """A file's own elements, asked for by keyword or by tag: twice as fast as pydicom's, whose headers of an
    examination are 16,000.

    What is inside a sequence stays pydicom's; the functions below take both.
    """

    def __init__(self, dataset: Any, tags: Mapping[str, int]) -> None:
        self._dataset, self._tags = dataset, tags
        self._present = {int(tag): tag for tag in dataset.keys()}  # noqa: SIM118  (its own iterator reads values)

    def get(self, name: str) -> Any:
        """Return an element's value; None where there is none."""
        tag = self._present.get(self._tags[name])
        return None if tag is None else self._dataset[tag].value

    def __contains__(self, tag: int | str) -> bool:
        return (self._tags[tag] if isinstance(tag, str) else tag) in self._present

    def __getitem__(self, tag: int) -> Any:
        return self._dataset[self._present[tag]]


def text(dataset: Any, name: str) -> str:
    """Return a tag's value as text; empty where there is none."""
    value = dataset.get(name)
    return "" if value is None else str(value)


def texts(dataset: Any, name: str) -> list[str]:
    """Return a tag's values as texts."""
    value = dataset.get(name)
    if value is None:
        return []
    return [str(value)] if isinstance(value, str) or not hasattr(value, "__iter__") else list(map(str, value))


def numbers(dataset: Any, name: str, count: int) -> tuple[float, ...] | None:
    """Return a tag's values as so many finite numbers; None where they are something else."""
    value = dataset.get(name)
    if value is None or isinstance(value, str):
        return None
    try:
        found = tuple(_float(one) for one in (value if hasattr(value, "__iter__") else [value]))
    except (ValueError, TypeError):
        return None
    return found if len(found) == count and all(map(math.isfinite, found)) else None


def number(dataset: Any, name: str) -> float:
    """Return a tag's first value as a number; 0 where there is none."""
    value = dataset.get(name)
    if value is not None and not isinstance(value, str) and hasattr(value, "__iter__"):
        value = next(iter(value), None)
    try:
        found = _float(value)
    except (ValueError, TypeError):
        return 0.0
    return found if math.isfinite(found) else 0.0


def integer(dataset: Any, name: str, otherwise: int) -> int:
    """Return a tag's value as a whole number."""
    value = dataset.get(name)
    try:
        return int(value)
    except (ValueError, TypeError, OverflowError):
        return otherwise


def _float(value: Any) -> float:
    """Return a number; some programs write decimals with commas.

    Raises:
        ValueError, TypeError: it is none.
    """
    return float(value.replace(",", ".")) if isinstance(value, str) else float(value)
