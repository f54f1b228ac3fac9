"""Listings kept on disk. A snapshot never changes, so what was read once is read once."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import msgspec

from allbrains.sources.listing import Listing, Snapshot

# Part of each file's name: raised when ``matters`` or the records change.
VERSION = 1


class Listings:
    """A folder of listings, one file a snapshot and place: the URLs in a listing belong to its endpoints."""

    def __init__(self, folder: Path, place: str) -> None:
        self._folder, self._place = folder, place

    def read(self, snapshot: Snapshot) -> Listing | None:
        """Return the kept listing, with the snapshot as it is described now; none where there is none."""
        try:
            kept = msgspec.msgpack.decode(self._path(snapshot).read_bytes(), type=Listing)
        except (FileNotFoundError, msgspec.DecodeError):  # of another version or damaged: read it anew
            return None
        return replace(kept, snapshot=snapshot)

    def write(self, listing: Listing) -> None:
        """Keep a listing."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(listing.snapshot)
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(msgspec.msgpack.encode(listing))
        part.replace(path)  # not synced: a cache may be lost

    def _path(self, snapshot: Snapshot) -> Path:
        text = "\0".join((str(VERSION), self._place, snapshot.dataset, snapshot.tag, snapshot.hexsha))
        return self._folder / f"{snapshot.dataset}_{hashlib.sha256(text.encode()).hexdigest()[:16]}.msgpack"
