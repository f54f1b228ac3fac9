"""``ratings.tsv``: what a person thought of samples, beside the corpus. One row a rated scan.

A table of tab-separated text, so that it can be read, mended and merged by hand: ``scan_id``, ``dataset``,
``path``, ``rating``, ``note``, ``rated``. It is no part of the corpus' digests. A cell that a spreadsheet
would take for a formula has a ``'`` before it, which is taken off again when the file is read.
"""

from __future__ import annotations

import csv
import fcntl
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pyarrow as pa

from allbrains.errors import CorpusError
from allbrains.files import publishing, translated
from allbrains.regular_files import read_regular
from allbrains.text import guarded, unguarded

NAME = "ratings.tsv"
LOCK = ".ratings.lock"
COLUMNS = ("scan_id", "dataset", "path", "rating", "note", "rated")
_MOST_LETTERS = 2000
_MOST_BYTES = 1 << 28  # a row has some hundred bytes


class Verdict(StrEnum):
    """A rating."""

    ACCEPT = "accept"
    DOUBT = "doubt"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What a person thought of one sample.

    Attributes:
        scan_id: of the scan.
        dataset: of the scan, for people who read the file.
        path: of the scan, for people who read the file.
        rating: accept, doubt or reject.
        note: one line of text, empty where there is none.
        rated: when, ISO 8601, UTC.
    """

    scan_id: str
    dataset: str
    path: str
    rating: Verdict
    note: str
    rated: str


def parse(text: str, origin: Path) -> dict[str, Rating]:
    """Return the ratings of a file, by scan id; where a scan has two rows, the last one.

    Raises:
        CorpusError: it is not such a table, or a rating is none.
    """
    try:
        return _parsed(text, origin)
    except csv.Error as error:
        raise CorpusError(f"{origin} is no table of ratings: {error}") from error


def _parsed(text: str, origin: Path) -> dict[str, Rating]:
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    if not {"scan_id", "rating"} <= set(reader.fieldnames or ()):
        raise CorpusError(f"{origin}: expected the columns {', '.join(COLUMNS)}, found {reader.fieldnames}")
    found: dict[str, Rating] = {}
    for number, row in enumerate(reader, 2):
        words = {name: unguarded((row.get(name) or "").strip()) for name in COLUMNS}
        try:
            rating = Verdict(words["rating"])
        except ValueError as error:
            raise CorpusError(
                f"{origin}, line {number}: rating {words['rating']!r} is none of {', '.join(Verdict)}"
            ) from error
        found[words["scan_id"]] = Rating(
            scan_id=words["scan_id"],
            dataset=words["dataset"],
            path=words["path"],
            rating=rating,
            note=words["note"],
            rated=words["rated"],
        )
    return found


def written(ratings: Iterable[Rating]) -> str:
    """Return the text of a file: one row a rating, by dataset and path."""
    lines = ["\t".join(COLUMNS)]
    for one in sorted(ratings, key=lambda one: (one.dataset, one.path, one.scan_id)):
        lines.append("\t".join(guarded(line(str(getattr(one, name)))) for name in COLUMNS))
    return "\n".join(lines) + "\n"


def line(text: str) -> str:
    """Return text as one cell: blanks for what would end it, cut where it is too long."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_MOST_LETTERS]


def with_ratings(table: pa.Table, ratings: Mapping[str, Rating]) -> pa.Table:
    """Return a table of samples with the column ``rating``; empty where nobody rated.

    Empty and not null, so that ``rating != 'reject'`` holds of a sample that nobody has looked at.
    """
    words = [ratings[one].rating.value if one in ratings else "" for one in table["scan_id"].to_pylist()]
    told = {"description": "A person's: accept, doubt or reject; empty where nobody rated"}
    field = pa.field("rating", pa.string(), metadata=told)
    return table.append_column(field, pa.array(words, pa.string()))


def read(root: Path) -> dict[str, Rating]:
    """Return the ratings beside a corpus; none where there is no file.

    Raises:
        CorpusError: the file is not such a table.
    """
    path = root / NAME
    try:
        return parse(read_regular(path, most=_MOST_BYTES).decode("utf-8"), path)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CorpusError(f"{path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} is not UTF-8: {error}") from error


def rate(root: Path, scan_id: str, rating: Rating | None) -> None:
    """Add a scan's rating to the file beside a corpus, in the place of an earlier one; None takes it back.

    Whoever writes the file holds its lock from reading to renaming: two servers, and threads of one, lose
    nothing of each other's. The lock is a file of its own, since the table is another file after each write.

    Raises:
        ConfigurationError: the folder can't be written to.
        CorpusError: the file is no table of ratings.
        NoSpace: the disk is full.
    """
    with _alone(root):
        known = read(root)
        known.pop(scan_id, None)
        if rating is not None:
            known[scan_id] = rating
        with publishing(root / NAME) as temporary:
            temporary.write_text(written(known.values()), encoding="utf-8")


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the lock of the ratings; the system frees it when the process ends, however it ends."""
    path = root / LOCK
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise translated(error, path) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
