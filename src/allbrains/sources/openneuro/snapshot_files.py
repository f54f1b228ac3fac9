"""A snapshot's files: by one recursive question; where that is short, folder by folder; then the bucket.

Short is what is far below the snapshot's own count, shows no subject, or has null rows: a worker that fails
gives an empty answer without an error. Git knows no empty folder, so a walk through the folders knows
what it could not read, and only that is taken from the bucket. A listing that is not short but lacks
anatomy that could be there (see ``doubts``) is compared with the bucket first, which costs the API nothing.
A server that does not answer at all is no reason for the next way: that listing is read another day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import compress

from allbrains.errors import SourceError, TransientError
from allbrains.sources.openneuro import answers, queries, s3_listing
from allbrains.sources.openneuro.addresses import Endpoints, urls_of
from allbrains.sources.openneuro.doubts import SHORT, doubt, has_subjects, shortage, unlisted
from allbrains.sources.openneuro.folder_walk import Walk, walk
from allbrains.sources.openneuro.graphql_client import Answer, Api, ApiChanged, NotThere
from allbrains.sources.snapshot import (
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
    which_matter,
)
from allbrains.transfer import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picked:
    """What the recursive question gave.

    Attributes:
        entries: of the files that matter.
        count: of all files.
        short: why it can't be whole, empty where nothing speaks against it.
        doubt: why anatomy may be missing all the same.
        subjects: whether there is a file of a subject.
        files: all of them by path; only where there is something against it.
    """

    entries: tuple[Entry, ...] = ()
    count: int = 0
    short: str
    doubt: str = ""
    subjects: bool = False
    files: Mapping[str, answers.File] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingReader:
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
        if found.short or not found.subjects or (found.doubt and not self._agrees(snapshot, found)):
            return self._folder_by_folder(snapshot, found)
        return self._listing(snapshot, Route.RECURSIVE, found.entries, found.count)

    def _picked(self, snapshot: Snapshot, answer: Answer[answers.FilesAnswer]) -> _Picked:
        tree = answer.data.snapshot
        if tree is None or tree.files is None:
            raise answer.reject()
        files = [row for row in tree.files if row is not None and not row.directory]
        paths = [row.filename for row in files]
        short, subjects = shortage(snapshot, tree.files, len(files)), has_subjects(paths)
        doubtful = "" if short else doubt(snapshot, paths)
        return _Picked(
            entries=tuple(self._entries(snapshot, paths, files)),
            count=len(files),
            short=short,
            doubt=doubtful,
            subjects=subjects,
            files=dict(zip(paths, files, strict=True)) if short or doubtful or not subjects else {},
        )

    def _agrees(self, snapshot: Snapshot, found: _Picked) -> bool:
        """Return whether the bucket has no anatomy either beyond what is listed; False where it won't say."""
        try:
            return not unlisted(
                s3_listing.entries(self.client, self.endpoints, snapshot.dataset), found.files
            )
        except (TransientError, SourceError):
            return False

    def _folder_by_folder(self, snapshot: Snapshot, found: _Picked) -> Listing:
        """Read folders: what was found is short, has no subject, or less anatomy than the bucket."""
        short = found.short
        try:
            walked = walk(self.api, snapshot)
        except ApiChanged:
            raise
        except SourceError as error:
            walked, short = Walk(files={}, holes=("",)), f"{short}; folder by folder: {error}"
        listed = dict(found.files) | dict(walked.files)
        if walked.holes:
            short = short or found.doubt or "no file of a subject listed"
            return self._from_bucket(snapshot, listed, walked.holes, short)
        if not short and not any(which_matter(listed.keys() - found.files.keys())):
            return self._listing(snapshot, Route.RECURSIVE, found.entries, found.count)  # confirmed
        entries = tuple(self._entries(snapshot, listed, listed.values()))
        return self._listing(snapshot, Route.TREE, entries, len(listed))

    def _from_bucket(
        self, snapshot: Snapshot, listed: Mapping[str, answers.File], holes: Sequence[str], short: str
    ) -> Listing:
        found = list(self._entries(snapshot, listed, listed.values()))
        open_holes, count, published = set(holes), len(listed), len(found)
        try:
            for entry in s3_listing.entries(self.client, self.endpoints, snapshot.dataset):
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
        if open_holes:
            names = ", ".join(sorted(hole or "the top folder" for hole in open_holes))
            told = _row(snapshot, Exclusion.LISTING_TRUNCATED, f"{short}; not listed by any way: {names}")
        else:
            told = _row(
                snapshot,
                Exclusion.LISTED_BY_BUCKET,
                f"{short}; {len(found) - published} files are known from the bucket's list "
                "only: their digests are its MD5 sums, and files that were removed may be among them",
            )
        return self._listing(snapshot, Route.S3, found, count, told)

    def _entries(
        self, snapshot: Snapshot, paths: Collection[str], rows: Iterable[answers.File]
    ) -> Iterator[Entry]:
        """Yield entries for the files that matter, from their paths and rows."""
        files = compress(zip(paths, rows, strict=True), which_matter(paths))
        return (self._entry(snapshot.dataset, path, row) for path, row in files)

    def _entry(self, dataset: str, path: str, row: answers.File) -> Entry:
        return Entry(
            path=path,
            size=row.size or annex_size(row.id) or 0,
            digest=digest_of(row.id),
            urls=urls_of(self.endpoints, dataset, path, row.id, row.addresses()),
        )

    def _listing(
        self, snapshot: Snapshot, route: Route, entries: Sequence[Entry], files: int, *told: Excluded
    ) -> Listing:
        return Listing(snapshot=snapshot, entries=tuple(entries), files=files, route=route, excluded=told)


def _row(snapshot: Snapshot, reason: Exclusion, evidence: str) -> Excluded:
    return Excluded(
        dataset=snapshot.dataset, snapshot=snapshot.tag, path="", reason=reason, evidence=evidence
    )


def _variables(snapshot: Snapshot) -> dict[str, object]:
    return {"dataset": snapshot.dataset, "tag": snapshot.tag}


def _lies_in(path: str, hole: str) -> bool:
    return not hole or path.startswith(f"{hole}/")
