"""What ``plan`` and ``build`` begin with: the output folder's catalogue, read anew, and a choice of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import psutil
import pyarrow as pa

from allbrains import tables
from allbrains.recipe import Recipe
from allbrains.records import Scan
from allbrains.sources import catalogue
from allbrains.sources.choice import place
from allbrains.sources.crawl import crawl
from allbrains.sources.openneuro import Endpoints
from allbrains.transfer import Network

@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The scans that a command is about.

    Attributes:
        scans: in the catalogue's order.
        people: ``scan_id`` and the demographics of each scan.
        network: what fetching them may ask.
        incomplete: a sentence for each thing that the catalogue lacks.
    """

    scans: tuple[Scan, ...]
    people: pa.Table
    network: Network
    incomplete: tuple[str, ...]


def gather(
    *,
    api: str,
    bucket: str,
    bids: Path | None,
    contact: str,
    dataset: Sequence[str],
    where: str,
    limit: int | None,
    out: Path,
) -> Chosen:
    """Crawl (what was read before is not asked for again), write the tables to ``out/catalog``, choose."""
    folder = out / "catalog"
    where_from = place(
        endpoints=Endpoints(api=api, bucket=bucket),
        bids=bids,
        datasets=dataset,
        cache=folder / "cache",
        contact=contact,
    )
    found = crawl(where_from.source, progress=_progress)
    catalogue.write(found, folder)
    rows = catalogue.select(found, where=where, limit=limit)
    labels = ["scan_id", *(field.name for field in tables.LABELS)]
    return Chosen(
        scans=tuple(tables.scans_of(rows)),
        people=rows.select(labels),
        network=where_from.network,
        incomplete=tuple(f"{row['dataset']}: {row['reason']}: {row['evidence']}" for row in found.missing),
    )


def default_slots(recipe: Recipe) -> int:
    """Return how many scans this machine can run at once: by cores, and by the memory that each takes."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(cores, int(psutil.virtual_memory().available / 1e6 / recipe.memory_mb)))


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\rcatalogue: {done} of {total} datasets", nl=done == total, err=True)
