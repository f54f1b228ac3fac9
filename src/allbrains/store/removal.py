"""Remove a withdrawn dataset with its samples."""

from __future__ import annotations

import shutil

import pyarrow.compute as pc
import pyarrow.parquet as pq

from allbrains.errors import ConfigurationError
from allbrains.files import Hook, passing, publishing, see_inside
from allbrains.store.bounded_table import bounded_table, row_groups, schema_of
from allbrains.store.layout import Layout, folder_name
from allbrains.store.ledger import Ledger
from allbrains.store.samples import SAMPLES
from allbrains.store.sums import read_sums, write_sums


def remove_dataset(layout: Layout, ledger: Ledger, dataset: str, *, at: Hook = passing) -> int:
    """Remove a dataset's shards, staged samples, rows and ledger entries; return how many scans it had.

    In this order: ledger, shards, samples table; so a crash leaves work to repeat, and the same call
    does it. The catalogue is the caller's.

    Raises:
        ConfigurationError: neither ledger nor folder has such a dataset; the message lists those there are.
        CorpusError: a link leads out of the folder, so that another folder's files would be removed.
    """
    if not dataset:
        raise ConfigurationError("no dataset has an empty name")
    folder = layout.shards / folder_name(dataset)
    for path in (folder, layout.staging, layout.samples, layout.sums):
        see_inside(path, layout.root)
    ids = [member.scan.scan_id for member in ledger.members() if member.scan.dataset == dataset]
    rows = _rows_of(layout, dataset)
    listed = any(name.startswith(f"shards/{folder.name}/") for name in read_sums(layout))
    if not ids and not folder.exists() and not rows and not listed:
        known = sorted({member.scan.dataset for member in ledger.members()})
        raise ConfigurationError(f"no dataset {dataset!r} in {layout.root}; there are {', '.join(known)}")
    count = ledger.remove(dataset)
    for scan_id in ids:
        layout.staged(scan_id).unlink(missing_ok=True)
    at(f"removing {folder.name}")
    if folder.exists():
        shutil.rmtree(folder)
    at(f"removed {folder.name}")
    if rows:
        _drop_rows(layout, dataset, at)
    if layout.samples.exists():
        write_sums(layout, ledger, at=at)
    return max(count, rows)


def _rows_of(layout: Layout, dataset: str) -> int:
    if not layout.samples.exists():
        return 0
    table = bounded_table(layout.samples, layout.samples, columns=["dataset"])
    return int(table["dataset"].to_pylist().count(dataset))


def _drop_rows(layout: Layout, dataset: str, at: Hook) -> None:
    """Write the samples table without a dataset's rows, group by group: its pictures may be gigabytes."""
    with (
        publishing(layout.samples, at) as temporary,
        pq.ParquetWriter(temporary, schema_of(layout.samples, layout.samples), **SAMPLES) as writer,
    ):
        for table in row_groups(layout.samples, layout.samples):
            writer.write_table(table.filter(pc.not_equal(table["dataset"], dataset)))
