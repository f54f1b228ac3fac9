"""A snapshot's files: by one recursive question; where that is short, folder by folder; then the bucket.

Short is what is below the snapshot's own count, shows no subject, or has null rows: a worker that fails
gives an empty answer without an error. Git knows no empty folder, so a walk through the folders knows
what it could not read, and only that is taken from the bucket. A server that does not answer at all is no
reason for the next way: that listing is read another day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

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
        files: list[answers.File] = []
        try:
            rows = self.api.ask(queries.FILES, _variables(snapshot), answers.FilesAnswer, _files)
        except NotThere as error:
            kind = Absence.DELETED if error.deleted else Absence.REFUSED
            raise Departed(Absent(kind=kind, evidence=str(error))) from error
        except ApiChanged:
            raise
        except (TransientError, SourceError) as error:
            return self._folder_by_folder(snapshot, files, str(error))
        files = [row for row in rows if row is not None and not row.directory]
        short = _shortage(snapshot, rows, files)
        if not short and _subjects(row.filename for row in files):
            return self._whole(snapshot, files)
        return self._folder_by_folder(snapshot, files, short)

    def _whole(self, snapshot: Snapshot, files: Sequence[answers.File]) -> Listing:
        return self._listing(snapshot, Route.RECURSIVE, self._entries(snapshot, files), len(files))

    def _folder_by_folder(self, snapshot: Snapshot, files: Sequence[answers.File], short: str) -> Listing:
        """Read folders; an empty ``short`` means that nothing is wrong but that there is no subject."""
        try:
            walked = walk(self.api, snapshot)
        except ApiChanged:
            raise
        except SourceError as error:
            walked, short = Walk(files={}, holes=("",)), f"{short}; folder by folder: {error}"
        if not walked.holes and not short and not _subjects(walked.files):
            return self._whole(snapshot, files)  # confirmed
        if not walked.holes:
            found = self._entries(snapshot, walked.files.values(), walked.files)
            return self._listing(snapshot, Route.TREE, found, len(walked.files))
        listed = {file.filename: file for file in files} | dict(walked.files)
        return self._from_bucket(snapshot, listed, walked.holes, short or f"{len(files)} files, no subject")

    def _from_bucket(
        self, snapshot: Snapshot, listed: Mapping[str, answers.File], holes: Sequence[str], short: str
    ) -> Listing:
        found = list(self._entries(snapshot, listed.values(), listed))
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

    def _entries(
        self, snapshot: Snapshot, files: Iterable[answers.File], paths: Iterable[str] | None = None
    ) -> list[Entry]:
        """Return entries for the files that matter, under their own names or those given."""
        named = ((row.filename, row) for row in files) if paths is None else zip(paths, files, strict=True)
        return [self._entry(snapshot.dataset, path, row) for path, row in named if matters(path)]

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


def _files(answer: Answer[answers.FilesAnswer]) -> list[answers.File | None]:
    tree = answer.data.snapshot
    if tree is None or tree.files is None:
        raise answer.reject()
    return tree.files


def _shortage(snapshot: Snapshot, rows: Sequence[answers.File | None], files: Sequence[answers.File]) -> str:
    """Return why a listing can't be whole, empty where nothing speaks against it."""
    if None in rows:
        return f"{len(files)} files listed, {rows.count(None)} rows are null"
    if not files or len(files) < SHORT * snapshot.files:
        return f"{len(files)} files listed, its summary counts {snapshot.files}"
    return ""


def _subjects(paths: Iterable[str]) -> bool:
    return any(path.startswith("sub-") for path in paths)


def _lies_in(path: str, hole: str) -> bool:
    return not hole or path.startswith(f"{hole}/")
