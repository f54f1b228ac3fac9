"""Plain files in a tar stream, block by block, in memory that doesn't grow. Pure.

Python's own reader takes names of any length into memory and keeps every member; here a name is read for its
known words only.

References:
    POSIX.1-2017, pax: ustar interchange format; GNU tar manual: basic tar format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from allbrains.dicom.budget import Stream

_BLOCK = 512
_LONGEST_NAME = 64 << 10  # bytes; more is no name
_PLAIN = (b"0", b"\0", b"7")
_NO_DATA = (b"1", b"2", b"3", b"4", b"5", b"6")  # links, devices, folders, pipes
_LONG_NAME, _EXTENDED, _SPARSE = b"L", b"x", b"S"


class TarMember:
    """A part of a stream."""

    def __init__(self, stream: Stream, size: int) -> None:
        self._stream, self._left = stream, size

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes; none only at the end.

        Raises:
            EOFError: the stream ends before.
        """
        wanted = min(self._left, size if size >= 0 else self._left, 1 << 20)
        data = self._stream.read(wanted) if wanted else b""
        if wanted and not data:
            raise EOFError("the tar ends inside a member")
        self._left -= len(data)
        return data

    def skip(self) -> None:
        """Read to the end."""
        while self.read():
            pass


def plain_files(stream: Stream) -> Iterator[tuple[str, TarMember]]:
    """Yield name and content of each plain file; each is good until the next is asked for.

    Raises:
        EOFError: the stream ends early.
        ValueError: it is no tar.
    """
    long_name = ""
    while header := _next_header(stream):
        size, kind = _number(header[124:136]), header[156:157]
        body = TarMember(stream, 0 if kind in _NO_DATA else size)
        if kind == _SPARSE:
            _pass_map(stream, header)
        if kind in _PLAIN:
            yield long_name or header[:100].rstrip(b"\0").decode("utf-8", "replace"), body
        if kind in (_LONG_NAME, _EXTENDED):
            long_name = _long_name(body.read(_LONGEST_NAME), kind) or long_name
        elif kind != b"K":
            long_name = ""
        body.skip()
        if kind not in _NO_DATA:
            TarMember(stream, -size % _BLOCK).skip()


def _next_header(stream: Stream) -> bytes:
    """Return the next header; empty at the end."""
    header = b""
    while len(header) < _BLOCK and (more := stream.read(_BLOCK - len(header))):
        header += more
    if not header or not header.strip(b"\0"):
        return b""
    if len(header) < _BLOCK:
        raise EOFError("the tar ends inside a header")
    told = _number(header[148:156])
    if told != sum(header) - sum(header[148:156]) + 8 * ord(" "):
        raise ValueError("a tar header's checksum is wrong")
    return header


def _number(field: bytes) -> int:
    """Return a field's number: octal digits, or binary where the first bit is set."""
    if field[0] & 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    return int(digits, 8) if digits else 0


def _long_name(data: bytes, kind: bytes) -> str:
    if kind == _EXTENDED:
        found = re.search(rb"\d+ path=([^\n]*)\n", data)
        data = found[1] if found else b""
    return data.rstrip(b"\0").decode("utf-8", "replace")


def _pass_map(stream: Stream, header: bytes) -> None:
    """Pass over the blocks that tell where a sparse file has holes."""
    more = header[482]
    while more:
        block = TarMember(stream, _BLOCK)
        data = b""
        while piece := block.read():
            data += piece
        more = data[504]
