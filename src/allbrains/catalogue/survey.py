"""A catalogue with all that was asked for: the crawl, then the images' headers.

What commands begin with. The cache folder holds everything that was read, so that a second survey, of
the same or of another choice, asks only for what is new.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from allbrains import tables
from allbrains.catalogue import catalogue, image_headers
from allbrains.catalogue.catalogue import Catalogue
from allbrains.catalogue.crawl import crawl
from allbrains.catalogue.place import Place
from allbrains.catalogue.read_dataset import NOTHING_AGAIN, Wanted
from allbrains.catalogue.rows_cache import Kept
from allbrains.transfer import Client

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """A catalogue, and what its headers still would cost.

    Attributes:
        found: what there is.
        unread_headers: images with an unknown header.
    """

    found: Catalogue
    unread_headers: int

    @property
    def header_bytes(self) -> int:
        """Bytes that reading the missing headers would fetch, at most."""
        return self.unread_headers * image_headers.START_BYTES


def survey(
    place: Place,
    cache: Path,
    *,
    wanted: Wanted | None = None,
    again: Mapping[str, Wanted] = NOTHING_AGAIN,
    with_headers: bool = False,
    before: Catalogue | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Surveyed:
    """Read a source's datasets, and where asked for the headers of their scans.

    Args:
        place: the source, and the network that its images are on.
        cache: the folder that the place was made with.
        wanted: which scans, and whether their sidecars are read.
        again: by dataset what is wanted besides, because earlier runs read it.
        with_headers: read the headers that are not known yet; those that are known are always joined.
        before: the previous catalogue of all of the source's datasets.
        progress: called with what is being read, how many were, and how many there are.

    Raises:
        SourceError: the source can't be reached, or has stopped answering.
    """
    found = crawl(
        place.source,
        wanted=wanted,
        again=again,
        before=before,
        kept=Kept(cache / "datasets") if place.source.fixed else None,
        progress=lambda done, total: progress("datasets", done, total),
    )
    book = image_headers.Book(cache / "headers.jsonl")
    missing = image_headers.unknown(found.scans, book)
    if not with_headers:
        return Surveyed(found=image_headers.join(found, book), unread_headers=missing.num_rows)
    client = Client(place.network)
    try:
        unread = image_headers.read(
            tuple(tables.scans_of(missing)),
            book,
            client,
            progress=lambda done, total: progress("headers", done, total),
        )
    finally:
        client.close()
    return Surveyed(found=image_headers.join(found, book, unread), unread_headers=len(unread))


def previous(folder: Path) -> Catalogue | None:
    """Return the catalogue that a folder holds, none where it holds none.

    Raises:
        SourceError: it can't be read.
    """
    if not folder.is_dir():
        return None
    catalogue.mend(folder)
    return catalogue.read(folder) if catalogue.is_in(folder) else None
