"""Members of zip and tar archives as streams, under a budget. Nothing is written here.

Names of members are never used: there is no path in an archive that could lead anywhere. Links, devices
and everything but plain files are passed over. What unpacks to more than the budget ends the reading.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from allbrains.dicom.refusal import Refusal, Unsuitable
from allbrains.dicom.sniff import FileKind

_DAMAGE = (
    EOFError,
    OSError,
    RuntimeError,  # zipfile's word for an encrypted member
    NotImplementedError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    ValueError,
)


@dataclass(slots=True)
class Budget:
    """What may still be read out of archives.

    Attributes:
        bytes_left: unpacked bytes; an examination of a day in a research scanner is some GB.
        files_left: members.
    """

    bytes_left: int = 20_000_000_000
    files_left: int = 200_000

    def spend(self, count: int) -> None:
        """Take bytes.

        Raises:
            Unsuitable: there are none left.
        """
        self.bytes_left -= count
        if self.bytes_left < 0:
            raise Unsuitable(Refusal.TOO_MUCH, "the files unpack to more than any examination holds")

    def open_file(self) -> None:
        """Take a file.

        Raises:
            Unsuitable: there are none left.
        """
        self.files_left -= 1
        if self.files_left < 0:
            raise Unsuitable(Refusal.TOO_MUCH, "there are more files than any examination has")


class Metered:
    """A stream that pays for what is read of it."""

    def __init__(self, stream: IO[bytes], budget: Budget) -> None:
        self._stream, self._budget = stream, budget

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes; none only at the end.

        Raises:
            Unsuitable: the archive is damaged, or the budget is spent.
        """
        with damage():
            data = self._stream.read(min(size, 1 << 20) if size >= 0 else 1 << 20)
        self._budget.spend(len(data))
        return data


@contextmanager
def damage() -> Iterator[None]:
    """Translate what the readers of archives raise.

    Raises:
        Unsuitable: the archive is cut, damaged or encrypted.
    """
    try:
        yield
    except _DAMAGE as error:
        # without `from`: zipfile and tarfile put members' names into their messages
        name = type(error).__name__
        raise Unsuitable(
            Refusal.DAMAGED_ARCHIVE, f"an archive is cut, damaged or locked with a password ({name})"
        ) from None


def members(path: Path, kind: FileKind, budget: Budget) -> Iterator[Metered]:
    """Yield the plain files in an archive as streams; each is good until the next is asked for.

    A stream that is packed but no archive (``scan.nii.gz``) is one member.

    Raises:
        Unsuitable: the archive is damaged, encrypted, or larger than the budget.
    """
    if kind is FileKind.ZIP:
        yield from _zip(path, budget)
    elif kind is FileKind.TAR or _holds_tar(path, kind):
        yield from _tar(path, kind, budget)
    else:
        budget.open_file()
        with damage(), _unpacked(path, kind) as stream:
            yield Metered(stream, budget)


def _zip(path: Path, budget: Budget) -> Iterator[Metered]:
    with damage(), zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            mode = info.external_attr >> 16
            plain = not info.is_dir() and (mode & 0o170000) in (0, 0o100000)
            if plain:
                budget.open_file()
                with archive.open(info) as stream:
                    yield Metered(stream, budget)


def _tar(path: Path, kind: FileKind, budget: Budget) -> Iterator[Metered]:
    with damage(), _unpacked(path, kind) as packed:
        # what is skipped is unpacked too, so the meter is below the tar reader
        whole = cast(Any, Metered(packed, budget))
        with tarfile.open(fileobj=whole, mode="r|") as archive:
            for member in archive:
                budget.open_file()
                stream = archive.extractfile(member) if member.isreg() else None
                if stream is not None:
                    yield Metered(stream, Budget(bytes_left=member.size))


def _unpacked(path: Path, kind: FileKind) -> IO[bytes]:
    match kind:
        case FileKind.GZIP:
            return cast(IO[bytes], gzip.open(path, "rb"))
        case FileKind.XZ:
            return cast(IO[bytes], lzma.open(path, "rb"))
        case FileKind.BZIP2:
            return cast(IO[bytes], bz2.open(path, "rb"))
        case _:
            return path.open("rb")


def _holds_tar(path: Path, kind: FileKind) -> bool:
    with damage(), _unpacked(path, kind) as stream:
        return stream.read(512)[257:262] == b"ustar"
