"""A corpus as a stranger may hand it on: a sound one, and ways to change what its files say."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from allbrains.errors import Reason
from allbrains.records import Rejected
from allbrains.store.layout import Layout
from allbrains.testing.corpora import ToyStory, scan, write

SCANS = (scan(0), scan(1), scan(2, "ds000002"))
FIRST = SCANS[0].scan_id


def sound(root: Path) -> Path:
    """Write a corpus of two samples and one rejected scan."""
    ends = {SCANS[1].scan_id: Rejected(reason=Reason.CONSTANT, detail="every voxel is 0")}
    write(Layout(root), ToyStory(scans=SCANS, ends=ends))
    return root


def copy_of(root: Path, to: Path) -> Path:
    """Copy a corpus."""
    return Path(shutil.copytree(root, to))


def with_values(root: Path, **changes: Any) -> None:
    """Give all rows of the samples table that are done other values."""
    path = Layout(root).samples
    table = pq.read_table(path)
    done = [one == "done" for one in table["outcome"].to_pylist()]
    for name, value in changes.items():
        kept = table[name].to_pylist()
        column = [value if here else one for one, here in zip(kept, done, strict=True)]
        number = table.column_names.index(name)
        table = table.set_column(
            number, table.schema.field(number), pa.array(column, table.schema.field(name).type)
        )
    pq.write_table(table, path)


def with_column(root: Path, name: str, values: pa.Array) -> None:
    """Put a column of any type in the place of one, or beside the others."""
    path = Layout(root).samples
    table = pq.read_table(path)
    metadata = table.schema.metadata
    if name in table.column_names:
        table = table.set_column(table.column_names.index(name), name, values)
    else:
        table = table.append_column(name, values)
    pq.write_table(table.replace_schema_metadata(metadata), path)


def without_column(root: Path, name: str) -> None:
    """Take a column out of the samples table."""
    path = Layout(root).samples
    pq.write_table(pq.read_table(path).drop_columns([name]), path)


def with_metadata(root: Path, key: bytes, change: Callable[[Any], Any]) -> None:
    """Change what JSON in the samples table's metadata says; a changed text stands as it is."""
    path = Layout(root).samples
    table = pq.read_table(path)
    told = change(json.loads(table.schema.metadata[key]))
    text = told if isinstance(told, bytes) else json.dumps(told).encode()
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, key: text}), path)


def with_spec(root: Path, **changes: Any) -> None:
    """Change what the samples table says of the map t1w."""
    with_metadata(root, b"allbrains.maps", lambda maps: {**maps, "t1w": {**maps["t1w"], **changes}})


def with_manifest(root: Path, **changes: Any) -> None:
    """Change the manifest, beside the table and in it."""
    path = Layout(root).manifest
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with_metadata(root, b"allbrains.corpus", lambda told: {**told, **changes})


def with_ledger(root: Path, sql: str, *values: Any) -> None:
    """Change the ledger."""
    with sqlite3.connect(Layout(root).ledger) as db:
        db.execute(sql, values)
    db.close()
