"""``ratings.tsv``: what a person thought of samples, beside the corpus. One row a rated scan.

A table of tab-separated text, so that it can be read, mended and merged by hand: ``scan_id``, ``dataset``,
``path``, ``rating``, ``note``, ``rated``. It is no part of the corpus' digests.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pyarrow as pa

from allbrains.errors import CorpusError
from allbrains.files import publishing

NAME = "ratings.tsv"
COLUMNS = ("scan_id", "dataset", "path", "rating", "note", "rated")
_MOST_LETTERS = 2000


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
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    if not {"scan_id", "rating"} <= set(reader.fieldnames or ()):
        raise CorpusError(f"{origin}: expected the columns {', '.join(COLUMNS)}, found {reader.fieldnames}")
    found: dict[str, Rating] = {}
    for number, row in enumerate(reader, 2):
        words = {name: (row.get(name) or "").strip() for name in COLUMNS}
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
        lines.append("\t".join(line(str(getattr(one, name))) for name in COLUMNS))
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
        return parse(path.read_text(encoding="utf-8"), path)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path} can't be read: {error}") from error


def write(root: Path, ratings: Mapping[str, Rating]) -> None:
    """Write the ratings beside a corpus.

    Raises:
        ConfigurationError: the folder can't be written to.
        NoSpace: the disk is full.
    """
    with publishing(root / NAME) as temporary:
        temporary.write_text(written(ratings.values()), encoding="utf-8")
