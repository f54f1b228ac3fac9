"""Untrusted text inside Markdown, BibTeX and YAML: it stays text. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from allbrains.text import guarded

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|<>~&$])")
_BIBTEX = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",  # BibTeX counts braces, escaped ones too
    "}": r"\textbraceright{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def one_line(text: str) -> str:
    """Return text as one line of printable characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def markdown(text: str) -> str:
    """Return text as Markdown that shows just that text."""
    return _MARKDOWN.sub(r"\\\1", one_line(text)).replace("\\<", "&lt;").replace("\\>", "&gt;")


def bibtex(text: str) -> str:
    """Return text as the value of a BibTeX field, without its braces."""
    return "".join(_BIBTEX.get(c, c) for c in one_line(text))


def yaml(value: Any, indent: int = 0) -> str:
    """Return a value as block YAML: mappings and sequences of scalars, each text in double quotes.

    JSON's quoting is YAML's where every character is printable, which ``one_line`` sees to.
    """
    pad = "  " * indent
    if isinstance(value, Mapping):
        return "".join(f"{pad}{key}:{_under(item, indent)}" for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "".join(f"{pad}-{_item(item, indent)}" for item in value)
    return f"{pad}{_scalar(value)}\n"


def tsv(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as tab-separated lines; an empty cell is ``n/a``, as BIDS asks, and none is a formula."""
    return "".join("\t".join(guarded(one_line(cell)) or "n/a" for cell in row) + "\n" for row in rows)


def _under(item: Any, indent: int) -> str:
    if isinstance(item, Mapping | list | tuple) and item:
        return "\n" + yaml(item, indent + 1)
    return f" {_scalar(item)}\n"


def _item(item: Any, indent: int) -> str:
    if isinstance(item, Mapping) and item:
        block = yaml(item, indent + 1)
        return " " + block[2 * (indent + 1) :]
    return f" {_scalar(item)}\n"


def _scalar(value: Any) -> str:
    return json.dumps(one_line(value) if isinstance(value, str) else value, ensure_ascii=False)
