"""What became of datasets that the previous catalogue has and the source lists no more.

A list that misses a dataset once is no news: OpenNeuro's own crawler sees that every tenth day. So each
is asked for by name. Deleted by its owner: withdrawn at once. Unknown or private: kept this once, and
withdrawn when the next run finds it so again. No answer: kept, and the catalogue is incomplete.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from allbrains.catalogue.catalogue import Catalogue
from allbrains.catalogue.dataset_rows import snapshot_of
from allbrains.errors import SourceError
from allbrains.sources.snapshot import Absence, Absent, Excluded, Exclusion, Found, Snapshot, Source

# A list that loses more than this at once is broken, whatever it says of each.
MOST_AT_ONCE = 10
MOST_OF_ALL = 0.1


def with_departed(source: Source, found: Found, before: Catalogue) -> Found:
    """Return what was found, and what is to be said of the datasets that are not among it.

    Args:
        source: asked about each of them.
        found: its list.
        before: the previous catalogue; datasets that another source gave are passed over.

    Raises:
        SourceError: too many are gone to believe it.
    """
    known = {
        row["dataset"]: snapshot_of(row)
        for row in before.datasets.to_pylist()
        if row["source"] == source.name
    }
    earlier = {
        row["dataset"]: row
        for row in before.exclusions.to_pylist()
        if not row["path"] and row["reason"] in (Exclusion.UNLISTED, Exclusion.WITHDRAWN)
    }
    listed = {snapshot.dataset for snapshot in found.snapshots} | {row.dataset for row in found.excluded}
    gone = sorted(known.keys() - listed)
    if len(gone) > max(MOST_AT_ONCE, MOST_OF_ALL * len(known)):
        raise SourceError(
            f"the list of datasets lacks {len(gone)} of the {len(known)} that the previous catalogue has "
            f"({', '.join(gone[:3])} …): not believed. If they are really gone, use another --out"
        )
    snapshots, excluded, lacking = list(found.snapshots), list(found.excluded), found.lacking
    excluded += [_again(row) for name, row in earlier.items() if name not in listed and name not in known]
    for name in gone:
        place = source.whereabouts(name)
        if isinstance(place, Snapshot):
            snapshots.append(place)
            lacking -= 1
            continue
        row = _judged(known[name], place, earlier.get(name))
        excluded.append(row)
        if row.reason is not Exclusion.WITHDRAWN:
            snapshots.append(known[name])
    return replace(found, snapshots=tuple(snapshots), excluded=tuple(excluded), lacking=max(lacking, 0))


def _judged(snapshot: Snapshot, place: Absent, earlier: Mapping[str, Any] | None) -> Excluded:
    match place.kind:
        case Absence.DELETED:
            reason, evidence = Exclusion.WITHDRAWN, place.evidence
        case Absence.REFUSED if earlier is not None:
            reason, evidence = Exclusion.WITHDRAWN, f"gone on two runs in a row: {place.evidence}"
        case Absence.REFUSED:
            reason, evidence = Exclusion.UNLISTED, place.evidence
        case Absence.UNKNOWN:
            reason, evidence = Exclusion.LISTING_FAILED, f"no longer listed, and: {place.evidence}"
    return Excluded(
        dataset=snapshot.dataset, snapshot=snapshot.tag, path="", reason=reason, evidence=evidence
    )


def _again(row: Mapping[str, Any]) -> Excluded:
    return Excluded(
        dataset=row["dataset"],
        snapshot=row["snapshot"],
        path="",
        reason=Exclusion(row["reason"]),
        evidence=row["evidence"],
    )
