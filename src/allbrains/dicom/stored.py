"""The voxels as a file keeps them: where they are, whether they are all there, and their numbers.

This is the second reader, by which what a converter gives is checked. It reads what isn't compressed, and
says nothing of the rest.
"""

from __future__ import annotations

import hashlib
from typing import IO, Any, Literal

import numpy as np

from allbrains.dicom.instances import Instance, Stored
from allbrains.dicom.values import integer, text
from allbrains.records import Array

PLAIN = "1.2.840.10008.1.2"  # and the same with explicit types, below
DEFLATED, BIG = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
GE_BIG = "1.2.840.113619.5.2"  # GE's own: a little-endian file with big-endian voxels
_NATIVE = frozenset({"", PLAIN, "1.2.840.10008.1.2.1", BIG, GE_BIG})
_LONG_FORMS = frozenset({b"OB", b"OW", b"OF", b"OD", b"UN"})
_UNKNOWN_LENGTH = 0xFFFFFFFF
_ITEM, _END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_TAGS = (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")  # pixel data, little and big endian


def stored_at(stream: IO[bytes], dataset: Any, syntax: str) -> Stored:
    """Return where a file keeps its voxels; the stream stands before the tag of the pixel data.

    Args:
        stream: left anywhere.
        dataset: the header.
        syntax: UID of how the file is packed.
    """
    allocated = integer(dataset, "BitsAllocated", 16)
    offset, length, cut = 0, 0, False
    if integer(dataset, "Rows", 0) and syntax != DEFLATED:
        offset, length, cut = _pixel_data(stream, syntax)
        cut = cut or (0 <= length < _expected(dataset, allocated))
    return Stored(
        offset=offset,
        length=length,
        allocated=allocated,
        used=min(max(integer(dataset, "BitsStored", allocated), 1), allocated),
        signed=integer(dataset, "PixelRepresentation", 0) == 1,
        inverted=text(dataset, "PhotometricInterpretation").strip().upper() == "MONOCHROME1",
        cut=cut,
    )


def _expected(dataset: Any, allocated: int) -> int:
    size = (
        integer(dataset, "Rows", 0) * integer(dataset, "Columns", 0) * integer(dataset, "SamplesPerPixel", 1)
    )
    return size * max(integer(dataset, "NumberOfFrames", 1), 1) * allocated // 8


def _pixel_data(stream: IO[bytes], syntax: str) -> tuple[int, int, bool]:
    """Return offset and length (-1: in fragments) of the pixel data's value, and whether it is cut."""
    order: Literal["big", "little"] = "big" if syntax == BIG else "little"
    start = stream.tell()
    head = stream.read(12)
    if head[:4] not in _TAGS:
        return 0, 0, _is_at_end(stream, head)
    if head[4:6] in _LONG_FORMS:
        offset, size = start + 12, int.from_bytes(head[8:12], order)
    else:
        offset, size = start + 8, int.from_bytes(head[4:8], order)
    stream.seek(offset)
    if size == _UNKNOWN_LENGTH:
        return offset, -1, not _ends_in_order(stream, offset)
    there = stream.seek(0, 2) - offset
    return offset, min(size, there), there < size


def _is_at_end(stream: IO[bytes], head: bytes) -> bool:
    """Return whether a file ends where the voxels should begin: an image without voxels is a cut one."""
    return not head or not stream.read(1)


def _ends_in_order(stream: IO[bytes], offset: int) -> bool:
    """Return whether fragments follow each other up to the mark of their end, none of them short."""
    end = stream.seek(0, 2)
    while offset + 8 <= end:
        stream.seek(offset)
        head = stream.read(8)
        if head[:4] == _END:
            return True
        if head[:4] != _ITEM:
            return False
        offset += 8 + int.from_bytes(head[4:], "little")
    return False


def digest_of(one: Instance) -> bytes:
    """Return a digest of the voxels as they are stored; of the whole file where their place isn't known.

    Raises:
        OSError: the file can't be read.
    """
    with one.path.open("rb") as stream:
        stream.seek(one.stored.offset)
        length = one.stored.length if one.stored.offset and one.stored.length > 0 else -1
        return hashlib.sha256(stream.read(length)).digest()


def plane_of(one: Instance, index: int) -> Array | None:
    """Return a plane's numbers as they are stored, shape (row, column), float64; None where packed.

    Raises:
        OSError: the file can't be read.
    """
    stored = one.stored
    if one.syntax not in _NATIVE or stored.length <= 0 or stored.allocated not in (8, 16, 32) or one.colour:
        return None
    size = one.rows * one.columns * stored.allocated // 8
    with one.path.open("rb") as stream:
        stream.seek(stored.offset + index * size)
        data = stream.read(size)
    if len(data) < size:
        return None
    order = ">" if one.syntax in (BIG, GE_BIG) else "<"
    raw = np.frombuffer(data, f"{order}u{stored.allocated // 8}").reshape(one.rows, one.columns)
    # bits above those in use are an old place for overlays
    numbers = raw.astype(np.int64) & ((1 << stored.used) - 1)
    if stored.signed:
        numbers = np.where(numbers >= 1 << (stored.used - 1), numbers - (1 << stored.used), numbers)
    return numbers.astype(np.float64)
