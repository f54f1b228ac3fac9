"""OpenNeuro, read through its API: all public, named or pinned datasets; one listing for each snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from allbrains.sources.openneuro.addresses import Endpoints
from allbrains.sources.openneuro.dataset_list import Roll
from allbrains.sources.openneuro.graphql_client import KNOWN_VERSION, Api
from allbrains.sources.openneuro.listing_cache import Listings
from allbrains.sources.openneuro.small_files import SmallFiles
from allbrains.sources.openneuro.snapshot_files import ListingReader
from allbrains.sources.pins import Pin
from allbrains.sources.snapshot import (
    INCOMPLETE,
    Absent,
    Entry,
    Excluded,
    Exclusion,
    Found,
    Listing,
    Snapshot,
    Texts,
)
from allbrains.transfer import Client


class OpenNeuro:
    """OpenNeuro as a source of scans; see ``listing.Source``."""

    fixed = True

    def __init__(
        self,
        client: Client,
        endpoints: Endpoints,
        *,
        cache: Path,
        datasets: Sequence[str] = (),
        pins: Sequence[Pin] = (),
    ) -> None:
        """Take over a client with a network that reaches the endpoints.

        Args:
            client: the connection pool.
            endpoints: the API and the bucket.
            cache: folder for listings and small files; made when needed.
            datasets: accessions to read; empty means all public ones.
            pins: the versions to read, and no others; empty means the latest of each dataset.
        """
        self.name = f"{endpoints.api} {endpoints.bucket}"
        self.client, self.datasets, self.pins = client, tuple(datasets), tuple(pins)
        self._api = Api(client, endpoints.api)
        self._roll = Roll(self._api)
        self._reader = ListingReader(api=self._api, client=client, endpoints=endpoints)
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
        whole = not any(row.reason in INCOMPLETE for row in listing.excluded)
        if whole and not self._api.lost:  # a short one may be whole tomorrow
            self._listings.write(listing)
        return listing

    def read(self, snapshot: Snapshot, entries: Sequence[Entry]) -> Texts:
        """Return verified small files; see ``Source.read``."""
        return self._texts.read(entries)

    def close(self) -> None:
        """Let what is being read end with the answer that is on its way; see ``Source.close``."""
        self.client.stop()

    def complaints(self) -> tuple[Excluded, ...]:
        """Return a row when the API has lost fields; see ``Source.complaints``."""
        if not self._api.lost:
            return ()
        fields = ", ".join(sorted(f"{kind}.{field}" for kind, field in self._api.lost))
        evidence = (
            f"OpenNeuro {self._api.version} no longer knows {fields}: what depends on them is empty. This "
            f"client was written for {KNOWN_VERSION}; look for a newer one"
        )
        row = Excluded(dataset="", snapshot="", path="", reason=Exclusion.API_CHANGED, evidence=evidence)
        return (row,)
