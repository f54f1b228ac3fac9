"""Values of tags as plain ones, whatever the file has in them. Pure."""

from __future__ import annotations

import math
from typing import Any


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
    value = _decimals(dataset, name)
    if value is None or isinstance(value, str):
        return None
    try:
        found = tuple(float(one) for one in (value if hasattr(value, "__iter__") else [value]))
    except (ValueError, TypeError):
        return None
    return found if len(found) == count and all(map(math.isfinite, found)) else None


def number(dataset: Any, name: str) -> float:
    """Return a tag's first value as a number; 0 where there is none."""
    value = _decimals(dataset, name)
    if value is not None and not isinstance(value, str) and hasattr(value, "__iter__"):
        value = next(iter(value), None)
    try:
        found = float(value)
    except (ValueError, TypeError):
        return 0.0
    return found if math.isfinite(found) else 0.0


def integer(dataset: Any, name: str, otherwise: int) -> int:
    """Return a tag's value as a whole number."""
    value = _decimals(dataset, name)
    try:
        return int(value)
    except (ValueError, TypeError, OverflowError):
        return otherwise


def _decimals(dataset: Any, name: str) -> Any:
    """Return a tag's value; decimals with commas, which some countries' programs write, are read too."""
    try:
        return dataset.get(name)
    except (ValueError, TypeError):
        raw = dataset.get_item(name)
        written = getattr(raw, "value", None)
        if not isinstance(written, bytes):
            return None
        pieces = written.decode("latin-1").strip(" \0").replace(",", ".").split("\\")
        return pieces if len(pieces) > 1 else pieces[0]
