"""What may be read out of archives, and streams that pay for it."""

from __future__ import annotations

import gzip
import lzma
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from allbrains.dicom.refusal import Refusal, Unsuitable

RATIO = 100  # unpacked to packed; DICOM has 2 to 5, zeros as deflate packs them 1,030
_FREE_OF_RATIO = 100_000_000  # bytes; so much does no harm
_SPARE = 1_000_000_000  # bytes that stay free on the disk: a converted head and its copies
_LOOK_EVERY = 64 << 20  # bytes between two looks at the disk
_DAMAGE = (
    EOFError,
    OSError,
    RuntimeError,  # zipfile's word for an encrypted member
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    ValueError,
)


class Stream(Protocol):
    """Bytes to read."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes; none only at the end."""


@dataclass(slots=True)
class Budget:
    """What may still be read out of archives.

    Attributes:
        bytes_left: unpacked bytes; an examination of a day in a research scanner is some GB.
        files_left: members.
        folder: where they are written; None where nobody looks at the disk.
        ratio_left: unpacked bytes that the archives' own sizes allow.
        unseen: bytes since the last look at the disk.
    """

    bytes_left: int = 20_000_000_000
    files_left: int = 200_000
    folder: Path | None = None
    ratio_left: int = _FREE_OF_RATIO
    unseen: int = _LOOK_EVERY

    def admit(self, packed: int) -> None:
        """Allow what an archive of so many bytes can honestly hold."""
        self.ratio_left += RATIO * packed

    def spend(self, count: int) -> None:
        """Take bytes.

        Raises:
            Unsuitable: there are none left, or the disk is nearly full.
        """
        self.bytes_left -= count
        self.ratio_left -= count
        self.unseen += count
        if self.bytes_left < 0:
            raise Unsuitable(Refusal.TOO_MUCH, "the files unpack to more than any examination holds")
        if self.ratio_left < 0:
            raise Unsuitable(
                Refusal.TOO_MUCH, f"the files unpack to over {RATIO} times their size, as no images do"
            )
        if self.folder is not None and self.unseen >= _LOOK_EVERY:
            self.unseen = 0
            if shutil.disk_usage(self.folder).free < _SPARE:
                raise Unsuitable(
                    Refusal.NO_ROOM, f"the temporary disk has less than {_SPARE // 10**9} GB left"
                )

    def open_file(self) -> None:
        """Take a file.

        Raises:
            Unsuitable: there are none left.
        """
        self.open_files(1)

    def open_files(self, count: int) -> None:
        """Take several files.

        Raises:
            Unsuitable: there are fewer left.
        """
        self.files_left -= count
        if self.files_left < 0:
            raise Unsuitable(Refusal.TOO_MUCH, "there are more files than any examination has")


class Guarded:
    """A stream whose damage is told in one way."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes, a megabyte at most; none only at the end.

        Raises:
            Unsuitable: the archive is damaged.
        """
        with damage():
            return self._stream.read(min(size, 1 << 20) if size >= 0 else 1 << 20)


class Metered(Guarded):
    """A stream that pays for what is read of it."""

    def __init__(self, stream: Stream, budget: Budget) -> None:
        super().__init__(stream)
        self._budget = budget

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes, a megabyte at most; none only at the end.

        Raises:
            Unsuitable: the archive is damaged, or the budget is spent.
        """
        data = super().read(size)
        self._budget.spend(len(data))
        return data


class Gunzipped:
    """What a gzip stream holds; bytes after its end, which some programs leave, are passed over."""

    def __init__(self, path: Path) -> None:
        self._stream = gzip.open(path, "rb")  # noqa: SIM115  (closed by `close`)
        self._begun = False

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes; none only at the end."""
        try:
            data = self._stream.read(size)
        except gzip.BadGzipFile as error:
            # the only one that comes after a good end; a wrong checksum has another text
            if self._begun and "Not a gzipped file" in str(error):
                return b""
            raise
        self._begun = self._begun or bool(data)
        return data

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


@contextmanager
def damage() -> Iterator[None]:
    """Translate what the readers of archives raise.

    Raises:
        Unsuitable: the archive is cut, damaged, encrypted, or of a kind that isn't opened here.
    """
    try:
        yield
    except NotImplementedError:
        raise Unsuitable(
            Refusal.UNKNOWN_ARCHIVE, "an archive is packed by a method that is not opened here"
        ) from None
    except _DAMAGE as error:
        # without `from`: zipfile puts members' names into its messages
        name = type(error).__name__
        raise Unsuitable(
            Refusal.DAMAGED_ARCHIVE, f"an archive is cut, damaged or locked with a password ({name})"
        ) from None
