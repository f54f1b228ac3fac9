"""Print to a terminal or a pipe: names and texts in the output may come from others."""

from __future__ import annotations

import sys

import click

_KEPT = "\n\t"  # lines and cells are ours


def echo(text: object = "", *, err: bool = False, nl: bool = True, over: bool = False) -> None:
    """Print a text without control characters: no escape sequence moves a terminal, whoever wrote it.

    Args:
        text: lines or cells.
        err: to standard error.
        nl: end with a line feed.
        over: write over the line that the terminal is on.
    """
    told = str(text)
    if not told.isprintable():
        told = "".join(c if c.isprintable() or c in _KEPT else "?" for c in told)
    click.echo(f"\r{told}" if over else told, err=err, nl=nl)


def speakable() -> None:
    """Print characters that the terminal or locale lacks as numbers, instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
