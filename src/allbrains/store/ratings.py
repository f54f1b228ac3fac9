"""``ratings.tsv``: what a person thought of samples, beside the corpus. One row for each rated scan.

A table of tab-separated text, so that it can be read, mended and merged by hand: ``scan_id``, ``dataset``,
``path``, ``rating``, ``note``, ``rated``. A row with a note and no rating is a note only. It is no part of
the corpus' digests. A cell that a spreadsheet would take for a formula has a ``'`` before it, which is taken
off again when the file is read.
"""

from __future__ import annotations

import csv
import fcntl
import io
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import pyarrow as pa

from allbrains.errors import AllbrainsError, CorpusError
from allbrains.files import publishing, translated
from allbrains.regular_files import read_regular
from allbrains.text import guarded, unguarded

NAME = "ratings.tsv"
LOCK = ".ratings.lock"
RATING = "rating"  # the column that opening a corpus adds
COLUMNS = ("scan_id", "dataset", "path", "rating", "note", "rated")
_MOST_LETTERS = 2000
_MOST_BYTES = 1 << 28  # a row has some hundred bytes


class Verdict(StrEnum):
    """A rating."""

    ACCEPT = "accept"
    DOUBT = "doubt"
    REJECT = "reject"
    NONE = ""  # noted only


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What a person thought of one sample.

    Attributes:
        scan_id: of the scan.
        dataset: of the scan, for people who read the file.
        path: of the scan, for people who read the file.
        rating: accept, doubt or reject; empty where there is a note only.
        note: one line of text, empty where there is none.
        rated: when, ISO 8601, UTC.
    """

    scan_id: str
    dataset: str
    path: str
    rating: Verdict
    note: str
    rated: str


class RatedMeanwhile(AllbrainsError):
    """Another person has rated the scan since the rater looked.

    Attributes:
        now: what stands in the file; None: nothing.
    """

    def __init__(self, message: str, now: Rating | None) -> None:
        super().__init__(message)
        self.now = now


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
                f"{origin}, line {number}: rating {words['rating']!r} is none of accept, doubt, reject"
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
    """Return the text of a file: one row for each rating, by dataset and path."""
    lines = ["\t".join(COLUMNS)]
    for one in sorted(ratings, key=lambda one: (one.dataset, one.path, one.scan_id)):
        lines.append("\t".join(guarded(line(str(getattr(one, name)))) for name in COLUMNS))
    return "\n".join(lines) + "\n"


def line(text: str) -> str:
    """Return text as one cell: blanks for what would end it, cut where it is too long."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_MOST_LETTERS]


def with_ratings(table: pa.Table, ratings: Mapping[str, Rating]) -> pa.Table:
    """Return a table of samples with the column ``rating``; empty where there is no rating.

    Empty and not null, so that ``rating != 'reject'`` holds of a sample that nobody has looked at.
    """
    words = [ratings[one].rating.value if one in ratings else "" for one in table["scan_id"].to_pylist()]
    told = {"description": "A person's: accept, doubt or reject; empty where nobody rated"}
    field = pa.field(RATING, pa.string(), metadata=told)
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


def rate(root: Path, scan_id: str, rating: Rating | None, *, seen: tuple[str, str] | None = None) -> None:
    """Add a scan's rating to the file beside a corpus, in the place of an earlier one; None takes it back.

    Args:
        root: the corpus.
        scan_id: of the scan.
        rating: what is to stand in the file.
        seen: rating and note that the rater saw, both empty where there were none; None: whatever is there
            is replaced.

    Raises:
        ConfigurationError: the folder can't be written to.
        CorpusError: the file is no table of ratings.
        NoSpace: the disk is full.
        RatedMeanwhile: the file says something else than was seen; it stays as it is.
    """
    with _changing(root) as known:
        now = known.get(scan_id)
        if seen is not None and seen != (("", "") if now is None else (now.rating.value, now.note)):
            told = "nothing" if now is None else f"{now.rating or 'a note'} ({now.rated})"
            raise RatedMeanwhile(f"another window rated this scan meanwhile: the file says {told}", now)
        known.pop(scan_id, None)
        if rating is not None:
            known[scan_id] = rating


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingsMerged:
    """What became of the rows of a file that was read in.

    Attributes:
        added: scans that had no rating.
        replaced: scans with an older rating.
        kept: scans with the same rating, or a newer one.
        unknown: scans that this corpus has no sample of; nothing is written of them.
    """

    added: int
    replaced: int
    kept: int
    unknown: int


def merge(root: Path, others: Mapping[str, Rating], samples: Collection[str]) -> RatingsMerged:
    """Add ratings to the file beside a corpus; where both have rated a scan, the later one stays.

    Args:
        root: the corpus.
        others: by scan id, as ``parse`` returns them.
        samples: ids of the scans that can have a rating here.

    Raises:
        ConfigurationError: the folder can't be written to.
        CorpusError: the file is no table of ratings.
        NoSpace: the disk is full.
    """
    fitting = {scan_id: one for scan_id, one in others.items() if scan_id in samples}
    with _changing(root) as known:
        new = {scan_id: one for scan_id, one in fitting.items() if scan_id not in known}
        newer = {
            scan_id: one
            for scan_id, one in fitting.items()
            if scan_id in known and _moment(one) > _moment(known[scan_id])
        }
        known.update(new | newer)
    return RatingsMerged(
        added=len(new),
        replaced=len(newer),
        kept=len(fitting) - len(new) - len(newer),
        unknown=len(others) - len(fitting),
    )


def _moment(rating: Rating) -> datetime:
    """Return when a rating was given; long ago where the file doesn't say."""
    try:
        moment = datetime.fromisoformat(rating.rated)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@contextmanager
def _changing(root: Path) -> Iterator[dict[str, Rating]]:
    """Give the ratings by scan id, and write them when the block ends without an error.

    The lock is held from reading to renaming: two servers, and threads of one, lose nothing of each
    other's. It is a file of its own, since the table is another file after each write.
    """
    with _alone(root):
        known = read(root)
        before = dict(known)
        yield known
        if known != before:
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
