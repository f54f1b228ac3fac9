"""Strangers' text on its way to a terminal or a log."""

from __future__ import annotations


def plain(text: str) -> str:
    """Return the text without control characters: no escape sequence, no line of its own, no bell."""
    return "".join(c if c.isprintable() else "?" for c in text)
