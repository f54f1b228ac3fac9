"""One dataset: from its listing and its small files to rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from allbrains import participants, tables
from allbrains.catalogue import acquisition, dataset_rules, species
from allbrains.catalogue.sidecars import Sidecars, merged
from allbrains.errors import SourceError, TransientError
from allbrains.records import Scan
from allbrains.sources.snapshot import (
    Absence,
    Departed,
    Entry,
    Excluded,
    Exclusion,
    Listing,
    Misshapen,
    Snapshot,
    Source,
    Texts,
)
from allbrains.sources.which_files import scans_in

Harmonise = Callable[..., participants.Harmonised]  # the shape of participants.harmonise
_LABELS = tuple(tables.LABELS.names)
_DESCRIPTION = "dataset_description.json"
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

    def __or__(self, other: Wanted) -> Wanted:
        """Return what either wants."""
        return Wanted(
            suffixes=tuple(sorted({*self.suffixes, *other.suffixes})),
            sidecars=self.sidecars or other.sidecars,
        )


NOTHING_AGAIN: Mapping[str, Wanted] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What became of one dataset; as tables, because ten thousands of dicts are ten times as large.

    Attributes:
        snapshot: of the dataset.
        here: False when it was deleted or made private between list and listing.
        files: in its listing.
        route: how that was read.
        scans: columns ``tables.LABELLED_SCANS``.
        people: columns ``participants.PARTICIPANTS``.
        excluded: files and why, or with an empty path the dataset and why.
        unanswered: its files could not be listed for want of an answer, which may be the source's fault.
    """

    snapshot: Snapshot
    here: bool = True
    unanswered: bool = False
    files: int = 0
    route: str = ""
    scans: pa.Table = field(default_factory=tables.LABELLED_SCANS.empty_table)
    people: pa.Table = field(default_factory=participants.PARTICIPANTS.empty_table)
    excluded: tuple[Excluded, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetReader:
    """Reads one dataset after the other.

    Attributes:
        source: where from.
        wanted: which scans, and how much about them.
        harmonise: from a dataset's small files to its participants.
        again: by dataset what is wanted besides, because earlier runs read it.
    """

    source: Source
    wanted: Wanted
    harmonise: Harmonise
    again: Mapping[str, Wanted] = field(default_factory=dict)

    def wanted_of(self, dataset: str) -> Wanted:
        """Return which scans of a dataset are read, and how much about them."""
        return self.wanted | self.again.get(dataset, self.wanted)

    def read(self, snapshot: Snapshot) -> Read:
        """Return what became of a dataset; what its content makes our code raise is for ``contained``."""
        try:
            listing = self.source.listing(snapshot)
        except Departed as error:
            deleted = error.absent.kind is Absence.DELETED
            reason = Exclusion.WITHDRAWN if deleted else Exclusion.NOT_ACCESSIBLE
            return Read(snapshot=snapshot, here=False, excluded=(_row(snapshot, "", reason, str(error)),))
        except (TransientError, SourceError) as error:
            row = _row(snapshot, "", Exclusion.LISTING_FAILED, str(error))
            return Read(snapshot=snapshot, unanswered=not isinstance(error, Misshapen), excluded=(row,))
        suffixes = self.wanted_of(snapshot.dataset).suffixes
        scans, excluded = scans_in(listing, suffixes=suffixes)
        excluded = (*excluded, *dataset_rules.other_contrast(listing, suffixes))
        scans, others = species.sort_out(snapshot, scans)  # what needs no small file
        read = Read(
            snapshot=snapshot, files=listing.files, route=listing.route, excluded=(*excluded, *others)
        )
        return self._with_people(read, listing, scans) if scans else read

    def _with_people(self, read: Read, listing: Listing, scans: Sequence[Scan]) -> Read:
        snapshot = read.snapshot
        wanted = self.wanted_of(snapshot.dataset)
        sidecars = Sidecars((entry.path for entry in listing.entries), wanted.suffixes)
        beside = {scan.path: sidecars.of(scan) for scan in scans}
        texts = self.source.read(snapshot, self._small(listing, beside))
        scans, ruled = dataset_rules.sort_out_by_dataset(snapshot, scans, texts.files)
        harmonised = self._harmonised(listing, texts.files, {scan.subject for scan in scans})
        people = harmonised.rows
        roster = participants.Roster(people)
        found = {scan.path: roster.find(scan.dataset, scan.subject, scan.session) for scan in scans}
        scans, others = species.sort_out(
            snapshot,
            scans,
            readme=_readme(texts.files),
            species=lambda scan: getattr(found[scan.path], "species", None),
        )
        best = dataset_rules.preferred(scans)
        parsed, unreadable = _parsed(snapshot, texts.files, _flat(beside))
        rows = [
            tables.scan_row(scan)
            | {name: getattr(found[scan.path], name, None) for name in _LABELS}
            | {"sidecars": list(beside[scan.path]), "preferred": scan.path in best}
            | (_acquired(beside[scan.path], parsed) if wanted.sidecars else {})
            for scan in scans
        ]
        return replace(
            read,
            scans=pa.Table.from_pylist(rows, schema=tables.LABELLED_SCANS),
            people=participants.table(people),
            excluded=(
                *read.excluded,
                *ruled,
                *others,
                *_unread(snapshot, texts),
                *unreadable,
                *_untrusted(snapshot, harmonised.notes),
            ),
        )

    def _harmonised(
        self, listing: Listing, files: Mapping[str, bytes], folders: Collection[str]
    ) -> participants.Harmonised:
        """Return the participants; the README may speak of months: it is read where a unit stays open."""
        snapshot = listing.snapshot
        found = self.harmonise(snapshot.dataset, files, subjects=folders, stated_ages=snapshot.ages)
        readmes = [one for one in listing.entries if _README.match(one.path) and one.path not in files]
        if not readmes or not any(note.rule.startswith("unit.") for note in found.notes):
            return found
        more = {**files, **self.source.read(snapshot, readmes).files}
        return self.harmonise(snapshot.dataset, more, subjects=folders, stated_ages=snapshot.ages)

    def _small(self, listing: Listing, beside: Mapping[str, Sequence[str]]) -> list[Entry]:
        """Return the small files to read."""
        readme = species.needs_readme(listing.snapshot)
        sidecars = _flat(beside) if self.wanted_of(listing.snapshot.dataset).sidecars else set()
        return [
            entry
            for entry in listing.entries
            if tells_of_people(entry.path)
            or entry.path == dataset_rules.IGNORE_FILE
            or (readme and _README.match(entry.path))
            or entry.path in sidecars
        ]


def _acquired(paths: Sequence[str], parsed: Mapping[str, Mapping[str, object]]) -> dict[str, Any]:
    """Return how a scan was acquired, by its sidecars, furthest first.

    What a sidecar that could not be had or read may override is unknown, not what is said further up.
    """
    contents: list[Mapping[str, object]] = []
    for path in paths:
        contents = [*contents, parsed[path]] if path in parsed else []
    return dict(acquisition.row(merged(contents)))


def _parsed(
    snapshot: Snapshot, files: Mapping[str, bytes], sidecars: Collection[str]
) -> tuple[dict[str, Mapping[str, object]], list[Excluded]]:
    """Return the sidecars' contents, and a row for each, or for a description, that is no JSON object."""
    parsed: dict[str, Mapping[str, object]] = {}
    rows: list[Excluded] = []
    for path in sorted(files.keys() & {*sidecars, _DESCRIPTION}):
        try:
            parsed[path] = acquisition.parse(files[path])
        except ValueError as error:
            rows.append(_row(snapshot, path, Exclusion.TEXT_UNREADABLE, f"{error}; it counts as unknown"))
    return parsed, rows


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


# A note of one of these rules means that a whole column, or table, gave no labels.
_REFUSED = re.compile(r"unit\.|group\.pair|file\.(?:layout|unreadable)|sex\.contradiction|age\.column")


def _untrusted(snapshot: Snapshot, notes: Sequence[participants.Note]) -> tuple[Excluded, ...]:
    """Return a row for each column or table that was refused, and for folders that met no participant."""
    rows = []
    for note in notes:
        place = f"{note.source} {note.column!r}" if note.column else note.source
        if _REFUSED.match(note.rule) and note.source != "dataset_description.json":  # of no labels
            rows.append(_row(snapshot, "", Exclusion.LABELS_REFUSED, f"{place}: {note.detail}"))
        elif note.kind is participants.NoteKind.UNJOINED and any("folders" in one.detail for one in notes):
            rows.append(_row(snapshot, "", Exclusion.LABELS_UNJOINED, f"{place}: {note.detail}"))
    return tuple(rows)


def _row(snapshot: Snapshot, path: str, reason: Exclusion, evidence: str) -> Excluded:
    return Excluded(
        dataset=snapshot.dataset, snapshot=snapshot.tag, path=path, reason=reason, evidence=evidence
    )
