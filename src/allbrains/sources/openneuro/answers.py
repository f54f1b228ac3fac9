"""The shapes of OpenNeuro's answers. Every field that the schema calls nullable may be null here."""

from __future__ import annotations

from msgspec import Raw, Struct, field, json

from allbrains.sources.openneuro.lenient import UNDECODABLE, decode


class SummaryAnswer(Struct, frozen=True):
    """What the validator counted."""

    subjects: list[str | None] | None = None
    modalities: list[str | None] | None = None
    fine: list[str | None] | None = field(name="secondaryModalities", default=None)
    total_files: int | None = field(name="totalFiles", default=None)


class Description(Struct, frozen=True, rename="pascal"):
    """dataset_description.json, as far as it is asked for."""

    name: str | None = None
    license: str | None = None
    doi: str | None = field(name="DatasetDOI", default=None)
    dataset_type: str | None = None
    authors: list[str | None] | None = None
    how_to_acknowledge: str | None = None
    references: list[str | None] | None = field(name="ReferencesAndLinks", default=None)


class Deprecated(Struct, frozen=True):
    """Why a version should not be used any more."""

    reason: str | None = None


class Metadata(Struct, frozen=True, rename="camel"):
    """What the owner stated in a form on the site."""

    species: str | None = None
    ages: list[float | None] | None = None
    affirmed_defaced: bool | None = None
    affirmed_consent: bool | None = None


class Version(Struct, frozen=True):
    """One version of a dataset."""

    tag: str
    created: str | None = None
    hexsha: str | None = None
    size: int | None = None
    deprecated: Deprecated | None = None
    summary: SummaryAnswer | None = None
    description: Description | None = None


class About(Struct, frozen=True):
    """What holds for a dataset in all its versions."""

    id: str
    published: str | None = field(name="publishDate", default=None)
    metadata: Metadata | None = None


class ListedDataset(About, frozen=True):
    """One dataset with its newest version."""

    latest: Version | None = field(name="latestSnapshot", default=None)


class Pinned(Version, frozen=True, kw_only=True):
    """One version, with its dataset."""

    dataset: About


class Edge(Struct, frozen=True):
    """One row of a page. Its dataset is decoded by itself: an error in one does not affect the others."""

    node: Raw = Raw(b"null")

    def dataset(self) -> ListedDataset | None:
        """Return the dataset; None where the server could not make it.

        Raises:
            msgspec.DecodeError: it has another shape; see ``lenient.UNDECODABLE``.
        """
        dataset: ListedDataset | None = decode(self.node, ListedDataset | None)
        return dataset

    def name(self) -> str:
        """Return the dataset's accession, empty where not even that is known."""
        try:
            named: Named = decode(self.node, Named)
            return named.id
        except UNDECODABLE:
            return ""


class Named(Struct, frozen=True):
    """The name of a dataset in an answer of unknown shape."""

    id: str = ""


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

    dataset: ListedDataset | None = None


class File(Struct, frozen=True, gc=False):
    """One file or folder. ``id`` is a git-annex key or a git object id, and so carries the digest.

    URLs are most of an answer and wanted of one file in a hundred, so they are decoded when asked for.
    """

    id: str
    filename: str
    size: int | None = None
    directory: bool | None = None
    urls: Raw = Raw(b"null")

    def addresses(self) -> list[str | None]:
        """Return the URLs as listed.

        Raises:
            msgspec.ValidationError: they are no texts.
        """
        return _ADDRESSES.decode(self.urls) or []


_ADDRESSES = json.Decoder(list[str | None] | None)  # made once: what a type means takes longer to find out


class Tree(Struct, frozen=True):
    """The files of a snapshot."""

    files: list[File | None] | None = None


class FilesAnswer(Struct, frozen=True):
    """Answer to ``FILES`` and ``ROOT``."""

    snapshot: Tree | None = None


class TreesAnswer(Struct, frozen=True):
    """Answer to ``trees``: rows by alias."""

    snapshot: dict[str, list[File | None] | None] | None = None
