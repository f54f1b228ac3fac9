"""Members of zip and tar archives as streams, under a budget. Nothing is written here.

A member's path is never used: there is none in an archive that could lead anywhere; its name is read for
known words. Links, devices and everything but plain files are passed over. What unpacks to more than the
budget ends the reading.
"""

from __future__ import annotations

import bz2
import lzma
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from allbrains.dicom.budget import Budget, Guarded, Gunzipped, Metered, Stream, damage
from allbrains.dicom.refusal import Refusal, Unsuitable
from allbrains.dicom.sniff import FileKind
from allbrains.dicom.tar_members import plain_files

_LONGEST_DIRECTORY = 64 << 20  # bytes of a zip's table of contents: 200,000 names of 300
_END, _END_64, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_LONGEST_COMMENT = 65_535


@dataclass(frozen=True, slots=True)
class Packed:
    """A plain file in an archive.

    Attributes:
        name: its own; for its known words only.
        stream: its content.
    """

    name: str
    stream: Stream


def members(path: Path, kind: FileKind, budget: Budget, name: str) -> Iterator[Packed]:
    """Yield the plain files in an archive; each stream is good until the next is asked for.

    A stream that is packed but no archive (``scan.nii.gz``) is one member.

    Args:
        path: the archive.
        kind: of ``ARCHIVES``.
        budget: what may be read.
        name: the archive's own, which a packed stream's content has too.

    Raises:
        Unsuitable: the archive is damaged, encrypted, or larger than the budget.
    """
    if kind is FileKind.ZIP:
        yield from _zip(path, budget)
    elif kind is FileKind.TAR or _holds_tar(path, kind):
        yield from _tar(path, kind, budget)
    else:
        budget.open_file()
        with damage(), closing(_unpacked(path, kind)) as stream:
            yield Packed(name, Metered(stream, budget))


def _zip(path: Path, budget: Budget) -> Iterator[Packed]:
    with damage():
        _see_directory(path, budget)
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                mode = info.external_attr >> 16
                if not info.is_dir() and (mode & 0o170000) in (0, 0o100000):
                    budget.open_file()
                    with archive.open(info) as stream:
                        yield Packed(info.filename, Metered(stream, budget))


def _see_directory(path: Path, budget: Budget) -> None:
    """Refuse a table of contents that is too long before zipfile takes it into memory.

    Raises:
        Unsuitable: it has more names than the budget, or is longer than names are.
    """
    with path.open("rb") as file:
        end = file.seek(0, 2)
        file.seek(max(0, end - _LONGEST_COMMENT - 22))
        tail = file.read()
        at = tail.rfind(_END)
        if at < 0:
            return  # zipfile says what is wrong
        count, length = (int.from_bytes(tail[at + k : at + k + n], "little") for k, n in ((10, 2), (12, 4)))
        if at >= 20 and tail[at - 20 : at - 16] == _LOCATOR_64:
            file.seek(min(int.from_bytes(tail[at - 12 : at - 4], "little"), end))
            record = file.read(56)
            if record[:4] == _END_64:
                count, length = (int.from_bytes(record[k : k + 8], "little") for k in (32, 40))
    if count > budget.files_left or length > _LONGEST_DIRECTORY:
        raise Unsuitable(Refusal.TOO_MUCH, "there are more files than any examination has")


def _tar(path: Path, kind: FileKind, budget: Budget) -> Iterator[Packed]:
    with damage(), closing(_unpacked(path, kind)) as packed:
        # what is skipped is unpacked too, so the meter is below the tar reader
        for name, member in plain_files(Metered(packed, budget)):
            budget.open_file()
            yield Packed(name, Guarded(member))


class _Closable(Stream):
    """A stream of a file."""

    def close(self) -> None:
        """Close the file."""


def _unpacked(path: Path, kind: FileKind) -> _Closable:
    match kind:
        case FileKind.GZIP:
            return cast(_Closable, Gunzipped(path))
        case FileKind.XZ:
            return cast(_Closable, lzma.open(path, "rb"))
        case FileKind.BZIP2:
            return cast(_Closable, bz2.open(path, "rb"))
        case _:
            return cast(_Closable, path.open("rb"))


def _holds_tar(path: Path, kind: FileKind) -> bool:
    with damage(), closing(_unpacked(path, kind)) as stream:
        return stream.read(512)[257:262] == b"ustar"
