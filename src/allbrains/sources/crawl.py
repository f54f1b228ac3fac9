"""From a source to a catalogue: every dataset is read, and ends as rows or as a row that says why not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pyarrow as pa

from allbrains import participants, tables
from allbrains.errors import SourceError, TransientError
from allbrains.records import Scan
from allbrains.sources import acquisition, subjects
from allbrains.sources.catalogue import Catalogue
from allbrains.sources.dataset_rows import row_of
from allbrains.sources.departed import with_departed
from allbrains.sources.listing import (
    Absence,
    Departed,
    Entry,
    Excluded,
    Exclusion,
    Found,
    Listing,
    Snapshot,
    Source,
    Texts,
)
from allbrains.sources.select import scans_in
from allbrains.sources.sidecars import Sidecars, merged

# So many datasets one after the other can't be read: the service is down, not the datasets.
OUTAGE = 8
# Twice what the API is asked at once: the other half decodes, or waits for small files.
THREADS = 8

Harmonise = Callable[..., participants.Harmonised]  # the shape of participants.harmonise
_README = re.compile(r"README(?:\.(?:md|rst|txt))?\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a crawl is after.

    Attributes:
        suffixes: BIDS suffixes of the images that count.
        sidecars: also read the JSON sidecars, for the columns of ``tables.ACQUISITION``.
    """

    suffixes: tuple[str, ...] = ("T1w",)
    sidecars: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What became of one dataset; as tables, because ten thousands of dicts are ten times as large."""

    snapshot: Snapshot
    here: bool = True
    files: int = 0
    route: str = ""
    scans: pa.Table = field(default_factory=tables.LABELLED_SCANS.empty_table)
    people: pa.Table = field(default_factory=participants.PARTICIPANTS.empty_table)
    excluded: tuple[Excluded, ...] = ()

    @property
    def failed(self) -> bool:
        return any(row.reason is Exclusion.LISTING_FAILED for row in self.excluded)


def crawl(
    source: Source,
    *,
    wanted: Wanted | None = None,
    before: Catalogue | None = None,
    harmonise: Harmonise = participants.harmonise,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Catalogue:
    """Read every dataset of a source.

    Args:
        source: where scans come from.
        wanted: which scans, and how much about them.
        before: the previous catalogue of all of the source's datasets: what it has and the source lists
            no more is looked for.
        harmonise: from a dataset's small files to its participants.
        progress: called with datasets read and datasets in all.

    Raises:
        SourceError: the source can't be reached, or has stopped answering. What it had answered by then
            is in the source's own cache, and the next crawl doesn't ask for it again.
    """
    found = source.snapshots()
    if before is not None:
        found = with_departed(source, found, before)
    reader = _Reader(source=source, wanted=wanted or Wanted(), harmonise=harmonise)
    read = sorted(_reads(reader, found, progress), key=lambda one: one.snapshot.dataset)
    return _catalogue(source, found, read)


def _reads(reader: _Reader, found: Found, progress: Callable[[int, int], None]) -> Iterator[_Read]:
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="crawl")
    failures = 0
    try:
        for done, one in enumerate(pool.map(reader.read, found.snapshots), 1):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """Reads one dataset after the other."""

    source: Source
    wanted: Wanted
    harmonise: Harmonise

    def read(self, snapshot: Snapshot) -> _Read:
        """Return what became of a dataset; never raises what concerns this one only."""
        try:
            listing = self.source.listing(snapshot)
        except Departed as error:
            deleted = error.absent.kind is Absence.DELETED
            reason = Exclusion.WITHDRAWN if deleted else Exclusion.NOT_ACCESSIBLE
            return _Read(snapshot=snapshot, here=False, excluded=(_row(snapshot, "", reason, str(error)),))
        except (TransientError, SourceError) as error:
            row = _row(snapshot, "", Exclusion.LISTING_FAILED, str(error))
            return _Read(snapshot=snapshot, excluded=(row,))
        scans, excluded = scans_in(listing, suffixes=self.wanted.suffixes)
        scans, others = subjects.sort_out(snapshot, scans)  # what needs no small file
        read = _Read(
            snapshot=snapshot, files=listing.files, route=listing.route, excluded=(*excluded, *others)
        )
        return self._with_people(read, listing, scans) if scans else read

    def _with_people(self, read: _Read, listing: Listing, scans: Sequence[Scan]) -> _Read:
        snapshot = read.snapshot
        sidecars = Sidecars(entry.path for entry in listing.entries)
        beside = {scan.path: sidecars.of(scan) for scan in scans}
        texts = self.source.read(snapshot, self._small(listing, beside))
        folders = {scan.subject for scan in scans}
        people = self.harmonise(snapshot.dataset, texts.files, subjects=folders).rows
        roster = participants.Roster(people)
        found = {scan.path: roster.find(scan.dataset, scan.subject, scan.session) for scan in scans}
        scans, others = subjects.sort_out(
            snapshot,
            scans,
            readme=_readme(texts.files),
            species=lambda scan: getattr(found[scan.path], "species", None),
        )
        parsed = {path: acquisition.parse(texts.files[path]) for path in texts.files.keys() & _flat(beside)}
        rows = [
            tables.scan_row(scan)
            | {name: getattr(found[scan.path], name, None) for name in tables.LABELS.names}
            | {"sidecars": list(beside[scan.path])}
            | self._acquired([parsed[path] for path in beside[scan.path] if path in parsed])
            for scan in scans
        ]
        return replace(
            read,
            scans=pa.Table.from_pylist(rows, schema=tables.LABELLED_SCANS),
            people=participants.table(people),
            excluded=(*read.excluded, *others, *_unread(snapshot, texts)),
        )

    def _small(self, listing: Listing, beside: Mapping[str, Sequence[str]]) -> list[Entry]:
        """Return the small files to read."""
        readme = subjects.needs_readme(listing.snapshot)
        sidecars = _flat(beside) if self.wanted.sidecars else set()
        return [
            entry
            for entry in listing.entries
            if tells_of_people(entry.path) or (readme and _README.match(entry.path)) or entry.path in sidecars
        ]

    def _acquired(self, contents: Sequence[Mapping[str, object]]) -> dict[str, Any]:
        return dict(acquisition.row(merged(contents))) if self.wanted.sidecars else {}


def tells_of_people(path: str) -> bool:
    """Return whether a file may hold ages or sexes: participants, sessions and phenotype tables."""
    name = path.rpartition("/")[2]
    if not name.endswith((".tsv", ".json")) or name.startswith("._"):
        return False
    at_top = "/" not in path and name.startswith(("participants.", "sessions.", "dataset_description."))
    of_subject = path.startswith("sub-") and name.rpartition(".")[0].endswith("_sessions")
    return at_top or of_subject or (path.startswith("phenotype/") and path.count("/") == 1)


def _readme(files: Mapping[str, bytes]) -> str:
    texts = (content for path, content in sorted(files.items()) if _README.match(path))
    return "\n".join(text.decode("utf-8", errors="replace") for text in texts)


def _flat(beside: Mapping[str, Sequence[str]]) -> set[str]:
    return {path for paths in beside.values() for path in paths}


def _unread(snapshot: Snapshot, texts: Texts) -> tuple[Excluded, ...]:
    return tuple(
        _row(
            snapshot,
            one.path,
            Exclusion.TEXT_UNAVAILABLE if one.final else Exclusion.TEXT_FAILED,
            one.evidence,
        )
        for one in texts.unread
    )


def _row(snapshot: Snapshot, path: str, reason: Exclusion, evidence: str) -> Excluded:
    return Excluded(
        dataset=snapshot.dataset, snapshot=snapshot.tag, path=path, reason=reason, evidence=evidence
    )


def _catalogue(source: Source, found: Found, read: Sequence[_Read]) -> Catalogue:
    excluded = [*found.excluded, *source.complaints(), *(row for one in read for row in one.excluded)]
    if found.lacking > 0:
        evidence = f"{found.lacking} datasets are counted by the source but not listed"
        nowhere = Snapshot(dataset="", tag="")
        excluded.append(_row(nowhere, "", Exclusion.LISTING_FAILED, evidence))
    rows = [
        row_of(
            one.snapshot,
            files=one.files,
            scans=one.scans.num_rows,
            route=one.route,
            source=source.name,
            server=found.version,
        )
        for one in read
        if one.here
    ]
    scans = pa.concat_tables([tables.LABELLED_SCANS.empty_table(), *(one.scans for one in read)])
    people = pa.concat_tables([participants.PARTICIPANTS.empty_table(), *(one.people for one in read)])
    return Catalogue(
        datasets=pa.Table.from_pylist(rows, schema=tables.DATASETS),
        scans=_grouped(scans.combine_chunks()),
        participants=people.combine_chunks(),
        exclusions=pa.Table.from_pylist(
            [asdict(row) for row in sorted(excluded, key=lambda row: (row.dataset, row.path, row.reason))],
            schema=tables.EXCLUSIONS,
        ),
    )


def _grouped(scans: pa.Table) -> pa.Table:
    """Return the scans, in order of dataset and path, with who shares whose bytes."""
    digests = scans["digest"].to_pylist()
    copies = Counter(digests)
    first: dict[str, str] = {}
    for digest, scan_id in zip(digests, scans["scan_id"].to_pylist(), strict=True):
        first.setdefault(digest, scan_id)
    columns = {
        "copies": [copies[digest] for digest in digests],
        "digest_group": [first[digest] for digest in digests],
    }
    for name, values in columns.items():
        number = scans.schema.get_field_index(name)
        column = scans.schema.field(number)
        scans = scans.set_column(number, column, pa.array(values, column.type))
    return scans
