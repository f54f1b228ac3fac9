"""A report as a folder that needs no server and no network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from allbrains.errors import ConfigurationError, CorpusError
from allbrains.files import make_folder, translated
from allbrains.report.report_site import ReportSite
from allbrains.store.layout import Layout

MARK = "data/about.js"  # a folder with it was written by this module, and may be written over


def write_report(site: ReportSite, to: Path) -> Iterator[str]:
    """Write a report; yield the name of each file when it is there.

    What an earlier report left in ``data``, ``montages`` and ``other`` is removed first.

    Args:
        site: what to write.
        to: a folder: empty, or one that holds a report.

    Raises:
        ConfigurationError: the folder holds something else, or can't be written to.
        CorpusError: a shard is damaged.
        NoSpace: the disk is full.
    """
    _clear(to)
    for name in site.names():
        data = site.read(name)
        if data is not None:
            yield _write(to, name, data)
    yield from _montages(site, to)
    if site.other is not None:
        for name in _montages(site.other, to / "other"):
            yield f"other/{name}"


def _clear(to: Path) -> None:
    if to.exists() and any(to.iterdir()) and not (to / MARK).exists():
        raise ConfigurationError(f"{to} holds something else than a report: choose another folder")
    try:
        for pattern in (
            "data/*/*.js",
            "data/*.js",
            "montages/*/*.jpg",
            "other/data/*/*.js",
            "other/montages/*/*.jpg",
        ):
            for path in to.glob(pattern):
                path.unlink()
        make_folder(to)
    except OSError as error:
        raise translated(error, to) from error


def _montages(site: ReportSite, to: Path) -> Iterator[str]:
    """Write the pictures from the samples table, a thousand at a time: a shard each would take hours."""
    path = Layout(site.root).samples
    try:
        with pq.ParquetFile(path) as file:
            for part in file.iter_batches(64, columns=["scan_id", "montage"]):
                for scan_id, picture in zip(
                    *(part[name].to_pylist() for name in part.schema.names), strict=True
                ):
                    if picture and scan_id in site.places:
                        yield _write(to, site.montage_name(scan_id), picture)
    except (OSError, pa.ArrowInvalid) as error:
        raise CorpusError(f"{path} can't be read: {error}") from error


def _write(to: Path, name: str, data: bytes) -> str:
    # no sync: a report is made anew in a moment, and 60,000 syncs take hours
    path = to / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise translated(error, path) from error
    return name
