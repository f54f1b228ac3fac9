"""``samples.parquet``: one row for each planned scan, with everything that isn't a map.

It is derived from the ledger and the shards, and can be written again at any time. Nothing in it depends
on when or how often something ran: what scans cost is in the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from allbrains import tables
from allbrains.errors import CorpusError
from allbrains.files import Hook, passing, publishing
from allbrains.records import Done, Failed, Outcome, Rejected
from allbrains.store import manifest
from allbrains.store.layout import Layout, ShardKey
from allbrains.store.ledger import LedgerReader, Sealed
from allbrains.store.sample_schema import LEFT_OUT, MapSpec, samples_schema, specs_of_shard
from allbrains.store.shards import ShardEntry, entries
from allbrains.store.sums import write_sums
from allbrains.text import json_of

ROWS_PER_GROUP = 1024  # 40 MB of montages; without them, few enough groups that a scan over all is quick
SAMPLES: dict[str, Any] = {"compression": "zstd", "write_page_checksum": True}

_NOBODY = pa.schema([pa.field("scan_id", pa.string())]).empty_table()


def write_samples(
    layout: Layout,
    ledger: LedgerReader,
    *,
    demographics: pa.Table = _NOBODY,
    descriptions: Mapping[str, str] | None = None,
    at: Hook = passing,
) -> None:
    """Write the samples table of an output folder, then the list of digests.

    Args:
        layout: of the folder.
        ledger: of the folder.
        demographics: the column ``scan_id`` and what is to be joined to the scans by it; a column that the
            ledger has too (``snapshot``) is what is known of it today.
        descriptions: of numbers and texts, by name, for the columns' metadata.
        at: called around each commit step.

    Raises:
        CorpusError: a shard is missing or unreadable.
        ValueError: two columns would have one name.
    """
    sealed = ledger.sealed()
    specs, numbers, texts = _names(layout, sealed)
    schema = samples_schema(
        specs=specs,
        numbers=sorted(numbers),
        texts=sorted(texts),
        demographics=[field for field in demographics.schema if field.name not in tables.SCANS.names],
        descriptions=descriptions or {},
        corpus=manifest.read(layout),
    )
    people = {row["scan_id"]: row for row in demographics.to_pylist()}
    with (
        publishing(layout.samples, at) as temporary,
        pq.ParquetWriter(temporary, schema, **SAMPLES) as writer,
    ):
        rows: list[dict[str, Any]] = []
        for row in _rows(layout, ledger, sealed, people):
            rows.append(row)
            if len(rows) == ROWS_PER_GROUP:
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
                rows = []
        writer.write_table(pa.Table.from_pylist(rows, schema=schema))
    write_sums(layout, ledger, at=at)


def _names(
    layout: Layout, sealed: Mapping[ShardKey, Sealed]
) -> tuple[dict[str, MapSpec], set[str], set[str]]:
    """Return the maps, and the names of all numbers and texts of all samples."""
    specs: dict[str, MapSpec] = {}
    numbers, texts = set[str](), set[str]()
    for shard in sealed:
        path = layout.shard(shard)
        for entry in entries(path, montages=False).values():
            numbers |= _told(path, entry, "numbers").keys()
            texts |= _told(path, entry, "texts").keys()
        specs |= specs_of_shard(pq.read_schema(path))
    return specs, numbers, texts


def _rows(
    layout: Layout,
    ledger: LedgerReader,
    sealed: Mapping[ShardKey, Sealed],
    people: Mapping[str, Mapping[str, Any]],
) -> Iterator[dict[str, Any]]:
    """Yield one row for each planned scan, by dataset, shard and position."""
    outcomes = ledger.outcomes()
    for shard, members in groupby(ledger.members(), key=lambda member: member.shard):
        held = entries(layout.shard(shard)) if shard in sealed else {}
        scans = [member.scan for member in members]
        of_scans = tables.scans_table(scans).drop_columns(LEFT_OUT).to_pylist()
        for scan, row in zip(scans, of_scans, strict=True):
            outcome, entry = outcomes.get(scan.scan_id), held.get(scan.scan_id)
            told = {**row, **people.get(scan.scan_id, {})}
            if isinstance(outcome, Done) and entry is not None:
                place = {"shard": layout.shard_name(shard), "shard_size": sealed[shard].size}
                yield told | place | _done(layout.shard(shard), entry)
            else:
                yield told | _not_done(outcome)


def _told(path: Path, entry: ShardEntry, name: str) -> dict[str, Any]:
    """Return a sample's numbers or texts."""
    kinds = (str,) if name == "texts" else (int, float, type(None))
    try:
        told = json_of(entry.values[name])
        if not all(isinstance(one, kinds) for one in told.values()):
            raise ValueError(f"not all are {name}")
    except (ValueError, TypeError, AttributeError) as error:
        raise CorpusError(f"{path}, sample {entry.row_group}: its {name} can't be read: {error}") from error
    return dict(told)


def _done(path: Path, entry: ShardEntry) -> dict[str, Any]:
    row = {key: value for key, value in entry.values.items() if key not in ("texts", "numbers")}
    row |= _told(path, entry, "texts") | _told(path, entry, "numbers")
    row |= {f"{name}_start": start for name, start in entry.starts.items()}
    row |= {"outcome": "done", "reason": "", "cause": "", "detail": "", "row_group": entry.row_group}
    return row


def _not_done(outcome: Outcome | None) -> dict[str, Any]:
    row = {"outcome": "pending", "reason": "", "cause": "", "detail": ""}
    match outcome:
        case Rejected():
            return row | {"outcome": "rejected", "reason": outcome.reason.value, "detail": outcome.detail}
        case Failed():
            return row | {"outcome": "failed", "cause": outcome.cause.value, "detail": outcome.detail}
        case Done() | None:  # not yet in a shard
            return row
