"""A corpus at an address: ``https://…``, ``s3://…``, ``hf://user/name``, whatever fsspec knows.

A map is one ranged request; what came is kept in a bounded cache.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allbrains.errors import ConfigurationError, CorpusError
from allbrains.load.chunk_cache import Cache
from allbrains.store.blobs import ChunkPlace

CACHE_GB = 10.0
_BLOCK = 1 << 18  # bytes that are fetched at once of a table; fsspec's own 5 MB fetch a whole shard's head


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A corpus at an address. Safe in any thread, after a fork and a pickle.

    Attributes:
        url: of the output folder.
        cache: of what was read.
        attempts: at each request.
        pause_s: before the second attempt; twice as long before each further one.
    """

    url: str
    cache: Cache
    attempts: int = 3
    pause_s: float = 0.5

    def read(self, place: ChunkPlace) -> bytes:
        """Return a chunk, its checksum checked: from the cache, or in one ranged request."""
        key = hashlib.sha256(f"{self.url}\0{place}".encode()).hexdigest()
        held = self.cache.get(key)
        if held is not None:
            try:
                place.check(held)
            except CorpusError:
                self.cache.drop(key)
            else:
                return held
        chunk = self._range(place)
        place.check(chunk)
        self.cache.put(key, chunk)
        return chunk

    def open(self, name: str) -> Any:
        """Return a file of the corpus, binary; the caller closes it."""
        filesystem, root = self._filesystem()
        try:
            return filesystem.open(f"{root}/{name}", "rb", block_size=_BLOCK)
        except request_errors() as error:
            raise CorpusError(f"{self.url}/{name} can't be read: {_said(error)}") from error

    def where(self) -> str:
        """Return the address."""
        return self.url

    def _range(self, place: ChunkPlace) -> bytes:
        filesystem, root = self._filesystem()
        end = place.start + place.nbytes
        for attempt in range(self.attempts):
            try:
                chunk = _bytes(filesystem, f"{root}/{place.shard}", place.start, end)
                break
            except request_errors() as error:
                if attempt + 1 == self.attempts or isinstance(error, FileNotFoundError | PermissionError):
                    raise CorpusError(f"{self.url}/{place.shard} can't be read: {_said(error)}") from error
            time.sleep(self.pause_s * 2**attempt)
        if len(chunk) != place.nbytes:
            raise CorpusError(
                f"{self.url}/{place.shard}: {len(chunk)} bytes came for a range of {place.nbytes}; "
                "the server doesn't serve ranges, or samples.parquet is out of date"
            )
        return chunk

    def _filesystem(self) -> tuple[Any, str]:
        """Return fsspec's file system, which it keeps for each process itself, and the root in it."""
        try:
            import fsspec

            filesystem, root = fsspec.core.url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            raise ConfigurationError(f"{self.url}: {error}; see: pip install 'allbrains[remote]'") from error
        return filesystem, root.rstrip("/")


def _bytes(filesystem: Any, path: str, start: int, end: int) -> bytes:
    """Return a range of a file, and ask for no byte more."""
    if filesystem.protocol == "hf":  # its own cat_file reads ahead, 5 MB at least
        with filesystem.open(path, "rb", block_size=_BLOCK, cache_type="none") as file:
            file.seek(start)
            read: bytes = file.read(end - start)
            return read
    chunk: bytes = filesystem.cat_file(path, start=start, end=end)
    return chunk


def shelf_at(url: str, cache: Path | None, cache_gb: float) -> Remote:
    """Return the corpus at an address; its cache is in ``cache``, or in the user's cache folder."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if url.startswith("hf://") and not url.startswith("hf://datasets/"):
        url = f"hf://datasets/{url.removeprefix('hf://')}"  # what fsspec calls a dataset's repository
    return Remote(url=url.rstrip("/"), cache=Cache(cache or home / "allbrains" / "maps", int(cache_gb * 1e9)))


def request_errors() -> tuple[type[Exception], ...]:
    """Return what a request of fsspec may end in; the errors of HTTP libraries are not the system's."""
    libraries = (
        ("aiohttp", "ClientError"),
        ("httpx", "HTTPError"),
        ("httpx2", "HTTPError"),
        ("botocore.exceptions", "BotoCoreError"),
    )
    return (OSError, *(getattr(sys.modules.get(name), error, OSError) for name, error in libraries))


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".split("?")[0]  # a signed address ends in its signature
