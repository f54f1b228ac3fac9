"""From a source to a catalogue: every dataset is read, and ends as rows or as a row that says why not."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import pyarrow as pa

from allbrains import participants, tables
from allbrains.catalogue.catalogue import Catalogue, grouped
from allbrains.catalogue.contained import contained
from allbrains.catalogue.dataset_rows import row_of
from allbrains.catalogue.read_dataset import NOTHING_AGAIN, DatasetReader, Harmonise, Read, Wanted
from allbrains.catalogue.rows_cache import Kept
from allbrains.catalogue.withdrawn import with_departed
from allbrains.errors import SourceError
from allbrains.sources.snapshot import Excluded, Exclusion, Found, Snapshot, Source

# So many datasets one after the other can't be read: the service is down, not the datasets.
OUTAGE = 8
# Four times what the API is asked at once: the others decode, or wait for small files.
THREADS = 16
AHEAD = 4 * THREADS  # datasets: what is read before its turn waits in memory
JOINED = 100  # small tables


def crawl(
    source: Source,
    *,
    wanted: Wanted | None = None,
    again: Mapping[str, Wanted] = NOTHING_AGAIN,
    before: Catalogue | None = None,
    kept: Kept | None = None,
    harmonise: Harmonise = participants.harmonise,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Catalogue:
    """Read every dataset of a source.

    Args:
        source: where scans come from.
        wanted: which scans, and how much about them.
        again: by dataset what is wanted besides, because earlier runs read it.
        before: the previous catalogue of all of the source's datasets: what it has and the source lists
            no more is looked for.
        kept: what earlier crawls made of datasets that have not changed since; only for a source whose
            snapshots never change, and for the rules of this package.
        harmonise: from a dataset's small files to its participants.
        progress: called with datasets read and datasets in all.

    Raises:
        SourceError: the source can't be reached, or has stopped answering. What it had answered by then
            is in the source's own cache, and the next crawl doesn't ask for it again.
    """
    found = source.snapshots()
    if before is not None:
        found = with_departed(source, found, before)
    found = replace(found, snapshots=tuple(sorted(found.snapshots, key=lambda one: one.dataset)))
    reader = DatasetReader(source=source, wanted=wanted or Wanted(), again=again, harmonise=harmonise)
    return _catalogue(source, found, _reads(reader, kept, found, progress))


def _reads(
    reader: DatasetReader, kept: Kept | None, found: Found, progress: Callable[[int, int], None]
) -> Iterator[Read]:
    made = reader.read if kept is None else partial(kept.read, reader)
    read = partial(contained, made)
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="crawl")
    failures, whole = 0, False
    try:
        for done, one in enumerate(_in_order(pool, read, found.snapshots), 1):
            failures = failures + 1 if one.unanswered else 0
            if failures == OUTAGE:
                raise SourceError(
                    f"the source stopped answering: {OUTAGE} datasets in a row could not be read, "
                    f"the last: {one.excluded[0].evidence}. {done - OUTAGE} of {len(found.snapshots)} were "
                    "read and are kept; the same command goes on from there"
                )
            progress(done, len(found.snapshots))
            yield one
        whole = True
    finally:
        if not whole:  # Ctrl-C would wait until all that is begun is read
            reader.source.close()
        pool.shutdown(wait=True, cancel_futures=True)


def _in_order(
    pool: ThreadPoolExecutor, read: Callable[[Snapshot], Read], snapshots: Iterable[Snapshot]
) -> Iterator[Read]:
    """Yield what was read in order of the snapshots, few of them before their turn."""
    under_way: deque[Future[Read]] = deque()
    for snapshot in snapshots:
        under_way.append(pool.submit(read, snapshot))
        if len(under_way) > AHEAD:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()


def _row(one: Read, source: Source, found: Found) -> dict[str, Any]:
    return row_of(
        one.snapshot,
        files=one.files,
        scans=one.scans.num_rows,
        route=one.route,
        source=source.name,
        server=found.version,
    )


class _Pile:
    """Tables one below the other, joined a hundred at a time: a small table's frame outweighs its rows."""

    def __init__(self, schema: pa.Schema) -> None:
        self._parts = [schema.empty_table()]
        self._new: list[pa.Table] = []

    def add(self, table: pa.Table) -> None:
        """Put a table below the others."""
        self._new += [table] if table.num_rows else []
        if len(self._new) == JOINED:
            self._parts.append(pa.concat_tables(self._new).combine_chunks())
            self._new = []

    def table(self) -> pa.Table:
        """Return all of them as one."""
        return pa.concat_tables([*self._parts, *self._new]).combine_chunks()


def _catalogue(source: Source, found: Found, read: Iterable[Read]) -> Catalogue:
    rows: list[dict[str, Any]] = []
    excluded = list(found.excluded)
    scans, people = _Pile(tables.LABELLED_SCANS), _Pile(participants.PARTICIPANTS)
    for one in read:
        excluded += one.excluded
        scans.add(one.scans)
        people.add(one.people)
        if one.here:
            rows.append(_row(one, source, found))
    excluded += source.complaints()
    if found.lacking > 0:
        evidence = f"{found.lacking} datasets are counted by the source but not listed"
        excluded.append(
            Excluded(dataset="", snapshot="", path="", reason=Exclusion.LISTING_FAILED, evidence=evidence)
        )
    return Catalogue(
        datasets=pa.Table.from_pylist(rows, schema=tables.DATASETS),
        scans=grouped(scans.table()),
        participants=people.table(),
        exclusions=pa.Table.from_pylist(
            [asdict(row) for row in sorted(excluded, key=lambda row: (row.dataset, row.path, row.reason))],
            schema=tables.EXCLUSIONS,
        ),
    )
