"""What ``plan`` and ``build`` begin with: the output folder's catalogue, read anew, and a choice of it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import pyarrow as pa

from allbrains import tables
from allbrains.cli.counting import count
from allbrains.recipe import Recipe
from allbrains.records import Scan
from allbrains.sources import catalogue
from allbrains.sources.catalogue import Catalogue
from allbrains.sources.choice import Place, place
from allbrains.sources.openneuro import Endpoints
from allbrains.sources.reading import Wanted
from allbrains.sources.survey import previous, survey
from allbrains.transfer import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The scans that a command is about.

    Attributes:
        scans: in the catalogue's order.
        people: ``scan_id`` and the demographics of each scan.
        network: what fetching them may ask.
        incomplete: a sentence for each thing that the catalogue lacks.
        catalogue: all that was found.
        place: where it was found.
        unread_headers: images of the catalogue whose header is not known.
        header_bytes: what reading those would fetch, at most.
    """

    scans: tuple[Scan, ...]
    people: pa.Table
    network: Network
    incomplete: tuple[str, ...]
    catalogue: Catalogue
    place: Place
    unread_headers: int
    header_bytes: int


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
    suffix: Sequence[str] = ("T1w",),
    lock: Path | None = None,
    headers: bool = False,
    sidecars: bool = False,
) -> Chosen:
    """Crawl (what was read before is not asked for again), write the tables to ``out/catalog``, choose."""
    folder = out / "catalog"
    where_from = place(
        endpoints=Endpoints(api=api, bucket=bucket),
        bids=bids,
        datasets=dataset,
        cache=folder / "cache",
        contact=contact,
        suffixes=suffix,
        lock=lock,
    )
    catalogue.check(where)
    surveyed = survey(
        where_from,
        folder / "cache",
        wanted=Wanted(suffixes=tuple(suffix), sidecars=sidecars),
        with_headers=headers,
        before=previous(folder) if not dataset and lock is None else None,
        progress=count,
    )
    found = surveyed.found
    catalogue.write(found, folder)
    rows = catalogue.select(found, where=where, limit=limit)
    labels = ["scan_id", *(field.name for field in tables.LABELS)]
    return Chosen(
        scans=tuple(tables.scans_of(rows)),
        people=rows.select(labels),
        network=where_from.network,
        incomplete=tuple(
            f"{row['dataset'] or 'the list of datasets'}: {row['reason']}: {row['evidence']}"
            for row in found.missing
        ),
        catalogue=found,
        place=where_from,
        unread_headers=surveyed.unread_headers,
        header_bytes=surveyed.header_bytes,
    )


def default_slots(recipe: Recipe) -> int:
    """Return how many scans this machine can run at once: by cores, and by the memory that each takes."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, min(cores, int(psutil.virtual_memory().available / 1e6 / recipe.memory_mb)))
