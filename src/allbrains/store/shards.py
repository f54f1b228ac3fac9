"""Shards: Parquet files of at most 64 samples of one dataset, one row group each, read by byte range.

A value of a column without codec, dictionary, null or statistics is the tail of its column chunk: four
bytes of length, then the bytes themselves. So a map's place follows from the footer, and a reader that
knows it reads the map with one ranged read. That is a property of how pyarrow writes, not a promise: it
is checked for every chunk of every shard before the shard gets its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from allbrains.errors import CorpusError
from allbrains.files import Hook, passing, publishing
from allbrains.records import Done
from allbrains.regular_files import open_regular
from allbrains.store import codec
from allbrains.store.bounded_table import UNREADABLE, reading_of, see_bounds
from allbrains.store.layout import Layout, ShardKey
from allbrains.store.ledger import Ledger, Member, Sealed
from allbrains.store.sample_schema import LARGE_PICTURES, specs_of_shard
from allbrains.store.staging import PARQUET, staged_row
from allbrains.store.sums import sha256

_LENGTH_BYTES = 4  # PLAIN encoding of binary: length, little-endian, then the value


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardEntry:
    """A sample in a shard, without its maps.

    Attributes:
        row_group: its place, from 0.
        values: the row's columns but the maps' chunks.
        starts: first byte of each map's chunk in the file.
    """

    row_group: int
    values: dict[str, Any]
    starts: dict[str, int]


def seal(layout: Layout, ledger: Ledger, shard: ShardKey, *, at: Hook = passing) -> None:
    """Write the shard with all its scans that are done, note it in the ledger, remove their staged files.

    Rows come from the staging folder, or from the shard as it was before. The bytes depend on the members
    alone. A shard of which no scan is done has no file.

    Raises:
        CorpusError: a sample is lost or damaged, or unlike the others in its maps.
        TransientError: the disk is full.
    """
    outcomes = ledger.outcomes(shard)
    members = [
        (m, out) for m in ledger.members(shard) if isinstance(out := outcomes.get(m.scan.scan_id), Done)
    ]
    path = layout.shard(shard)
    if members:
        with publishing(path, at) as temporary:
            _write(temporary, _rows(layout, path, members), path)
            _check_places(temporary)
        sealed = Sealed(sha256=sha256(path), size=path.stat().st_size)
    else:
        path.unlink(missing_ok=True)
        sealed = Sealed()
    ledger.seal(shard, sealed)
    for member, _ in members:
        at(f"removing {member.scan.scan_id}")
        layout.staged(member.scan.scan_id).unlink(missing_ok=True)


def entries(path: Path, *, montages: bool = True) -> dict[str, ShardEntry]:
    """Return a shard's samples by scan id, in their order, without reading a map.

    Raises:
        CorpusError: the file is missing or is not a shard.
    """
    try:
        with open_regular(path) as source, pq.ParquetFile(source) as file:
            see_bounds(file.metadata)
            return _entries(file, montages=montages)
    except UNREADABLE as error:
        raise CorpusError(f"{path} can't be read as a shard: {error}") from error


def _entries(file: pq.ParquetFile, *, montages: bool) -> dict[str, ShardEntry]:
    schema = file.schema_arrow
    specs = specs_of_shard(schema)
    dropped = {*specs, *LARGE_PICTURES} | (set() if montages else {"montage"})
    columns = [name for name in schema.names if name not in dropped]
    rows = file.read(columns=columns, use_threads=False).to_pylist()
    return {
        row["scan_id"]: ShardEntry(
            row_group=group,
            values=row,
            starts={
                m: locate(file.metadata, group, schema.get_field_index(m), row[f"{m}_nbytes"]) for m in specs
            },
        )
        for group, row in enumerate(rows)
    }


def locate(metadata: pq.FileMetaData, row_group: int, column: int, nbytes: int) -> int:
    """Return the first byte, in the file, of the only value of a column chunk: its last ``nbytes``."""
    chunk = metadata.row_group(row_group).column(column)
    return int(chunk.data_page_offset + chunk.total_compressed_size - nbytes)


def pictures_of(source: Any, origin: object, row_group: int, names: Sequence[str]) -> list[bytes]:
    """Return pictures of a sample of a shard; empty where the shard was written before there were such ones.

    Args:
        source: the shard, a binary file that can seek.
        origin: what to call it in messages.
        row_group: the sample's place, from 0.
        names: of their columns.

    Raises:
        CorpusError: the shard is damaged.
    """
    with reading_of(origin), pq.ParquetFile(source) as file:
        older = [name for name in LARGE_PICTURES if name not in file.schema_arrow.names]
        asked = ["scan_id", *(name for name in names if name not in older)]
        (row,) = file.read_row_group(row_group, columns=asked).to_pylist()
        found = [row.get(name, b"" if name in older else None) for name in names]
        if not all(isinstance(one, bytes) for one in found):
            raise CorpusError(f"{origin}: sample {row_group} has no picture")
        return found


def undamaged(path: Path, row_group: int) -> pa.Table:
    """Return a sample of a shard, as a table of one row, with all its checksums checked.

    Raises:
        CorpusError: it is damaged; says which map, or that it is another column.
    """
    try:
        with open_regular(path) as source, pq.ParquetFile(source) as file:
            row = file.read_row_group(row_group, use_threads=False)
        for name in specs_of_shard(row.schema):
            if codec.checksum(row[name][0].as_buffer()) != row[f"{name}_crc32"][0].as_py():
                key = f"{row['dataset'][0]}/{row['path'][0]}"
                raise CorpusError(f"{key}, map {name}: its checksum in {path} is wrong")
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return file.read_row_group(row_group, use_threads=False)
    except UNREADABLE as error:
        raise CorpusError(f"sample {row_group} of {path} is damaged: {error}") from error


def _rows(layout: Layout, path: Path, members: list[tuple[Member, Done]]) -> Iterator[pa.Table]:
    """Yield the members' rows, tables of one row each."""
    before = {scan_id: entry.row_group for scan_id, entry in entries(path).items()} if path.exists() else {}
    for member, done in members:
        try:
            yield staged_row(layout, member.scan, done)
        except FileNotFoundError as error:
            if member.scan.scan_id not in before:
                raise CorpusError(
                    f"{member.scan.key} is done, but its sample is neither staged nor in {path}: "
                    "`allbrains repair` makes it again"
                ) from error
            yield undamaged(path, before[member.scan.scan_id])


def _write(temporary: Path, rows: Iterator[pa.Table], path: Path) -> None:
    first = next(rows)
    with pq.ParquetWriter(temporary, first.schema, **PARQUET) as writer:
        writer.write_table(first, row_group_size=1)
        for row in rows:
            if not row.schema.equals(first.schema, check_metadata=True):
                raise CorpusError(
                    f"{row['path'][0]} has maps {specs_of_shard(row.schema)}, "
                    f"the samples before it in {path} have {specs_of_shard(first.schema)}"
                )
            writer.write_table(row, row_group_size=1)


def _check_places(path: Path) -> None:
    """See that every chunk lies where ``locate`` says.

    Raises:
        CorpusError: this pyarrow lays its pages out in another way, or the disk lost bytes.
    """
    with path.open("rb") as file:
        for entry in entries(path, montages=False).values():
            for name, start in entry.starts.items():
                nbytes = entry.values[f"{name}_nbytes"]
                file.seek(start - _LENGTH_BYTES)
                length, chunk = file.read(_LENGTH_BYTES), file.read(nbytes)
                if (
                    int.from_bytes(length, "little") != nbytes
                    or codec.checksum(chunk) != entry.values[f"{name}_crc32"]
                ):
                    raise CorpusError(
                        f"{path}: the map {name} of row group {entry.row_group} is not at byte {start} "
                        f"(written with pyarrow {pa.__version__})"
                    )
