"""What was made of a dataset, kept: a snapshot that has not changed gives the same rows by the same rules.

The rules are this package's own source files: when one of them changes, everything is made anew (from the
cached listings and small files, so without a request).
"""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path

import msgspec
import pyarrow as pa

from allbrains import participants, tables
from allbrains.catalogue.read_dataset import DatasetReader, Read
from allbrains.sources.snapshot import Excluded, Exclusion, Route, Snapshot

_PACKAGE = Path(__file__).parents[1]
_RULES = ("bids.py", "records.py", "tables.py", "participants", "sources", "catalogue")
# A row with one of these may be another one tomorrow.
_PASSING = frozenset({Exclusion.TEXT_FAILED, Exclusion.TEXT_UNAVAILABLE, Exclusion.LISTING_TRUNCATED})
_WHOLE = (Route.RECURSIVE, Route.TREE)


class _File(msgspec.Struct, frozen=True):
    files: int
    route: str
    scans: bytes
    people: bytes
    excluded: tuple[Excluded, ...]


class Kept:
    """A folder of what was made of datasets, one file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, reader: DatasetReader, snapshot: Snapshot) -> Read:
        """Return what the reader makes of a snapshot, or what it made of it before."""
        path = self._folder / f"{snapshot.dataset}.msgpack"
        key = _key(reader, snapshot)
        if (found := _load(path, key)) is not None:
            with suppress(pa.ArrowException, OSError, ValueError):  # damaged behind its key: made anew
                return _read_of(snapshot, found)
        made = reader.read(snapshot)
        if made.route in _WHOLE and not any(row.reason in _PASSING for row in made.excluded):
            self._write(path, key, made)
        return made

    def _write(self, path: Path, key: bytes, made: Read) -> None:
        content = _File(
            files=made.files,
            route=made.route,
            scans=_bytes(made.scans),
            people=_bytes(made.people),
            excluded=made.excluded,
        )
        self._folder.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
        part.write_bytes(key + msgspec.msgpack.encode(content))
        part.replace(path)  # not synced: a cache may be lost


def _read_of(snapshot: Snapshot, found: _File) -> Read:
    return Read(
        snapshot=snapshot,
        files=found.files,
        route=found.route,
        scans=_table(found.scans, tables.LABELLED_SCANS),
        people=_table(found.people, participants.PARTICIPANTS),
        excluded=found.excluded,
    )


def _key(reader: DatasetReader, snapshot: Snapshot) -> bytes:
    text = "\0".join((rules(), reader.source.name, repr(reader.wanted_of(snapshot.dataset)), repr(snapshot)))
    return hashlib.sha256(text.encode()).digest()


@cache
def rules() -> str:
    """Return a digest of the source files that decide what is made of a dataset."""
    digest = hashlib.sha256()
    for name in _RULES:
        place = _PACKAGE / name
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in files:
            if file.suffix in (".py", ".toml"):
                digest.update(file.read_bytes())
    return digest.hexdigest()


def _load(path: Path, key: bytes) -> _File | None:
    try:
        content = path.read_bytes()
        if not content.startswith(key):
            return None
        return msgspec.msgpack.decode(memoryview(content)[len(key) :], type=_File)
    except (FileNotFoundError, msgspec.DecodeError):  # damaged: made anew
        return None


def _bytes(table: pa.Table) -> bytes:
    """Return a table's rows without its schema, which would be most of a small one, and slow to read."""
    batches = table.combine_chunks().to_batches()
    return bytes(batches[0].serialize()) if batches else b""


def _table(content: bytes, schema: pa.Schema) -> pa.Table:
    """Return the table with the rows that ``_bytes`` gave; it lies in ``content`` and is not copied."""
    batches = [pa.ipc.read_record_batch(pa.py_buffer(content), schema)] if content else []
    return pa.Table.from_batches(batches, schema)
