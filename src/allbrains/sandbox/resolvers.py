"""The API's objects: attributes and methods have the names of the schema's fields.

graphql-core's default resolver takes an attribute's value, or calls a method with the query's
arguments. Each request makes its own objects, so a snapshot's files are looked up once a request and
never grow stale.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo

from allbrains.sandbox import dataset_texts, listing_rows
from allbrains.sandbox.archive import Archive, FoundObject, NotServed, Told, is_annexed, version_id

DEFAULT_PAGE, LARGEST_PAGE = 25, 100


class SnapshotNode:
    """The one snapshot of a dataset in an archive."""

    def __init__(self, archive: Archive, accession: str, base: str) -> None:
        self.archive, self.accession, self.base = archive, accession, base

    @property
    def dataset(self) -> DatasetNode:
        """The dataset that this is a snapshot of."""
        return dataset_of(self.archive, self.accession, self.base)

    @cached_property
    def found(self) -> tuple[FoundObject, ...]:
        """All files, their content not read."""
        return self.archive.files(self.accession)

    @cached_property
    def entries(self) -> tuple[listing_rows.ListingRow, ...]:
        """All files, their content hashed."""
        return tuple(map(self._entry, self.found))

    @cached_property
    def tree_ids(self) -> dict[str, str]:
        """The id of each folder."""
        return listing_rows.tree_ids(self.entries)

    @cached_property
    def change(self) -> dataset_texts.Change:
        """The newest entry of CHANGES."""
        return dataset_texts.newest_change(self.text("CHANGES"))

    @property
    def tag(self) -> str:
        """The version."""
        return self.change.tag

    @property
    def id(self) -> str:
        """Accession and version."""
        return f"{self.accession}:{self.tag}"

    @property
    def created(self) -> str:
        """When the version was made, ISO 8601."""
        return self.change.created

    @cached_property
    def hexsha(self) -> str:
        """40 hex digits that change with the tag, any path and any content."""
        return hashlib.sha1(f"{self.tag}\0{self.tree_ids['']}".encode()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.found)

    @property
    def readme(self) -> str | None:
        """The text of the README."""
        paths = {file.path for file in self.found}
        name = next((n for n in ("README", "README.md", "README.rst", "README.txt") if n in paths), None)
        return None if name is None else self.text(name)

    @property
    def deprecated(self) -> None:
        """Nothing in a folder says that its owner has withdrawn it."""

    @cached_property
    def description(self) -> dict[str, Any]:
        """The fields of dataset_description.json."""
        return {
            "id": self.id,
            **dataset_texts.description(self.text("dataset_description.json"), self.accession),
        }

    @cached_property
    def summary(self) -> dict[str, Any] | None:
        """The validator's summary."""
        return {
            "id": self.id,
            **dataset_texts.summary(file.path for file in self.found),
            "subjectMetadata": dataset_texts.subject_metadata(self.text("participants.tsv")),
            "size": self.size,
            "totalFiles": len(self.found),
            "dataProcessed": self.description["DatasetType"] == "derivative",
            "schemaVersion": None,
        }

    def files(
        self, info: GraphQLResolveInfo, tree: str | None = None, recursive: bool | None = None
    ) -> list[listing_rows.Row] | listing_rows.Encoded:
        """Return the rows below a tree: all of them, named relative to it, or its first level."""
        fields = listing_rows.fields(info)
        if recursive and tree is None:
            encoded = self.archive.encoded(self.accession, self.base, fields)
            if encoded is not None:
                return listing_rows.Encoded(json=encoded)
        return listing_rows.project(self.listed(tree, bool(recursive)), fields)

    def listed(self, tree: str | None, recursive: bool) -> list[listing_rows.Row]:
        """Return the rows below a tree with all their fields."""
        folder = self.folder(tree)
        found = listing_rows.below(self.entries, folder, partial(listing_rows.url, self.base, self.accession))
        return list(found) if recursive else listing_rows.one_level(found, self.tree_ids, folder)

    def text(self, path: str) -> str:
        """Return a small text file, or an empty text where there is none."""
        try:
            file = self.archive.find(self.accession, path)
        except NotServed:
            return ""
        content = b"".join(self.archive.read(self.accession, path, 0, file.size))
        return content.decode("utf-8-sig", errors="replace")

    def folder(self, tree: str | None) -> str:
        """Return the folder that a tree's id, a tag or a commit stands for; empty is the root.

        Raises:
            GraphQLError: it stands for none.
        """
        if tree in {None, "HEAD", self.tag}:
            return ""
        for folder, tree_id in self.tree_ids.items():
            if tree_id == tree:
                return folder
        if tree == self.hexsha:
            return ""
        raise GraphQLError(f"Invalid git reference: {tree}")

    def _entry(self, file: FoundObject) -> listing_rows.ListingRow:
        digests = self.archive.digests(self.accession, file)
        return listing_rows.ListingRow(
            path=file.path,
            size=file.size,
            object_id=digests.object_id,
            annexed=is_annexed(file.path, file.size),
            version=version_id(self.accession, file.path, digests),
        )


class DatasetNode:
    """A dataset, public since the beginning."""

    created = publishDate = dataset_texts.SOME_DATE
    public = True

    def __init__(self, latest: SnapshotNode) -> None:
        self.id = latest.accession
        self.latestSnapshot = latest

    @property
    def name(self) -> str:
        """The name in the oldest snapshot, as the server has it; here the only one."""
        return str(self.latestSnapshot.description["Name"])

    @property
    def snapshots(self) -> list[dict[str, Any]]:
        """The worker's raw rows, as the server has them: other fields are null, ``summary`` an error."""
        latest = self.latestSnapshot

        def summary(info: GraphQLResolveInfo) -> None:
            raise GraphQLError("Cannot return null for non-nullable field Summary.id.")

        row = {"id": latest.id, "tag": latest.tag, "created": latest.created, "hexsha": latest.hexsha}
        return [{**row, "summary": summary}]

    @property
    def metadata(self) -> dict[str, Any]:
        """What the owner states in a form on the site: nothing but what the files say too."""
        latest = self.latestSnapshot
        summary = latest.summary or {}
        ages = [row["age"] for row in summary.get("subjectMetadata", ()) if row["age"] is not None]
        return {
            "datasetId": self.id,
            "datasetName": self.name,
            "firstSnapshotCreatedAt": latest.created,
            "latestSnapshotCreatedAt": latest.created,
            "tasksCompleted": summary.get("tasks"),
            "dataProcessed": summary.get("dataProcessed"),
            "modalities": summary.get("modalities"),
            "ages": ages,
            "seniorAuthor": latest.description["SeniorAuthor"],
        }


class ToldSnapshot(SnapshotNode):
    """A snapshot of an archive with figures of its own, which replace those read from the files."""

    def __init__(self, archive: Archive, accession: str, base: str, told: Told) -> None:
        super().__init__(archive, accession, base)
        self._told = told
        self.change = dataset_texts.Change(tag=told.tag, created=told.created)
        self.hexsha = told.hexsha

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return self._told.size

    @cached_property
    def summary(self) -> dict[str, Any] | None:
        """The validator's summary; none where it never ran."""
        if self._told.summary is None:
            return None
        return {"id": self.id, "size": self.size, "schemaVersion": None, **self._told.summary}


class ToldDataset(DatasetNode):
    """A dataset of an archive with metadata of its own, which replace those read from the files."""

    def __init__(self, latest: SnapshotNode, told: Told) -> None:
        super().__init__(latest)
        self.created = self.publishDate = told.published
        self._told = told

    @property
    def metadata(self) -> dict[str, Any]:
        """What the owner states in a form on the site."""
        return {**super().metadata, **self._told.metadata}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """The root of a request.

    Attributes:
        archive: what is served.
        base: scheme and host of the URLs that answers contain, without a slash at the end.
    """

    archive: Archive
    base: str

    def dataset(self, info: GraphQLResolveInfo, id: str) -> DatasetNode:
        """Return a dataset by its accession."""
        if id not in self.archive.datasets():
            raise GraphQLError(f"Dataset {id} does not exist.")
        return dataset_of(self.archive, id, self.base)

    def snapshot(self, info: GraphQLResolveInfo, datasetId: str, tag: str) -> SnapshotNode:
        """Return a dataset's snapshot by its tag."""
        snapshot = self.dataset(info, datasetId).latestSnapshot
        if snapshot.tag != tag:
            raise GraphQLError("Not Found")
        return snapshot

    def search(
        self, info: GraphQLResolveInfo, q: str, first: int | None = None, after: str | None = None
    ) -> None:
        """Return nothing: the server drops the result of this query since 5.1."""

    def datasets(
        self,
        info: GraphQLResolveInfo,
        *,
        first: int | None = DEFAULT_PAGE,
        after: str | None = None,
        orderBy: dict[str, str] | None = None,
        filterBy: dict[str, bool] | None = None,
        modality: str | None = None,
    ) -> dict[str, Any] | None:
        """Return a page of datasets. Anonymous callers see public ones whatever ``filterBy`` says."""
        found = [dataset_of(self.archive, name, self.base) for name in self.archive.datasets()]
        if modality is not None:
            found = [each for each in found if modality.lower() in _modalities(each)]
        for key, ordering in (orderBy or {}).items():
            found.sort(key=_sort_key(key), reverse=ordering == "descending")
        return connection(found, limit=min(max(first or 0, 1), LARGEST_PAGE), offset=decode_cursor(after))


def dataset_of(archive: Archive, accession: str, base: str) -> DatasetNode:
    """Return a dataset of an archive."""
    told = archive.told(accession)
    if told is None:
        return DatasetNode(SnapshotNode(archive, accession, base))
    return ToldDataset(ToldSnapshot(archive, accession, base, told), told)


def _modalities(dataset: DatasetNode) -> list[str]:
    return list((dataset.latestSnapshot.summary or {}).get("modalities", ()))


def connection(found: list[DatasetNode], *, limit: int, offset: int) -> dict[str, Any] | None:
    """Return a page; its ``endCursor`` is where the next begins, an edge's cursor is its own offset."""
    if not found:
        return None
    page = found[offset : offset + limit]
    return {
        "edges": [{"node": node, "cursor": encode_cursor(offset + index)} for index, node in enumerate(page)],
        "pageInfo": {
            "hasNextPage": offset + limit < len(found),
            "hasPreviousPage": offset > 0,
            "startCursor": encode_cursor(offset),
            "endCursor": encode_cursor(offset + limit),
            "count": len(found),
        },
    }


def encode_cursor(offset: int) -> str:
    """Return an offset as a cursor."""
    return base64.b64encode(json.dumps({"offset": offset}, separators=(",", ":")).encode()).decode()


def decode_cursor(cursor: str | None) -> int:
    """Return the offset in a cursor, 0 where there is none.

    Raises:
        GraphQLError: it isn't a cursor of ours.
    """
    if cursor is None:
        return 0
    try:
        offset = json.loads(base64.b64decode(cursor, validate=True))["offset"]
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise GraphQLError(f"Invalid cursor: {cursor}") from error
    if not isinstance(offset, int) or offset < 0:
        raise GraphQLError(f"Invalid cursor: {cursor}")
    return offset


def _sort_key(key: str) -> Callable[[DatasetNode], Any]:
    # all of an archive's datasets were made in the order of their accessions
    return (lambda dataset: dataset.name) if key == "name" else (lambda dataset: dataset.id)
