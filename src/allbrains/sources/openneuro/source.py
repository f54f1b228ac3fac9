"""OpenNeuro, read through its API: all public datasets, named ones or pinned ones; one listing a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from allbrains.sources.listing import Absent, Entry, Found, Listing, Snapshot, Texts
from allbrains.sources.lock import Pin
from allbrains.sources.openneuro.addresses import Endpoints
from allbrains.sources.openneuro.cache import Listings
from allbrains.sources.openneuro.client import Api
from allbrains.sources.openneuro.listings import Reader
from allbrains.sources.openneuro.roll import Roll
from allbrains.sources.openneuro.texts import SmallFiles
from allbrains.transfer import Client


class OpenNeuro:
    """OpenNeuro as a source of scans; see ``listing.Source``."""

    def __init__(
        self,
        client: Client,
        endpoints: Endpoints,
        *,
        cache: Path,
        datasets: Sequence[str] = (),
        pins: Sequence[Pin] = (),
    ) -> None:
        """Take over a client whose network reaches the endpoints.

        Args:
            client: the connection pool.
            endpoints: the API and the bucket.
            cache: folder for listings and small files; made when needed.
            datasets: accessions to read; empty means all public ones.
            pins: the versions to read, and no others; empty means the latest of each dataset.
        """
        self.name = f"{endpoints.api} {endpoints.bucket}"
        self.client, self.datasets, self.pins = client, tuple(datasets), tuple(pins)
        api = Api(client, endpoints.api)
        self._roll = Roll(api)
        self._reader = Reader(api=api, client=client, endpoints=endpoints)
        self._listings = Listings(cache / "listings", self.name)
        self._texts = SmallFiles(cache / "files", client)

    def snapshots(self) -> Found:
        """Return the datasets in the version that is asked for; see ``Source.snapshots``."""
        if self.pins:
            return self._roll.pinned(self.pins)
        return self._roll.named(self.datasets) if self.datasets else self._roll.everything()

    def whereabouts(self, dataset: str) -> Snapshot | Absent:
        """Return what became of a dataset; see ``Source.whereabouts``."""
        return self._roll.whereabouts(dataset)

    def listing(self, snapshot: Snapshot) -> Listing:
        """Return a snapshot's files, from the cache where they have been read before."""
        if (known := self._listings.read(snapshot)) is not None:
            return known
        listing = self._reader.read(snapshot)
        if not listing.excluded:  # a short one may be whole tomorrow
            self._listings.write(listing)
        return listing

    def read(self, snapshot: Snapshot, entries: Sequence[Entry]) -> Texts:
        """Return verified small files; see ``Source.read``."""
        return self._texts.read(entries)
