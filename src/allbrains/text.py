"""Untrusted text, made safe for a terminal, a log or a table."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

_FORMULA = ("=", "+", "-", "@")
_ESCAPES = re.compile(
    r"(?P<kept>\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
_TOKENS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
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


def whole_characters(text: str) -> str:
    """Return a JSON text in which an escape that is half a character (``\\ud83d`` alone) is U+FFFD."""
    return _ESCAPES.sub(lambda found: found[0] if found["kept"] else r"\ufffd", text)


def shallow(text: str) -> str:
    """Return a JSON text in which ``null`` stands for what is deeper than ``DEEPEST_JSON`` levels."""
    pieces, depth, end = [], 0, 0
    for found in _TOKENS.finditer(text):
        if found[0] in "[{":
            depth += 1
            if depth == DEEPEST_JSON + 1:
                pieces += [text[end : found.start()], "null"]
        elif found[0] in "]}":
            if depth == DEEPEST_JSON + 1:
                end = found.end()
            depth -= 1
    return "".join([*pieces, text[end:]]) if depth <= DEEPEST_JSON else "".join(pieces)


def json_of(
    text: str | bytes | bytearray,
    *,
    strict: bool = True,
    pairs: Callable[[list[tuple[str, Any]]], Any] | None = None,
) -> Any:
    """Return the value of an untrusted JSON text; half a character in it becomes U+FFFD.

    Args:
        text: with or without a byte order mark.
        strict: refuse control characters inside of strings.
        pairs: makes an object of its pairs; None: the last of two equal names counts.

    Raises:
        ValueError: it is not JSON, not UTF-8, deeper than ``DEEPEST_JSON``, or has a whole number of
            thousands of digits.
    """
    try:
        told = text if isinstance(text, str) else text.decode("utf-8-sig")
        found = json.loads(whole_characters(sound(told)), strict=strict, object_pairs_hook=pairs)
    except RecursionError as error:
        raise ValueError("JSON that is nested without end") from error
    level, depth = [found], 0
    while inner := [one for one in level if isinstance(one, dict | list)]:
        if (depth := depth + 1) > DEEPEST_JSON:
            raise ValueError(f"JSON of more than {DEEPEST_JSON} levels")
        level = [one for held in inner for one in (held.values() if isinstance(held, dict) else held)]
    return found
