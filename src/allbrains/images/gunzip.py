"""A gzip file as a stream: every checksum is verified, and what follows the last member is counted.

The standard library's reader refuses a file with anything but zeros behind its last member. Whole scans of
archives end so, cut out of a larger file or with a transfer's note behind them, and every byte of their image
is there and verified.

References:
    RFC 1952, section 2.2: a gzip file is a series of members.
"""

from __future__ import annotations

import zlib
from typing import Protocol

MAGIC = b"\x1f\x8b"
_CHUNK = 1 << 17
_MEMBER = 31  # zlib's number for a gzip member with its checksum


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes; fewer only at the end."""


class Gunzip:
    """The unpacked bytes of a gzip stream.

    Attributes:
        leftover: bytes, other than a padding of zeros, that follow the last member and were passed over;
            known when the end was read.
    """

    def __init__(self, packed: Readable) -> None:
        """Start at the first member's first byte."""
        self.leftover = 0
        self._packed = packed
        self._waiting = b""
        self._member = zlib.decompressobj(wbits=_MEMBER)
        self._ended = False

    def read(self, size: int = -1, /) -> bytes:
        """Return ``size`` bytes, fewer only at the end; a negative size means all.

        Raises:
            EOFError: the last member is cut.
            zlib.error: a member is damaged, or its checksum is another.
        """
        parts, left = [], size
        while left and (part := self._some(left if size >= 0 else _CHUNK)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def _some(self, most: int) -> bytes:
        """Return at least one byte, none only at the end."""
        while not self._ended:
            if self._member.eof:
                self._next_member()
            elif data := self._member.decompress(self._more(), most):
                return data
            elif not (self._member.eof or self._waiting or self._fill()):
                raise EOFError("the last member of the gzip stream is cut")
        return b""

    def _more(self) -> bytes:
        """Return packed bytes for the member: what it had no room for, or the next ones of the file."""
        if self._member.unconsumed_tail:
            return self._member.unconsumed_tail
        waiting, self._waiting = self._waiting, b""
        return waiting

    def _fill(self) -> bool:
        self._waiting += self._packed.read(_CHUNK)
        return bool(self._waiting)

    def _next_member(self) -> None:
        self._waiting = self._member.unused_data
        while len(self._waiting) < len(MAGIC) and (more := self._packed.read(_CHUNK)):
            self._waiting += more
        self._member = zlib.decompressobj(wbits=_MEMBER)
        if not self._waiting.startswith(MAGIC):
            self._ended = True
            self._count_leftover()

    def _count_leftover(self) -> None:
        rest, padded = 0, True
        while self._waiting:
            rest += len(self._waiting)
            padded = padded and not self._waiting.strip(b"\0")
            self._waiting = self._packed.read(_CHUNK)
        self.leftover = 0 if padded else rest
