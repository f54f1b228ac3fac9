"""One map's chunk: where it is, and how it is read from a folder."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from allbrains.errors import CorpusError
from allbrains.regular_files import open_regular
from allbrains.store import codec


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkPlace:
    """Where a chunk is.

    Attributes:
        shard: the file's name, relative to the output folder, with forward slashes.
        shard_size: bytes that it must have.
        start: the chunk's first byte.
        nbytes: of the chunk.
        crc32: of the chunk.
    """

    shard: str
    shard_size: int
    start: int
    nbytes: int
    crc32: int

    def check(self, chunk: bytes | memoryview) -> None:
        """See that these are the bytes that were written.

        Raises:
            CorpusError: they are not.
        """
        if len(chunk) != self.nbytes or codec.checksum(chunk) != self.crc32:
            raise CorpusError(
                f"shard {self.shard}: wrong checksum of bytes {self.start} to {self.start + self.nbytes}"
            )


class Shelf(Protocol):
    """Where a corpus' files are: a folder, or an address. Safe in any thread, after a fork and a pickle."""

    def read(self, place: ChunkPlace) -> bytes | memoryview:
        """Return a chunk, unchecked; it is good until the same thread's next read.

        Raises:
            CorpusError: the shard is missing, can't be read, or is not the one that the place is of.
        """

    def open(self, name: str) -> Any:
        """Return a file of the corpus, binary, that can seek; the caller closes it.

        Raises:
            CorpusError: it is missing or can't be read.
        """

    def where(self) -> str:
        """Return what to call the corpus in messages."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A corpus on this machine's disks. Nothing is kept open, so it can be forked and pickled."""

    root: Path

    def read(self, place: ChunkPlace) -> memoryview:
        """Return a chunk, unchecked; it is good until the same thread's next read."""
        path = self.root / place.shard
        try:
            # without O_NONBLOCK, opening a pipe waits for somebody to write to it
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise CorpusError(f"shard {path} can't be opened: {os.strerror(error.errno or 0)}") from error
        try:
            size = os.fstat(descriptor).st_size
            if size != place.shard_size:
                raise CorpusError(
                    f"shard {path} has {size} bytes, samples.parquet says {place.shard_size}: "
                    "the same `allbrains build` writes the table anew"
                )
            if not 0 <= place.start <= place.start + place.nbytes <= size:
                raise CorpusError(
                    f"shard {path}: bytes {place.start} to {place.start + place.nbytes} of {size}"
                )
            chunk = _scratch(place.nbytes)
            read = os.preadv(descriptor, [chunk], place.start)
        except OSError as error:
            raise CorpusError(f"shard {path} can't be read: {os.strerror(error.errno or 0)}") from error
        finally:
            os.close(descriptor)
        return chunk[:read]  # fewer than asked for only on a failing disk: the check or the codec tells

    def open(self, name: str) -> Any:
        """Return a file of the corpus, binary; the caller closes it."""
        try:
            return open_regular(self.root / name)
        except OSError as error:
            raise CorpusError(f"{self.root / name} can't be read: {error.strerror}") from error

    def where(self) -> str:
        """Return the folder."""
        return str(self.root)


_buffers = threading.local()


def _scratch(nbytes: int) -> memoryview:
    """Return this thread's buffer: memory that was touched before costs no page faults."""
    buffer: memoryview | None = getattr(_buffers, "view", None)
    if buffer is None or len(buffer) < nbytes:
        buffer = _buffers.view = memoryview(bytearray(nbytes * 5 // 4))
    return buffer[:nbytes]
