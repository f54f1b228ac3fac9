"""Strangers' text on its way to a terminal or a log."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@")


def plain(text: str) -> str:
    """Return the text without control characters: no escape sequence, no line of its own, no bell."""
    return "".join(c if c.isprintable() else "?" for c in text)


def guarded(cell: str) -> str:
    """Return a cell of text so that no spreadsheet takes it for a formula: with ``'`` before it."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
