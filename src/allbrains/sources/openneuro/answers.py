"""The shapes of OpenNeuro's answers. Every field that the schema calls nullable may be null here."""

from __future__ import annotations

from msgspec import Struct, field


class Summary(Struct, frozen=True):
    """What the validator counted."""

    subjects: list[str | None] | None = None
    total_files: int | None = field(name="totalFiles", default=None)


class Description(Struct, frozen=True, rename="pascal"):
    """dataset_description.json, as far as it is asked for."""

    name: str | None = None
    license: str | None = None
    doi: str | None = field(name="DatasetDOI", default=None)
    authors: list[str | None] | None = None


class LatestSnapshot(Struct, frozen=True):
    """The newest version of a dataset."""

    tag: str
    created: str | None = None
    hexsha: str | None = None
    size: int | None = None
    summary: Summary | None = None
    description: Description | None = None


class Dataset(Struct, frozen=True):
    """One dataset."""

    id: str
    latest: LatestSnapshot | None = field(name="latestSnapshot", default=None)


class Edge(Struct, frozen=True):
    """One row of a page."""

    node: Dataset | None = None


class PageInfo(Struct, frozen=True, rename="camel"):
    """Where the next page starts, and how many rows there are in all."""

    has_next_page: bool
    end_cursor: str | None = None
    count: int | None = None


class Connection(Struct, frozen=True):
    """One page; a row that the server could not make is null."""

    page_info: PageInfo = field(name="pageInfo")
    edges: list[Edge | None] | None = None


class ListAnswer(Struct, frozen=True):
    """Answer to ``LIST``."""

    datasets: Connection | None = None


class DatasetAnswer(Struct, frozen=True):
    """Answer to ``DATASET``."""

    dataset: Dataset | None = None


class File(Struct, frozen=True):
    """One file. ``id`` is a git-annex key or a git object id, and so carries the digest."""

    id: str
    filename: str
    size: int | None = None
    directory: bool | None = None
    urls: list[str | None] | None = None


class Tree(Struct, frozen=True):
    """The files of a snapshot."""

    files: list[File | None] | None = None


class FilesAnswer(Struct, frozen=True):
    """Answer to ``FILES``."""

    snapshot: Tree | None = None
