"""Listings kept on disk. A snapshot never changes, so what was read once is read once."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import msgspec

from allbrains.sources.snapshot import Listing, Route, Snapshot

# Part of each file's name: raised when ``matters`` or the records change.
VERSION = 4
# What was second best or refused is asked for again after a week: the archive's owners do mend it.
SECOND_BEST_S = 7 * 86_400.0


class Listings:
    """Listings in a folder, one file for each snapshot and place: a listing's URLs are of its endpoints."""

    def __init__(self, folder: Path, place: str) -> None:
        self._folder, self._place = folder, place

    def read(self, snapshot: Snapshot) -> Listing | None:
        """Return the kept listing, with the snapshot as it is described now; none where there is none."""
        path = self._path(snapshot)
        try:
            kept = msgspec.msgpack.decode(path.read_bytes(), type=Listing)
            if kept.route is Route.S3 and is_stale(path):
                return None
        except (FileNotFoundError, msgspec.DecodeError):  # of another version or damaged: read it anew
            return None
        return replace(kept, snapshot=snapshot)

    def write(self, listing: Listing) -> None:
        """Keep a listing."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(listing.snapshot)
        put(path, msgspec.msgpack.encode(listing))

    def _path(self, snapshot: Snapshot) -> Path:
        text = "\0".join((str(VERSION), self._place, snapshot.dataset, snapshot.tag, snapshot.hexsha))
        return self._folder / f"{snapshot.dataset}_{hashlib.sha256(text.encode()).hexdigest()[:16]}.msgpack"


def put(path: Path, content: bytes) -> None:
    """Write a file at once and whole, whoever else writes it; not synced: a cache may be lost."""
    part = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    part.write_bytes(content)
    part.replace(path)


def is_stale(path: Path) -> bool:
    """Return whether a file was written more than ``SECOND_BEST_S`` ago."""
    return time.time() - path.stat().st_mtime > SECOND_BEST_S
