"""What the runs' logs say of scans that came to nothing: the last lines, fit to be shown to others.

A log has the scan's key on each line (``build.log``). A report may be handed on, a log may not: names of
this machine's folders and what looks like a password are taken out.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from allbrains.errors import CorpusError

LINES = 12  # of a scan: the end of a traceback and the outcome
_LONGEST = 400  # letters of a line
_MOST_BYTES = 1 << 28  # of all logs, the newest first: a second or two
_STAMP = len("2026-11-22T18:16:24Z ")
_WORDS = 8  # words of a file's name: more blanks than that has none

_QUOTED = re.compile(r"""(["'])(?:~|/)[^"'\n]*/([^"'\n/]*)\1""")
_PATH = re.compile(r"(?<![\w.:/~-])~?(?:/[^\s/:,;'\"()<>]+)+/([^\s/:,;'\"()<>]*)")
_USER = re.compile(r"(://)[^\s/@]*@")
_QUERY = re.compile(r"(://[^\s?#]+)[?#]\S*")
_NAMED = re.compile(
    r"(?i)\b([\w-]*(?:token|secret|password|passwd|api_?key|access_?key|authorization|signature)[\w-]*"
    r"[\"']?\s*[:=]\s*[\"']?(?:(?:bearer|basic)\s+)?)[^\s\"',;&]+"
)
_SHAPED = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{16,}|AKIA[A-Z0-9]{16}|gh[a-z]_[A-Za-z0-9]{20,}|eyJ[\w-]{16,}[\w.-]*)"
)

Excerpts = Mapping[str, tuple[str, ...]]


def shareable(text: str) -> str:
    """Return text without folders of this machine and without what looks like a password or a token."""
    text = _QUERY.sub(r"\1", _USER.sub(r"\1", text))
    text = _SHAPED.sub("…", _NAMED.sub(r"\1…", text))
    return _PATH.sub(r"…/\1", _QUOTED.sub(r"\1…/\2\1", text))


def excerpts(folder: Path, keys: Collection[str], *, most_bytes: int = _MOST_BYTES) -> Excerpts:
    """Return the last lines about each scan, oldest first; a scan of which nothing is said is left out.

    Args:
        folder: of the logs.
        keys: of the scans: dataset and path.
        most_bytes: how much is read, the newest logs first and of the last one its end.

    Raises:
        CorpusError: a log can't be read.
    """
    wanted = frozenset(keys)
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(folder.glob("*.log"), reverse=True):
        if most_bytes <= 0 or len(found) == len(wanted):
            break
        told: dict[str, deque[str]] = {}
        try:
            if not path.is_file():  # a pipe that a stranger laid there
                continue
            size = path.stat().st_size
            for key, text in _lines(path, wanted, max(0, size - most_bytes)):
                told.setdefault(key, deque(maxlen=LINES)).append(shareable(text)[:_LONGEST])
        except OSError as error:
            raise CorpusError(f"{path} can't be read: {error}") from error
        found = {key: tuple(lines) for key, lines in told.items()} | found
        most_bytes -= size
    return found


def _lines(path: Path, wanted: frozenset[str], start: int) -> Iterator[tuple[str, str]]:
    """Yield the scan's key and the text of each line about a wanted scan, from a byte on."""
    with path.open("rb") as file:
        file.seek(start)
        for raw in file:
            line = raw.decode("utf-8", "replace").rstrip("\n")[_STAMP:]
            if key := _key(line, wanted):
                yield key, line[len(key) + 1 :]


def _key(line: str, wanted: frozenset[str]) -> str:
    """Return the wanted key that a line begins with, or nothing; a file's name may have blanks in it."""
    end = -1
    for _ in range(_WORDS):
        end = line.find(" ", end + 1)
        if end < 0 or line[:end] in wanted:
            break
    return line[: max(end, 0)] if line[: max(end, 0)] in wanted else ""
