"""A snapshot's files: by one recursive question; where that is short, folder by folder; then the bucket.

Short is what is below the snapshot's own count, shows no subject, or has null rows: a worker that fails
gives an empty answer without an error. Git knows no empty folder, so a walk through the folders knows
what it could not read, and only that is taken from the bucket. A server that does not answer at all is no
reason for the next way: that listing is read another day.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from allbrains.errors import SourceError, TransientError
from allbrains.sources.listing import (
    Absence,
    Absent,
    Departed,
    Entry,
    Excluded,
    Exclusion,
    Listing,
    Route,
    Snapshot,
    annex_size,
    digest_of,
    matters,
)
from allbrains.sources.openneuro import answers, bucket, queries
from allbrains.sources.openneuro.addresses import Endpoints, urls_of
from allbrains.sources.openneuro.client import Answer, Api, ApiChanged, NotThere
from allbrains.sources.openneuro.tree import Walk, walk
from allbrains.transfer import Client

# A listing holds what the summary counts and more (.gitattributes, what .bidsignore hides); the tenth
# allows for submodules, which only the summary counts. A failed worker loses whole levels of folders.
SHORT = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picked:
    """What the recursive question gave.

    Attributes:
        entries: of the files that matter.
        count: of all files.
        short: why it can't be whole, empty where nothing speaks against it.
        subjects: whether there is a file of a subject.
        files: all of them by path; only where it is short.
    """

    entries: tuple[Entry, ...] = ()
    count: int = 0
    short: str
    subjects: bool = False
    files: Mapping[str, answers.File] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads listings, each by the first of the three ways that gives it whole."""

    api: Api
    client: Client
    endpoints: Endpoints

    def read(self, snapshot: Snapshot) -> Listing:
        """Return a snapshot's files; ``excluded`` says so where no way gives all of them.

        Raises:
            TransientError: the API does not answer now.
            Departed: the dataset is deleted, private or unknown.
            SourceError: the API has changed.
        """
        try:
            found = self.api.ask(
                queries.FILES, _variables(snapshot), answers.FilesAnswer, partial(self._picked, snapshot)
            )
        except NotThere as error:
            kind = Absence.DELETED if error.deleted else Absence.REFUSED
            raise Departed(Absent(kind=kind, evidence=str(error))) from error
        except ApiChanged:
            raise
        except (TransientError, SourceError) as error:
            return self._folder_by_folder(snapshot, _Picked(short=str(error)))
        if found.short or not found.subjects:
            return self._folder_by_folder(snapshot, found)
        return self._listing(snapshot, Route.RECURSIVE, found.entries, found.count)

    def _picked(self, snapshot: Snapshot, answer: Answer[answers.FilesAnswer]) -> _Picked:
        tree = answer.data.snapshot
        if tree is None or tree.files is None:
            raise answer.reject()
        files = [row for row in tree.files if row is not None and not row.directory]
        short = _shortage(snapshot, tree.files, len(files))
        return _Picked(
            entries=tuple(self._entries(snapshot, ((row.filename, row) for row in files))),
            count=len(files),
            short=short,
            subjects=_subjects(row.filename for row in files),
            files={row.filename: row for row in files} if short else {},
        )

    def _folder_by_folder(self, snapshot: Snapshot, found: _Picked) -> Listing:
        """Read folders: what was found is short, or there is nothing wrong but that it has no subject."""
        short = found.short
        try:
            walked = walk(self.api, snapshot)
        except ApiChanged:
            raise
        except SourceError as error:
            walked, short = Walk(files={}, holes=("",)), f"{short}; folder by folder: {error}"
        if not walked.holes and not short and not _subjects(walked.files):
            return self._listing(snapshot, Route.RECURSIVE, found.entries, found.count)  # confirmed
        if not walked.holes:
            entries = self._entries(snapshot, walked.files.items())
            return self._listing(snapshot, Route.TREE, tuple(entries), len(walked.files))
        listed = dict(found.files) | dict(walked.files)
        return self._from_bucket(snapshot, listed, walked.holes, short or "no file of a subject listed")

    def _from_bucket(
        self, snapshot: Snapshot, listed: Mapping[str, answers.File], holes: Sequence[str], short: str
    ) -> Listing:
        found = list(self._entries(snapshot, listed.items()))
        open_holes, count = set(holes), len(listed)
        try:
            for entry in bucket.entries(self.client, self.endpoints, snapshot.dataset):
                hole = next((hole for hole in holes if _lies_in(entry.path, hole)), None)
                if hole is None or entry.path in listed:
                    continue
                count += 1
                open_holes.discard(hole)
                if matters(entry.path):
                    found.append(entry)
        except (TransientError, SourceError) as error:
            open_holes.add("the bucket")
            short = f"{short}; {error}"
        if "" in holes and count < SHORT * snapshot.files:
            open_holes.add("")
            short = f"{short}; the bucket has {count} files"
        fault = ""
        if open_holes:
            names = ", ".join(sorted(hole or "the top folder" for hole in open_holes))
            fault = f"{short}; not listed by any way: {names}"
        return self._listing(snapshot, Route.S3, found, count, fault)

    def _entries(self, snapshot: Snapshot, files: Iterable[tuple[str, answers.File]]) -> Iterator[Entry]:
        """Yield entries for the files that matter, from their paths and rows."""
        return (self._entry(snapshot.dataset, path, row) for path, row in files if matters(path))

    def _entry(self, dataset: str, path: str, row: answers.File) -> Entry:
        return Entry(
            path=path,
            size=row.size or annex_size(row.id) or 0,
            digest=digest_of(row.id),
            urls=urls_of(self.endpoints, dataset, path, row.id, row.urls or ()),
        )

    def _listing(
        self, snapshot: Snapshot, route: Route, entries: Sequence[Entry], files: int, fault: str = ""
    ) -> Listing:
        short = Excluded(
            dataset=snapshot.dataset,
            snapshot=snapshot.tag,
            path="",
            reason=Exclusion.LISTING_TRUNCATED,
            evidence=fault,
        )
        return Listing(
            snapshot=snapshot,
            entries=tuple(entries),
            files=files,
            route=route,
            excluded=(short,) if fault else (),
        )


def _variables(snapshot: Snapshot) -> dict[str, object]:
    return {"dataset": snapshot.dataset, "tag": snapshot.tag}


def _shortage(snapshot: Snapshot, rows: Sequence[answers.File | None], count: int) -> str:
    """Return why a listing can't be whole, empty where nothing speaks against it."""
    if None in rows:
        return f"{count} files listed, {rows.count(None)} rows are null"
    if not count or count < SHORT * snapshot.files:
        return f"{count} files listed, its summary counts {snapshot.files}"
    return ""


def _subjects(paths: Iterable[str]) -> bool:
    return any(path.startswith("sub-") for path in paths)


def _lies_in(path: str, hole: str) -> bool:
    return not hole or path.startswith(f"{hole}/")
