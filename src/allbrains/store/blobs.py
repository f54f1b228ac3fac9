"""One map's chunk: where it is, and how it is read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from allbrains.errors import CorpusError
from allbrains.store import codec


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a chunk is.

    Attributes:
        shard: the file.
        shard_size: bytes that it must have.
        start: the chunk's first byte.
        nbytes: of the chunk.
        crc32: of the chunk.
    """

    shard: Path
    shard_size: int
    start: int
    nbytes: int
    crc32: int


def read(place: Place) -> bytes:
    """Return the chunk, checked. Safe in any thread and after a fork: nothing is kept open.

    Raises:
        CorpusError: the shard is missing, is not the one that the place was taken from, or is damaged.
    """
    try:
        descriptor = os.open(place.shard, os.O_RDONLY)
    except OSError as error:
        raise CorpusError(f"shard {place.shard} can't be opened: {os.strerror(error.errno or 0)}") from error
    try:
        size = os.fstat(descriptor).st_size
        if size != place.shard_size:
            raise CorpusError(
                f"shard {place.shard} has {size} bytes, samples.parquet says {place.shard_size}: "
                "the same `allbrains build` writes the table anew"
            )
        chunk = os.pread(descriptor, place.nbytes, place.start)
    except OSError as error:
        raise CorpusError(f"shard {place.shard} can't be read: {os.strerror(error.errno or 0)}") from error
    finally:
        os.close(descriptor)
    if codec.checksum(chunk) != place.crc32:
        raise CorpusError(
            f"shard {place.shard}: wrong checksum of bytes {place.start} to {place.start + place.nbytes}"
        )
    return chunk
