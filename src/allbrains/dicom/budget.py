"""What may be read out of archives, and streams that pay for it."""

from __future__ import annotations

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
_PIECE = 1 << 20  # bytes
_GZIP = 31  # zlib's word for the largest window and gzip's header and checksum
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
        folder: where they are written; None where the disk is not checked.
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
    """A stream that reports all damage by one error."""

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
        self._file = path.open("rb")
        self._packed = self._file.read(_PIECE)
        self._decoder = zlib.decompressobj(_GZIP)

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes, a megabyte at most; none only at the end.

        Raises:
            EOFError: the stream is cut.
            zlib.error: it is damaged.
        """
        while not self._decoder.eof or self._next_member():
            data = self._decoder.decompress(self._packed, size if 0 < size < _PIECE else _PIECE)
            ended = self._decoder.eof
            self._packed = self._decoder.unused_data if ended else self._decoder.unconsumed_tail
            if not self._packed:
                self._packed = self._file.read(_PIECE)
                if not self._packed and not data and not ended:
                    raise EOFError("the gzip stream is cut")
            if data:
                return data
        return b""

    def _next_member(self) -> bool:
        """Begin with the next stream where one follows."""
        if not self._packed.startswith(b"\x1f\x8b"):
            return False
        self._decoder = zlib.decompressobj(_GZIP)
        return True

    def close(self) -> None:
        """Close the file."""
        self._file.close()


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
