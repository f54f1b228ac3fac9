"""Staged samples: what a worker leaves for the packer. One file a scan, a shard of one row.

A worker needs nothing but the folder: no ledger, no lock. The same sample gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from allbrains.errors import CorpusError
from allbrains.records import Done, Sample, Scan
from allbrains.store import codec
from allbrains.store.files import TEMPORARY, Hook, passing, publishing
from allbrains.store.layout import Layout
from allbrains.store.ledger import LedgerReader
from allbrains.store.manifest import Corpus, matrix
from allbrains.store.schema import MapSpec, shard_schema

# Blobs are compressed already, differ all, and are found by their place: no codec, dictionary, statistics.
# Parquet's own page checksums cover what the maps' don't: numbers, texts, montage.
PARQUET: dict[str, Any] = {
    "compression": "none",
    "use_dictionary": False,
    "write_statistics": False,
    "write_page_checksum": True,
}


def stage(sample: Sample, scan: Scan, corpus: Corpus, layout: Layout, *, at: Hook = passing) -> Done:
    """Write the sample into the staging folder; return its digest and size (costs are the caller's).

    Raises:
        ValueError: a map is empty or not of integers, or its name is unfit.
        TransientError: the disk is full.
    """
    data = serialised(row_of(sample, scan, corpus))
    with publishing(layout.staged(scan.scan_id), at) as temporary:
        temporary.write_bytes(data)
    return Done(sha256=hashlib.sha256(data).hexdigest(), size=data.size)


def serialised(row: pa.Table) -> pa.Buffer:
    """Return a table of one row as the bytes of its staged file; another pyarrow may give others."""
    sink = pa.BufferOutputStream()
    pq.write_table(row, sink, row_group_size=1, **PARQUET)
    return sink.getvalue()


def row_of(sample: Sample, scan: Scan, corpus: Corpus) -> pa.Table:
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
    }
    for name, stored in sample.maps.items():
        array = stored.array
        if array.dtype.kind not in "iu" or not array.size:
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
        CorpusError: its bytes are not those that the ledger knows.
    """
    path = layout.staged(scan.scan_id)
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != done.sha256:
        raise CorpusError(
            f"{scan.key}: the staged sample {path} is not what its worker wrote "
            f"({len(data)} bytes, expected {done.size}): `allbrains repair` makes it again"
        )
    return pq.ParquetFile(pa.BufferReader(data)).read(use_threads=False)


def sweep(layout: Layout, ledger: LedgerReader) -> None:
    """Remove what an interrupted run left: temporary files, and staged samples that no shard waits for.

    Only while no worker runs.
    """
    staged = list(layout.staging.glob("*.parquet"))
    # every shard is asked about: seconds in a corpus of a million scans, so only where it matters
    kept = {layout.staged(scan_id) for scan_id in ledger.awaiting()} if staged else set()
    leftovers = [*layout.root.rglob(TEMPORARY), *staged]
    for path in leftovers:
        if path not in kept:
            path.unlink()


def _numbers_text(numbers: Mapping[str, float]) -> str:
    finite = {name: float(value) if math.isfinite(value) else None for name, value in numbers.items()}
    return json.dumps(finite, sort_keys=True)
