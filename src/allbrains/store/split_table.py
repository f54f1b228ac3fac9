"""``splits.parquet``: which side each sample is on. One row a sample that is, or was, done."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from allbrains.errors import ConfigurationError, CorpusError
from allbrains.store.blobs import Shelf

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


def split_rows(shelf: Shelf, scan_ids: pa.ChunkedArray, side: str) -> pa.Array:
    """Return the rows of ``scan_ids`` that are on one side, ascending.

    Raises:
        ConfigurationError: there are no splits, no such side, or scans came to the corpus since.
        CorpusError: the table is damaged.
    """
    try:
        with shelf.open(NAME) as source:
            table = pq.read_table(source, columns=["scan_id", "split"])
    except CorpusError as error:
        raise ConfigurationError(
            f"{shelf.where()} has no {NAME}: `allbrains splits {shelf.where()}` makes one"
        ) from error
    except (OSError, pa.ArrowInvalid) as error:
        raise CorpusError(f"{NAME} of {shelf.where()} can't be read: {error}") from error
    if side not in (known := sorted(set(table["split"].to_pylist()))):
        raise ConfigurationError(f"no split {side!r}; there are {', '.join(known)}")
    at = pc.index_in(scan_ids.combine_chunks(), value_set=table["scan_id"].combine_chunks())
    if at.null_count:
        raise ConfigurationError(
            f"{at.null_count} samples have no side yet: `allbrains splits {shelf.where()}` gives them one; "
            "nobody else changes sides"
        )
    return pc.indices_nonzero(pc.equal(table["split"].take(at), side)).cast(pa.int64())
