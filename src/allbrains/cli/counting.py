"""How far a long command is, on standard error: a line that counts on a terminal, else one now and then."""

from __future__ import annotations

import sys
import time

from allbrains.cli.terminal import echo

_EVERY_S = 30.0  # without a terminal, as the bar of a build
_spoke = {"at": time.monotonic()}


def count(what: str, done: int, total: int) -> None:
    """Show that ``done`` of ``total`` things were read; a total of 0 is not known."""
    told = f"{done} of {total} {what}" if total else f"{done} {what}"
    if sys.stderr.isatty():
        echo(told, nl=done == total, err=True, over=True)
    elif time.monotonic() - _spoke["at"] > _EVERY_S:  # a log under nohup is told, too, and not flooded
        _spoke["at"] = time.monotonic()
        echo(told, err=True)
