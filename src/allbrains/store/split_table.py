"""``splits.parquet``: the side of each sample. One row for each sample that is, or was, done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from allbrains.errors import ConfigurationError, CorpusError
from allbrains.store.blobs import Shelf
from allbrains.store.bounded_table import bounded_table

NAME = "splits.parquet"
SIDES = ("train", "validation", "test")

SCHEMA = pa.schema(
    [
        pa.field("scan_id", pa.string(), metadata={"description": "32 hex digits, as in samples.parquet"}),
        pa.field(
            "group",
            pa.string(),
            metadata={"description": "Scans that are of one person, as far as it can be told; opaque"},
        ),
        pa.field("split", pa.string(), metadata={"description": "train, validation, test, or left_out"}),
        pa.field(
            "side",
            pa.string(),
            metadata={"description": "The same, and kept for a scan that a condition leaves out"},
        ),
    ],
    metadata={"allbrains.table": "splits", "allbrains.format": "1"},
)


def sides_of(shelf: Shelf) -> pa.Table:
    """Return the columns ``scan_id`` and ``split`` of a corpus' splits table.

    Raises:
        ConfigurationError: there are no splits.
        CorpusError: the table is damaged.
    """
    try:
        source = shelf.open(NAME)
    except CorpusError as error:
        raise ConfigurationError(
            f"{shelf.where()} has no {NAME}: `allbrains splits {shelf.where()}` makes one"
        ) from error
    with source:
        return checked_splits(source, f"{shelf.where()}/{NAME}", ["scan_id", "split"])


def checked_splits(source: Any, origin: object, columns: Sequence[str] | None = None) -> pa.Table:
    """Return an untrusted splits table, checked: texts, one row for each scan, no empty cell.

    Raises:
        CorpusError: it is something else.
    """
    table = bounded_table(source, origin, columns=columns)
    for name in table.column_names:
        if table.schema.field(name).type != pa.string() or table[name].null_count:
            raise CorpusError(f"{origin}: expected a text in each cell of the column {name}")
    if "scan_id" in table.column_names and pc.count_distinct(table["scan_id"]).as_py() != len(table):
        raise CorpusError(f"{origin}: two rows are of one scan")
    return table


def split_rows(shelf: Shelf, scan_ids: pa.ChunkedArray, side: str) -> pa.Array:
    """Return the rows of ``scan_ids`` that are on one side, ascending.

    Raises:
        ConfigurationError: there are no splits, no such side, or scans came to the corpus since.
        CorpusError: the table is damaged.
    """
    table = sides_of(shelf)
    if side not in (known := sorted(set(table["split"].to_pylist()))):
        raise ConfigurationError(f"no split {side!r}; there are {', '.join(known)}")
    at = pc.index_in(scan_ids.combine_chunks(), value_set=table["scan_id"].combine_chunks())
    if at.null_count:
        raise ConfigurationError(
            f"{at.null_count} samples have no side yet: `allbrains splits {shelf.where()}` gives them one; "
            "nobody else changes sides"
        )
    return pc.indices_nonzero(pc.equal(table["split"].take(at), side)).cast(pa.int64())
