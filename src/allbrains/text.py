"""Strangers' text on its way to a terminal, a log or a table."""

from __future__ import annotations

import json
import re
from typing import Any

_FORMULA = ("=", "+", "-", "@")
_SURROGATE = re.compile("[\ud800-\udfff]")
# Levels of a JSON text. Ours have six, BIDS' own files four; what is deeper is made to exhaust a stack.
DEEPEST_JSON = 100


def plain(text: str) -> str:
    """Return the text without control characters: no escape sequence, no line of its own, no bell."""
    return "".join(c if c.isprintable() else "?" for c in text)


def sound(text: str) -> str:
    """Return the text without halves of characters (lone surrogates), which no file or table can hold."""
    return _SURROGATE.sub("\ufffd", text)


def guarded(cell: str) -> str:
    """Return a cell of text so that no spreadsheet takes it for a formula: with ``'`` before it."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def unguarded(cell: str) -> str:
    """Return the text that ``guarded`` made a cell of."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def json_of(text: str | bytes | bytearray) -> Any:
    """Return the value of a stranger's JSON text.

    Raises:
        ValueError: it is not JSON, not UTF-8, deeper than ``DEEPEST_JSON``, or has a whole number of
            thousands of digits.
    """
    try:
        found = json.loads(text.decode("utf-8-sig") if not isinstance(text, str) else text)
    except RecursionError as error:
        raise ValueError("JSON that is nested without end") from error
    level, depth = [found], 0
    while level:
        if (depth := depth + 1) > DEEPEST_JSON:
            raise ValueError(f"JSON of more than {DEEPEST_JSON} levels")
        inner = [one for one in level if isinstance(one, dict | list)]
        level = [one for held in inner for one in (held.values() if isinstance(held, dict) else held)]
    return found
