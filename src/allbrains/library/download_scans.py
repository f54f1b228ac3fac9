"""Raw scans as a BIDS folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from allbrains.extras import needs
from allbrains.library.crawl_catalog import choice_of
from allbrains.library.listening import Progress, heard, ignore

if TYPE_CHECKING:
    from allbrains.catalogue.raw_bids import Delivery
    from allbrains.library.choose_scans import Choice, Chosen
    from allbrains.library.crawl_catalog import Selection
    from allbrains.records import Scan

OWN = ".allbrains"  # in the output folder: the catalogue, out of the datasets' way


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloaded:
    """What a download is about, and what it brought.

    Attributes:
        scans: the images that were chosen.
        deliveries: each file, images and what describes them, with what became of it: ``written``,
            ``rejected`` (other bytes than published) or ``failed``; empty after a dry run.
        incomplete: one sentence for each thing that the catalogue lacks.
        notes: one sentence for each column that the condition asks for and that is not read.
    """

    scans: tuple[Scan, ...]
    deliveries: tuple[Delivery, ...]
    incomplete: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of the images, as published."""
        return sum(scan.size for scan in self.scans)


@needs("build")
def download(
    selection: Selection | Choice,
    out: str | PathLike[str],
    *,
    dry_run: bool = False,
    chosen: Callable[[Downloaded], None] = ignore,
    delivered: Callable[[Delivery], None] = ignore,
    progress: Progress | None = None,
) -> Downloaded:
    """Download raw scans with their sidecars and participants, as BIDS datasets.

    Each file is checked against the digest that OpenNeuro publishes, and appears whole or not at all. The
    same call again goes on where this one stopped.

    Args:
        selection: of ``allbrains.catalog``.
        out: folder for the datasets.
        dry_run: choose, and fetch nothing.
        chosen: called with the choice before anything is fetched.
        delivered: called with each file, and what became of it.
        progress: called with what is read of the catalogue.

    Raises:
        ConfigurationError: the folder can't be written, or the extra is missing.
        SourceError: the source can't be reached.
        NoSpace: the disk is full.

    Example:
        >>> allbrains.download(allbrains.catalog(bids="study"), "raw").deliveries[-1].status
        <Status.WRITTEN: 'written'>
    """
    from allbrains.library.choose_scans import gather

    folder = Path(out)
    with heard(progress, "reading the catalogue") as hear:
        found = gather(choice_of(selection), folder / OWN, hear)
    plan = Downloaded(scans=found.scans, deliveries=(), incomplete=found.incomplete, notes=found.notes)
    chosen(plan)
    if dry_run:
        return plan
    return Downloaded(
        scans=plan.scans,
        deliveries=_fetch(found, folder, delivered, ignore if progress else None),
        incomplete=plan.incomplete,
        notes=plan.notes,
    )


def _fetch(
    found: Chosen, out: Path, delivered: Callable[[Delivery], None], progress: Progress | None
) -> tuple[Delivery, ...]:
    from allbrains.catalogue.dataset_rows import snapshot_of
    from allbrains.catalogue.raw_bids import download as fetch
    from allbrains.library.choose_scans import writing_to
    from allbrains.transfer import Client

    snapshots = {row["dataset"]: snapshot_of(row) for row in found.catalogue.datasets.to_pylist()}
    client, deliveries = Client(found.network), []
    try:
        with writing_to(out), heard(progress, "downloading") as hear:
            for one in fetch(found.scans, snapshots, found.place.source, client, out):
                deliveries.append(one)
                delivered(one)
                hear("files", len(deliveries), 0)
    finally:
        client.close()
    return tuple(deliveries)
