"""Find people who are on more than one side of a split file, whichever program wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from allbrains import bids
from allbrains.errors import ConfigurationError, CorpusError
from allbrains.regular_files import read_regular
from allbrains.splits.same_person import Key, Link, groups, keys_of
from allbrains.store.bounded_table import bounded_table

_SIDE_NAMES = ("split", "side", "set", "subset", "fold", "partition")
_MOST_BYTES = 1 << 30  # a row has some hundred bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Scans of one person on more than one side.

    Attributes:
        links: why they are one person's.
        scans: what the file calls them, each with its side.
    """

    links: tuple[Link, ...]
    scans: tuple[tuple[str, str], ...]


def read_sides(path: Path) -> tuple[list[dict[str, str]], list[str]]:
    """Return a split file's rows, and the side of each.

    CSV, TSV or Parquet with a column ``split`` (or side, set, subset, fold, partition) and columns that say
    which scan it is: ``scan_id``; or ``dataset`` with ``subject``, ``participant_id`` or ``path``; and
    ``digest``, where there is one.

    Raises:
        ConfigurationError: the file can't be read, or its columns don't say that.
    """
    try:
        table = bounded_table(path, path) if path.suffix == ".parquet" else _text_table(path)
    except (OSError, ValueError, KeyError, pa.ArrowException, CorpusError) as error:
        raise ConfigurationError(f"{path} can't be read as a table: {error}") from error
    side = next((name for name in _SIDE_NAMES if name in table.column_names), None)
    if side is None:
        raise ConfigurationError(
            f"{path} has no column {', '.join(_SIDE_NAMES)}; it has {table.column_names}"
        )
    told = [{name: _text(value) for name, value in row.items()} for row in table.to_pylist()]
    sides = [row.pop(side) for row in told]
    rows = [_plain(row) for row in told]
    if not any(row.get("scan_id") or keys_of(row) for row in rows):
        raise ConfigurationError(
            f"{path}: no row says which scan it is: scan_id, or dataset with subject or path"
        )
    return rows, sides


def _text_table(path: Path) -> pa.Table:
    content = pa.py_buffer(read_regular(path, most=_MOST_BYTES))
    options = csv.ParseOptions(delimiter="\t" if path.suffix == ".tsv" else ",")
    names = csv.open_csv(pa.BufferReader(content), parse_options=options).schema.names
    text = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))  # 01 stays 01
    return csv.read_csv(pa.BufferReader(content), parse_options=options, convert_options=text)


def leaks(
    rows: Sequence[Mapping[str, str]], sides: Sequence[str], alike: Sequence[tuple[int, int]] = ()
) -> Iterator[Leak]:
    """Yield every person who is on more than one side.

    Args:
        rows: with ``dataset``, ``subject``, ``digest`` as far as known.
        sides: of each row; rows of an empty side are on none.
        alike: pairs of places of rows that show one person's brain.
    """
    keys = [keys_of(row) for row in rows]
    for places in groups(keys, alike):
        own = [place for place in places if sides[place] and sides[place] != "left_out"]
        if len({sides[place] for place in own}) > 1:
            yield Leak(
                links=_links(own, keys, alike), scans=tuple((_name(rows[at]), sides[at]) for at in own)
            )


def joined(rows: Sequence[Mapping[str, str]], known: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return each row's place among a corpus' samples, −1 where it has none.

    Args:
        rows: of a split file.
        known: rows of the samples table.
    """
    by_id = {row["scan_id"]: place for place, row in enumerate(known)}
    by_path = {(row["dataset"], row["path"]): place for place, row in enumerate(known)}
    return [
        by_id.get(row.get("scan_id", ""), by_path.get((row.get("dataset", ""), row.get("path", "")), -1))
        for row in rows
    ]


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _plain(row: Mapping[str, str]) -> dict[str, str]:
    """Return a row in our own names: the subject from the column that has it, a path from the dataset on."""
    out = dict(row)
    head, _, rest = out.get("path", "").lstrip("./").partition("/")
    if rest and not head.startswith("sub-") and out.get("dataset", head) == head:
        out |= {"dataset": head, "path": rest}
    label = out.get("subject") or out.get("participant_id") or _subject(out.get("path", ""))
    return out | ({"subject": label.removeprefix("sub-")} if label else {})


def _subject(path: str) -> str:
    try:
        return bids.parse(path).label("sub")
    except bids.NotBids:
        return ""


def _name(row: Mapping[str, str]) -> str:
    where = [row[name] for name in ("dataset", "path") if row.get(name)]
    if len(where) < 2 and row.get("subject"):
        where = [*where, f"sub-{row['subject']}"]
    return "/".join(where) or row.get("scan_id", "")


def _links(
    places: Sequence[int], keys: Sequence[Sequence[Key]], alike: Sequence[tuple[int, int]]
) -> tuple[Link, ...]:
    """Return the kinds of links among these rows."""
    here = set(places)
    shared = [key for place in places for key in keys[place]]
    kinds = {key[0] for key in shared if shared.count(key) > 1}
    if any(one in here and other in here for one, other in alike):
        kinds.add(Link.BRAIN)
    return tuple(link for link in Link if link in kinds)
