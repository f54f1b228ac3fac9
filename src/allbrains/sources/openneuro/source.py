"""OpenNeuro, read through its API: all public datasets or named ones, one listing a snapshot.

A catalogue must be complete or say what is missing, and the API can be short in silent ways: pages
shift while datasets are being published, rows are null, a failed worker gives an empty listing. So rows
are counted against ``pageInfo.count`` and files against the dataset's own summary.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Lock

from allbrains.errors import SourceError, TransientError
from allbrains.sources.listing import (
    Entry,
    Excluded,
    Exclusion,
    Found,
    Listing,
    Route,
    Snapshot,
    annex_size,
    digest_of,
    matters,
)
from allbrains.sources.openneuro import answers, queries
from allbrains.sources.openneuro.addresses import Endpoints, urls_of
from allbrains.sources.openneuro.cache import Listings
from allbrains.sources.openneuro.client import Answer, Api
from allbrains.transfer import Client, fetch

PAGE = 100  # the server's own upper limit
PASSES = 3  # over the whole list, while it stays short of its own count
# The first question gets fewer tries: a wrong address should say so within seconds.
FIRST_ATTEMPTS = 3
# A listing holds what the summary counts and more (.gitattributes, what .bidsignore hides); the tenth
# allows for submodules, which only the summary counts. A failed worker loses whole levels of folders.
SHORT = 0.9
SMALL_AT_ONCE = 16  # small files are the bucket's business, not the API's

# Accessions and tags become names of local files and folders.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}\Z")


class OpenNeuro:
    """OpenNeuro as a source of scans; see ``listing.Source``."""

    def __init__(
        self, client: Client, endpoints: Endpoints, *, cache: Path, datasets: Sequence[str] = ()
    ) -> None:
        """Take over a client whose network reaches the endpoints.

        Args:
            client: the connection pool.
            endpoints: the API and the bucket.
            cache: folder for listings and small files; made when needed.
            datasets: accessions to read; empty means all public ones.
        """
        self.client, self.endpoints, self.datasets = client, endpoints, tuple(datasets)
        self.api = Api(client, endpoints.api)
        self._files = cache / "files"
        # datasets share files (the same participants.json): each is fetched by one thread at a time
        self._turns = tuple(Lock() for _ in range(64))
        self._listings = Listings(cache / "listings", f"{endpoints.api} {endpoints.bucket}")

    def snapshots(self) -> Found:
        """Return the latest snapshot of each dataset; see ``Source.snapshots``."""
        return self._named() if self.datasets else self._all()

    def listing(self, snapshot: Snapshot) -> Listing:
        """Return a snapshot's files, from the cache where they have been read before."""
        if (known := self._listings.read(snapshot)) is not None:
            return known
        variables = {"dataset": snapshot.dataset, "tag": snapshot.tag}
        rows = self.api.ask(queries.FILES, variables, answers.FilesAnswer, _files)
        listing = self._listing(snapshot, rows)
        if not listing.excluded:  # a short one may be whole tomorrow
            self._listings.write(listing)
        return listing

    def read(self, snapshot: Snapshot, entries: Sequence[Entry]) -> Mapping[str, bytes]:
        """Return the verified bytes of small files by path; see ``Source.read``."""
        self._files.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(SMALL_AT_ONCE, thread_name_prefix="small-files") as pool:
            return dict(zip((entry.path for entry in entries), pool.map(self._small, entries), strict=True))

    def _small(self, entry: Entry) -> bytes:
        if entry.digest is None:
            raise SourceError(f"{entry.path} has no digest that its bytes could be checked against")
        # named by content: one file for all datasets that share it, and no server's name on this disk
        target = self._files / f"{entry.digest.algorithm}-{entry.digest.hexdigest}"
        # the bare path first: half of the small files are listed with the slow objects route only
        urls = sorted(entry.urls, key=lambda url: "?" in url)
        with self._turns[int(entry.digest.hexdigest, 16) % len(self._turns)]:
            fetch(urls, size=entry.size, digest=entry.digest, target=target, client=self.client)
            return target.read_bytes()

    def _named(self) -> Found:
        found: list[Snapshot] = []
        excluded: list[Excluded] = []
        for number, dataset in enumerate(self.datasets):
            attempts = 0 if number else FIRST_ATTEMPTS
            try:
                node = self.api.ask(
                    queries.DATASET, {"dataset": dataset}, answers.DatasetAnswer, _node, attempts=attempts
                )
            except TransientError as error:
                raise SourceError(f"OpenNeuro can't be read: {error}") from error
            if isinstance(node, str):
                excluded.append(_dataset_row(dataset, "", Exclusion.NOT_ACCESSIBLE, node))
            else:
                _sort_in(node, found, excluded)
        return Found(snapshots=tuple(found), excluded=tuple(excluded))

    def _all(self) -> Found:
        nodes: dict[str, answers.Dataset] = {}
        count = 0
        for _ in range(PASSES):
            count = self._pass(nodes)
            if len(nodes) >= count:
                break
        found: list[Snapshot] = []
        excluded: list[Excluded] = []
        for name in sorted(nodes):
            _sort_in(nodes[name], found, excluded)
        if len(nodes) < count:
            evidence = f"{count - len(nodes)} of {count} datasets are counted by OpenNeuro but not listed"
            excluded.append(_dataset_row("", "", Exclusion.LISTING_FAILED, evidence))
        return Found(snapshots=tuple(found), excluded=tuple(excluded))

    def _pass(self, nodes: dict[str, answers.Dataset]) -> int:
        """Read all pages into ``nodes`` and return how many datasets the last page counts."""
        after: str | None = None
        seen: set[str | None] = set()
        attempts = FIRST_ATTEMPTS
        while after not in seen:  # a cursor that comes twice would go round for ever
            seen.add(after)
            variables = {"first": PAGE, "after": after}
            try:
                page = self.api.ask(queries.LIST, variables, answers.ListAnswer, _page, attempts=attempts)
            except TransientError as error:
                raise SourceError(f"OpenNeuro can't be listed: {error}") from error
            attempts = 0
            for edge in page.edges or ():
                if edge is not None and edge.node is not None:
                    nodes[edge.node.id] = edge.node
            if not page.page_info.has_next_page:
                return page.page_info.count or len(nodes)
            after = page.page_info.end_cursor
        raise SourceError(f"OpenNeuro's list of datasets goes round in circles at {after!r}")

    def _listing(self, snapshot: Snapshot, rows: Sequence[answers.File | None]) -> Listing:
        files = [row for row in rows if row is not None and not row.directory]
        subjects = any(row.filename.startswith("sub-") for row in files)
        evidence = ""
        if len(files) < SHORT * snapshot.files:
            evidence = f"{len(files)} files listed, its summary counts {snapshot.files}"
        elif snapshot.subjects and not subjects:
            evidence = f"{len(files)} files listed, none of a subject; its summary counts {snapshot.subjects}"
        elif not files or None in rows:
            evidence = f"{len(files)} files listed, {rows.count(None)} rows are null"
        short = _dataset_row(snapshot.dataset, snapshot.tag, Exclusion.LISTING_TRUNCATED, evidence)
        return Listing(
            snapshot=snapshot,
            entries=tuple(map(partial(self._entry, snapshot.dataset), filter(_wanted, files))),
            files=len(files),
            route=Route.RECURSIVE,
            excluded=(short,) if evidence else (),
        )

    def _entry(self, dataset: str, row: answers.File) -> Entry:
        return Entry(
            path=row.filename,
            size=row.size or annex_size(row.id) or 0,
            digest=digest_of(row.id),
            urls=urls_of(self.endpoints, dataset, row.filename, row.id, row.urls or ()),
        )


def _wanted(row: answers.File) -> bool:
    return matters(row.filename)


def _page(answer: Answer[answers.ListAnswer]) -> answers.Connection:
    page = answer.data.datasets
    if page is None or (not page.edges and page.page_info.has_next_page):
        raise answer.reject()
    return page


def _node(answer: Answer[answers.DatasetAnswer]) -> answers.Dataset | str:
    """Return the dataset, or why there is none."""
    node = answer.data.dataset
    if node is not None:
        return node
    error = answer.reject()
    if isinstance(error, TransientError):
        raise error
    return str(error)


def _files(answer: Answer[answers.FilesAnswer]) -> list[answers.File | None]:
    tree = answer.data.snapshot
    if tree is None or tree.files is None:
        raise answer.reject()
    return tree.files


def _sort_in(node: answers.Dataset, found: list[Snapshot], excluded: list[Excluded]) -> None:
    latest = node.latest
    if latest is None:
        excluded.append(_dataset_row(node.id, "", Exclusion.LISTING_FAILED, "it has no snapshot"))
    elif not (_NAME.match(node.id) and _NAME.match(latest.tag)):
        evidence = f"not an accession and a tag: {node.id!r}, {latest.tag!r}"
        excluded.append(_dataset_row(node.id, latest.tag, Exclusion.LISTING_FAILED, evidence))
    else:
        found.append(_snapshot(node.id, latest))


def _snapshot(dataset: str, latest: answers.LatestSnapshot) -> Snapshot:
    description = latest.description or answers.Description()
    summary = latest.summary or answers.Summary()
    return Snapshot(
        dataset=dataset,
        tag=latest.tag,
        hexsha=latest.hexsha or "",
        name=description.name or "",
        license=description.license or "",
        doi=description.doi or "",
        authors=tuple(author for author in description.authors or () if author),
        created=latest.created or "",
        size=latest.size or 0,
        files=summary.total_files or 0,
        subjects=len(summary.subjects or ()),
    )


def _dataset_row(dataset: str, tag: str, reason: Exclusion, evidence: str) -> Excluded:
    return Excluded(dataset=dataset, snapshot=tag, path="", reason=reason, evidence=evidence)
