"""From a source to a catalogue: every dataset is read, and ends as rows or as a row that says why not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from allbrains import participants, tables
from allbrains.errors import ScanUnusable, SourceError, TransientError
from allbrains.records import Scan
from allbrains.sources.catalogue import Catalogue
from allbrains.sources.listing import Excluded, Exclusion, Found, Listing, Snapshot, Source
from allbrains.sources.select import scans_in

# So many datasets one after the other can't be read: the service is down, not the datasets.
OUTAGE = 8
# Twice what the API is asked at once: the other half decodes, or waits for small files.
THREADS = 8

Harmonise = Callable[[str, Mapping[str, bytes]], participants.Harmonised]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What became of one dataset."""

    snapshot: Snapshot
    files: int = 0
    route: str = ""
    scans: tuple[Scan, ...] = ()
    labels: tuple[Mapping[str, Any], ...] = ()
    people: tuple[participants.Participant, ...] = ()
    excluded: tuple[Excluded, ...] = ()

    @property
    def failed(self) -> bool:
        return any(row.reason is Exclusion.LISTING_FAILED for row in self.excluded)


def crawl(
    source: Source,
    *,
    harmonise: Harmonise = participants.harmonise,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Catalogue:
    """Read every dataset of a source.

    Args:
        source: where scans come from.
        harmonise: from a dataset's small files to its participants.
        progress: called with datasets read and datasets in all.

    Raises:
        SourceError: the source can't be reached, or has stopped answering. What it had answered by then
            is in the source's own cache, and the next crawl doesn't ask for it again.
    """
    found = source.snapshots()
    read = list(_reads(source, harmonise, found, progress))
    return _catalogue(sorted(read, key=lambda one: one.snapshot.dataset), found.excluded)


def _reads(
    source: Source, harmonise: Harmonise, found: Found, progress: Callable[[int, int], None]
) -> Iterator[_Read]:
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="crawl")
    failures = 0
    try:
        for done, one in enumerate(pool.map(partial(_read, source, harmonise), found.snapshots), 1):
            failures = failures + 1 if one.failed else 0
            if failures == OUTAGE:
                raise SourceError(
                    f"the source stopped answering: {OUTAGE} datasets in a row could not be read, "
                    f"the last: {one.excluded[0].evidence}. {done - OUTAGE} of {len(found.snapshots)} were "
                    "read and are kept; the same command goes on from there"
                )
            progress(done, len(found.snapshots))
            yield one
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _read(source: Source, harmonise: Harmonise, snapshot: Snapshot) -> _Read:
    try:
        listing = source.listing(snapshot)
    except (TransientError, SourceError) as error:
        return _Read(snapshot=snapshot, excluded=(_row(snapshot, Exclusion.LISTING_FAILED, error),))
    scans, excluded = scans_in(listing)
    try:
        people = _people(source, harmonise, listing) if scans else ()
    except (TransientError, SourceError, ScanUnusable) as error:
        people = ()
        excluded = (*excluded, _row(snapshot, Exclusion.PARTICIPANTS_FAILED, error))
    roster = participants.Roster(people)
    return _Read(
        snapshot=snapshot,
        files=listing.files,
        route=listing.route,
        scans=scans,
        labels=tuple(_label(roster.find(snapshot.dataset, scan.subject, scan.session)) for scan in scans),
        people=people,
        excluded=excluded,
    )


def _people(source: Source, harmonise: Harmonise, listing: Listing) -> tuple[participants.Participant, ...]:
    wanted = [entry for entry in listing.entries if _tells_of_people(entry.path)]
    files = source.read(listing.snapshot, wanted)
    return harmonise(listing.snapshot.dataset, files).rows


def _tells_of_people(path: str) -> bool:
    """Return whether a file may hold ages or sexes: participants, sessions and phenotype tables."""
    name = path.rpartition("/")[2]
    if not name.endswith((".tsv", ".json")) or name.startswith("._"):
        return False
    at_top = "/" not in path and name.startswith(("participants.", "sessions."))
    of_subject = path.startswith("sub-") and name.rpartition(".")[0].endswith("_sessions")
    return at_top or of_subject or (path.startswith("phenotype/") and path.count("/") == 1)


def _label(person: participants.Participant | None) -> dict[str, Any]:
    return {name: getattr(person, name, None) for name in tables.LABELS.names}


def _row(snapshot: Snapshot, reason: Exclusion, error: Exception) -> Excluded:
    return Excluded(
        dataset=snapshot.dataset, snapshot=snapshot.tag, path="", reason=reason, evidence=str(error)
    )


def _catalogue(read: Iterable[_Read], excluded: Iterable[Excluded]) -> Catalogue:
    read = list(read)
    scans = tables.scans_table(scan for one in read for scan in one.scans)
    labels = pa.Table.from_pylist([label for one in read for label in one.labels], schema=tables.LABELS)
    rows = [*excluded, *(row for one in read for row in one.excluded)]
    return Catalogue(
        datasets=pa.Table.from_pylist([_dataset_row(one) for one in read], schema=tables.DATASETS),
        scans=pa.Table.from_arrays([*scans.columns, *labels.columns], schema=tables.LABELLED_SCANS),
        participants=participants.table(person for one in read for person in one.people),
        exclusions=pa.Table.from_pylist(
            [asdict(row) for row in sorted(rows, key=lambda row: (row.dataset, row.path))],
            schema=tables.EXCLUSIONS,
        ),
    )


def _dataset_row(one: _Read) -> dict[str, Any]:
    snapshot = one.snapshot
    return {
        "dataset": snapshot.dataset,
        "snapshot": snapshot.tag,
        "name": snapshot.name,
        "license": snapshot.license,
        "doi": snapshot.doi,
        "authors": list(snapshot.authors),
        "created": snapshot.created,
        "size": snapshot.size,
        "files": one.files,
        "route": one.route,
    }
