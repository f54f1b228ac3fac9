"""What a benchmark printed, kept as a small JSON file from which the pages are filled.

``with recorded("participants"):`` passes on everything that is printed, and when the block ends well writes
``bench/results/participants.json``: the lines, the named figures, the command, commit, machine, date and
the fingerprint of the recipe ``embedded``. ``tools/fill_figures.py`` puts them into the pages.
"""

from __future__ import annotations

import io
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from allbrains import recipes
from allbrains.machine import usable_cores

RESULTS = Path(__file__).parent / "results"
_FIGURES: ContextVar[dict[str, float]] = ContextVar("figures")


class _Tee(io.TextIOBase):
    """Writes to the true stdout and remembers."""

    def __init__(self, out: TextIO) -> None:
        self._out, self.text = out, ""

    def write(self, text: str) -> int:
        self.text += text
        self._out.write(text)
        self._out.flush()
        return len(text)


@contextmanager
def recorded(name: str) -> Iterator[None]:
    """Keep what the block prints, and the figures that it names by ``figure``.

    Args:
        name: of the result's file, such as ``processing-cost``.
    """
    figures: dict[str, float] = {}
    token = _FIGURES.set(figures)
    tee = _Tee(sys.stdout)
    try:
        with redirect_stdout(tee):
            yield
    finally:
        _FIGURES.reset(token)
    changed = " with changes" if _git("status", "--porcelain", "src") else ""
    result = {
        "command": _command(),
        "commit": _git("rev-parse", "--short", "HEAD") + changed,
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{usable_cores()} cores, {platform.machine()}, Python {platform.python_version()}",
        "fingerprint": recipes.load("embedded").fingerprint,
        "figures": figures,
        "lines": tee.text.strip().splitlines(),
    }
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")


def figure(key: str, value: float) -> None:
    """Keep one figure under a name, for sentences; outside ``recorded`` nothing is kept."""
    _FIGURES.get({})[key] = round(float(value), 4)


def _command() -> str:
    """Return the command with folders of this machine reduced to the word DATA."""
    words = ["DATA" if os.sep in word or Path(word).exists() else word for word in sys.argv[1:]]
    return " ".join(["python", f"bench/{Path(sys.argv[0]).name}", *words])


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, cwd=RESULTS.parent, check=False)
    return done.stdout.strip()
