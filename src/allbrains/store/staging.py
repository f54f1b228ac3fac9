"""Staged samples: what a worker leaves for the packer. One file for each scan, a shard of one row.

A worker needs nothing but the folder: no ledger, no lock. The same sample gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from allbrains.errors import CorpusError
from allbrains.files import TEMPORARY, Hook, passing, publishing
from allbrains.records import Done, Sample, Scan
from allbrains.store import codec
from allbrains.store.bounded_table import UNREADABLE
from allbrains.store.layout import Layout
from allbrains.store.ledger import LedgerReader
from allbrains.store.manifest import CorpusFormat, matrix
from allbrains.store.sample_schema import INTEGERS, MapSpec, shard_schema

# Blobs are compressed already, differ all, and are found by their place: no codec, dictionary, statistics.
# Parquet's own page checksums cover what the maps' don't: numbers, texts, montage.
PARQUET: dict[str, Any] = {
    "compression": "none",
    "use_dictionary": False,
    "write_statistics": False,
    "write_page_checksum": True,
}


_PARQUET = b"PARQUET:"
_STAGED = re.compile(r"[0-9a-f]{32}\.parquet\Z")
_LEFT = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{8}\.tmp\Z")  # as ``files.publishing`` names them


def stage(sample: Sample, scan: Scan, corpus: CorpusFormat, layout: Layout, *, at: Hook = passing) -> Done:
    """Write the sample into the staging folder; return its digest and size (costs are the caller's).

    Raises:
        ValueError: a map is empty or not of integers, or its name is unfit.
        TransientError: the disk is full.
    """
    row = row_of(sample, scan, corpus)
    sink = pa.BufferOutputStream()
    pq.write_table(row, sink, row_group_size=1, **PARQUET)
    data = sink.getvalue()
    with publishing(layout.staged(scan.scan_id), at) as temporary:
        temporary.write_bytes(data)
    return Done(sha256=digest_of(row), size=data.size)


def digest_of(row: pa.Table) -> str:
    """Return the SHA-256 of all that a table of one row says: values, names, types, metadata.

    Of what is in it, not of a file's bytes: these another pyarrow lays out in another way.
    """
    fields = [(one.name, str(one.type), one.nullable, _plain(one.metadata)) for one in row.schema]
    total = hashlib.sha256(json.dumps([_plain(row.schema.metadata), fields]).encode())
    for column in row.columns:
        value = column[0]
        if pa.types.is_binary(value.type) or pa.types.is_string(value.type):
            data = value.as_buffer()
            total.update(data.size.to_bytes(8, "little"))
            total.update(data)
        else:
            total.update(repr(value.as_py()).encode())
    return total.hexdigest()


def row_of(sample: Sample, scan: Scan, corpus: CorpusFormat) -> pa.Table:
    """Return the sample as a shard's row: a table of one row.

    Raises:
        ValueError: a map is empty or not of integers, or its name is unfit.
    """
    specs: dict[str, MapSpec] = {}
    values: dict[str, Any] = {
        "scan_id": scan.scan_id,
        "dataset": scan.dataset,
        "path": scan.path,
        "numbers": _numbers_text(sample.numbers),
        "texts": json.dumps(dict(sample.texts), sort_keys=True, ensure_ascii=False),
        "montage": sample.montage,
        "mosaic": sample.mosaic,
        "outlines": sample.outlines,
    }
    for name, stored in sample.maps.items():
        array = stored.array
        if array.dtype.name not in INTEGERS or not array.size:
            raise ValueError(f"map {name!r} is {array.dtype} of shape {array.shape}, expected integers")
        if stored.affine is None and array.shape != corpus.grid.shape:
            raise ValueError(f"map {name!r} has shape {array.shape}, the corpus grid {corpus.grid.shape}")
        affine = corpus.grid.affine if stored.affine is None else matrix(stored.affine)
        specs[name] = MapSpec(shape=array.shape, dtype=array.dtype.name, affine=affine)
        chunk = codec.encode(array)
        values |= {
            name: chunk,
            f"{name}_scale": stored.scale,
            f"{name}_offset": stored.offset,
            f"{name}_nbytes": len(chunk),
            f"{name}_crc32": codec.checksum(chunk),
        }
    return pa.Table.from_pylist([values], schema=shard_schema(specs, corpus))


def staged_row(layout: Layout, scan: Scan, done: Done) -> pa.Table:
    """Return a staged sample as a table of one row.

    Raises:
        FileNotFoundError: it isn't staged.
        CorpusError: it is not what the ledger knows.
    """
    path = layout.staged(scan.scan_id)
    data = path.read_bytes()
    try:
        with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
            row = file.read(use_threads=False)
    except UNREADABLE as error:
        raise _damaged(scan, path, str(error)) from error
    if len(row) != 1 or digest_of(row) != done.sha256:
        raise _damaged(scan, path, f"{len(data)} bytes, expected {done.size}")
    return row


def sweep(layout: Layout, ledger: LedgerReader) -> None:
    """Remove what an interrupted run left: temporary files, and staged samples that no shard waits for.

    Only while no worker runs.
    """
    staged = list(layout.staging.glob("*.parquet"))
    # every shard is asked about: seconds in a corpus of a million scans, so only where it matters
    kept = {layout.staged(scan_id) for scan_id in ledger.awaiting()} if staged else set()
    for path in [*_temporaries(layout), *(one for one in staged if _STAGED.match(one.name))]:
        if path not in kept and path.is_file():
            path.unlink(missing_ok=True)


def _temporaries(layout: Layout) -> Iterator[Path]:
    """Yield the temporary files of the builds before: names as they give them, in the folders they write to.

    Ratings and splits are written by others, also while a build runs: theirs are left alone.
    """
    of_root = {path.name for path in (layout.manifest, layout.samples, layout.sums)}
    folders = [layout.root, layout.staging, *layout.shards.glob("*")]
    for folder in folders:
        if folder.is_symlink() or not folder.is_dir():
            continue
        for path in folder.glob(TEMPORARY):
            found = _LEFT.match(path.name)
            if found and (
                found["name"] in of_root if folder == layout.root else found["name"].endswith(".parquet")
            ):
                yield path


def _damaged(scan: Scan, path: Path, why: str) -> CorpusError:
    return CorpusError(
        f"{scan.key}: the staged sample {path} is not what its worker wrote ({why}): "
        "`allbrains repair` makes it again"
    )


def _plain(metadata: Mapping[bytes, bytes] | None) -> list[tuple[str, str]]:
    """Return metadata in a fixed order, without what Parquet itself may add."""
    held = {key.hex(): value.hex() for key, value in (metadata or {}).items()}
    return sorted((key, value) for key, value in held.items() if not bytes.fromhex(key).startswith(_PARQUET))


def _numbers_text(numbers: Mapping[str, float]) -> str:
    finite = {name: float(value) if math.isfinite(value) else None for name, value in numbers.items()}
    return json.dumps(finite, sort_keys=True)
