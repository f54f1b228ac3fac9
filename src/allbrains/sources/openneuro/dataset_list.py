"""Which datasets there are: all public ones, named ones, or those of a lock file.

The list can be short in silent ways: pages shift while datasets are being published, rows are null, a
page times out. So rows are counted against ``pageInfo.count``, a short list is read again, and a page
that times out is asked for in halves.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from allbrains.errors import SourceError, TransientError
from allbrains.sources.openneuro import answers, queries
from allbrains.sources.openneuro.graphql_client import Answer, Api, NotThere
from allbrains.sources.openneuro.lenient import UNDECODABLE, decode
from allbrains.sources.pins import Pin
from allbrains.sources.snapshot import Absence, Absent, Excluded, Exclusion, Found, Misshapen, Snapshot

PAGE = 100  # the server's own upper limit
SMALLEST_PAGE = 25  # the site's own page; a server that can't make it is down
PASSES = 3  # over the whole list, while it stays short of its own count
# The first question gets fewer tries: a wrong address should say so within seconds.
FIRST_ATTEMPTS = 3
PINNED_AT_ONCE = 25  # snapshots of a lock file in one question: as heavy as the site's own page

# Accessions and tags become names of local files and folders.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}\Z")


class Roll:
    """The datasets of one API."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def everything(self) -> Found:
        """Return all public datasets.

        Raises:
            SourceError: they can't be listed.
        """
        nodes: dict[str, answers.ListedDataset | Absent] = {}
        count = 0
        for _ in range(PASSES):
            count = self._pass(nodes)
            if len(nodes) >= count:
                break
        told = [
            _row(name, "", Exclusion.LISTING_FAILED, node.evidence)
            for name, node in nodes.items()
            if isinstance(node, Absent)
        ]
        described = [node for _, node in sorted(nodes.items()) if not isinstance(node, Absent)]
        return self._found(described, told, lacking=count - len(nodes))

    def named(self, datasets: Sequence[str]) -> Found:
        """Return the named datasets; one that can't be described is a row.

        Raises:
            SourceError: the source can't be reached.
        """
        nodes: list[answers.ListedDataset] = []
        excluded: list[Excluded] = []
        for dataset in datasets:
            node = self._one(dataset, attempts=0 if self.api.answered else FIRST_ATTEMPTS)
            match node:
                case answers.ListedDataset():
                    nodes.append(node)
                case Absent(kind=Absence.UNKNOWN) if not self.api.answered:
                    raise SourceError(f"OpenNeuro can't be read: {node.evidence}")
                case Absent():
                    excluded.append(_row(dataset, "", _REASONS[node.kind], node.evidence))
        return self._found(nodes, excluded)

    def whereabouts(self, dataset: str) -> Snapshot | Absent:
        """Return what became of one dataset."""
        node = self._one(dataset)
        return node if isinstance(node, Absent) else _described(node)

    def pinned(self, pins: Sequence[Pin]) -> Found:
        """Return the versions that a lock file names; one that is not what it was is a row.

        Raises:
            SourceError: they can't be asked for.
        """
        found: list[Snapshot] = []
        excluded: list[Excluded] = []
        for start in range(0, len(pins), PINNED_AT_ONCE):
            group = pins[start : start + PINNED_AT_ONCE]
            for pin, row in zip(group, self._pinned(group), strict=True):
                fault = row if isinstance(row, str) else _unlike(pin, row)
                if fault or isinstance(row, str):
                    excluded.append(_row(pin.dataset, pin.snapshot, Exclusion.LOCK_BROKEN, fault))
                else:
                    found.append(_snapshot(row.dataset, row))
        return Found(snapshots=tuple(found), excluded=tuple(excluded), version=self.api.version)

    def _pinned(self, group: Sequence[Pin]) -> list[answers.Pinned | str]:
        variables = {f"d{n}": pin.dataset for n, pin in enumerate(group)}
        variables |= {f"t{n}": pin.snapshot for n, pin in enumerate(group)}

        def judge(answer: Answer[dict[str, msgspec.Raw]]) -> list[answers.Pinned | str]:
            return [_pinned(answer, f"s{n}") for n in range(len(group))]

        try:
            shape = dict[str, msgspec.Raw]
            return self.api.ask(queries.pinned(len(group)), variables, shape, judge)
        except TransientError as error:
            raise SourceError(f"the snapshots of the lock file can't be asked for: {error}") from error

    def _pass(self, nodes: dict[str, answers.ListedDataset | Absent]) -> int:
        """Read all pages into ``nodes`` and return how many datasets the last page counts.

        A dataset that is of no known shape stands there with what is wrong with it.
        """
        after: str | None = None
        seen: set[str | None] = set()
        first = PAGE
        while after not in seen:  # a cursor that comes twice would go round for ever
            seen.add(after)
            page, first = self._page(after, first)
            for edge in page.edges or ():
                if edge is None:
                    continue
                try:
                    node = edge.dataset()
                except UNDECODABLE as error:
                    evidence = f"its row in the list has another shape than this version knows ({error})"
                    nodes[edge.name()] = Absent(kind=Absence.UNKNOWN, evidence=evidence)
                else:
                    nodes |= {node.id: node} if node is not None else {}
            if not page.page_info.has_next_page:
                return page.page_info.count or len(nodes)
            after = page.page_info.end_cursor
        raise SourceError(f"OpenNeuro's list of datasets goes round in circles at {after!r}")

    def _page(self, after: str | None, first: int) -> tuple[answers.Connection, int]:
        """Return a page, and the size with which it came."""
        while True:
            variables = {"first": first, "after": after}
            attempts = 0 if self.api.answered else FIRST_ATTEMPTS
            try:
                page = self.api.ask(queries.LIST, variables, answers.ListAnswer, _page, attempts=attempts)
            except TransientError as error:
                if first == SMALLEST_PAGE or not self.api.answered:
                    raise SourceError(f"OpenNeuro's datasets can't be listed: {error}") from error
                first = max(first // 2, SMALLEST_PAGE)
            else:
                return page, first

    def _one(self, dataset: str, *, attempts: int = 0) -> answers.ListedDataset | Absent:
        variables = {"dataset": dataset}
        try:
            return self.api.ask(queries.DATASET, variables, answers.DatasetAnswer, _node, attempts=attempts)
        except NotThere as error:
            kind = Absence.DELETED if error.deleted else Absence.REFUSED
            return Absent(kind=kind, evidence=str(error))
        except (TransientError, Misshapen) as error:
            return Absent(kind=Absence.UNKNOWN, evidence=str(error))

    def _found(
        self, nodes: Sequence[answers.ListedDataset], excluded: list[Excluded], *, lacking: int = 0
    ) -> Found:
        found = []
        for node in nodes:
            described = _described(node)
            if isinstance(described, Absent):
                tag = node.latest.tag if node.latest else ""
                excluded.append(_row(node.id, tag, Exclusion.LISTING_FAILED, described.evidence))
            else:
                found.append(described)
        return Found(
            snapshots=tuple(found),
            excluded=tuple(excluded),
            lacking=max(lacking, 0),
            version=self.api.version,
        )


_REASONS = {
    Absence.DELETED: Exclusion.WITHDRAWN,
    Absence.REFUSED: Exclusion.NOT_ACCESSIBLE,
    Absence.UNKNOWN: Exclusion.LISTING_FAILED,
}


def _pinned(answer: Answer[dict[str, msgspec.Raw]], alias: str) -> answers.Pinned | str:
    """Return one of several versions that were asked for, or why it can't be had."""
    try:
        row: answers.Pinned | None = decode(answer.data.get(alias, b"null"), answers.Pinned | None)
    except UNDECODABLE as error:
        return f"it is described in a shape that this version doesn't know ({error})"
    return row if row is not None else answer.refusal(alias)


def _page(answer: Answer[answers.ListAnswer]) -> answers.Connection:
    page = answer.data.datasets
    if page is None or (not page.edges and page.page_info.has_next_page):
        raise answer.reject()
    return page


def _node(answer: Answer[answers.DatasetAnswer]) -> answers.ListedDataset:
    if (node := answer.data.dataset) is None:
        raise answer.reject()
    return node


def _described(node: answers.ListedDataset) -> Snapshot | Absent:
    latest = node.latest
    if latest is None:
        return Absent(kind=Absence.UNKNOWN, evidence="it has no snapshot")
    if not (_NAME.match(node.id) and _NAME.match(latest.tag)):
        return Absent(
            kind=Absence.UNKNOWN, evidence=f"not an accession and a tag: {node.id!r}, {latest.tag!r}"
        )
    return _snapshot(node, latest)


def _unlike(pin: Pin, row: answers.Pinned) -> str:
    """Return in what a version differs from its pin, empty where in nothing."""
    if (row.dataset.id, row.tag) != (pin.dataset, pin.snapshot):
        return f"asked for {pin.dataset} {pin.snapshot}, got {row.dataset.id} {row.tag}"
    if pin.hexsha and row.hexsha != pin.hexsha:
        return f"the lock says commit {pin.hexsha}, OpenNeuro has {row.hexsha}"
    return ""


def _snapshot(about: answers.About, version: answers.Version) -> Snapshot:
    description = version.description or answers.Description()
    summary = version.summary or answers.SummaryAnswer()
    metadata = about.metadata or answers.Metadata()
    deprecated = version.deprecated
    return Snapshot(
        dataset=about.id,
        tag=version.tag,
        hexsha=version.hexsha or "",
        name=description.name or "",
        license=description.license or "",
        doi=description.doi or "",
        authors=_texts(description.authors),
        how_to_acknowledge=description.how_to_acknowledge or "",
        references=_texts(description.references),
        dataset_type=description.dataset_type or "",
        species=metadata.species or "",
        ages=tuple(age for age in metadata.ages or () if age is not None),
        modalities=_texts((*(summary.modalities or ()), *(summary.fine or ()))),
        defaced=metadata.affirmed_defaced,
        consent=metadata.affirmed_consent,
        deprecated="" if deprecated is None else deprecated.reason or "no reason given",
        published=about.published or "",
        created=version.created or "",
        size=version.size or 0,
        files=summary.total_files or 0,
        subjects=len(summary.subjects or ()),
    )


def _texts(values: Sequence[str | None] | None) -> tuple[str, ...]:
    return tuple(value for value in values or () if value)


def _row(dataset: str, tag: str, reason: Exclusion, evidence: str) -> Excluded:
    return Excluded(dataset=dataset, snapshot=tag, path="", reason=reason, evidence=evidence)
