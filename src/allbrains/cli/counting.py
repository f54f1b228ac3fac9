"""A line on standard error that counts; on a terminal only."""

from __future__ import annotations

import sys

from allbrains.cli.terminal import echo


def count(what: str, done: int, total: int) -> None:
    """Show that ``done`` of ``total`` things were read."""
    if sys.stderr.isatty():
        echo(f"\r{done} of {total} {what}", nl=done == total, err=True)
