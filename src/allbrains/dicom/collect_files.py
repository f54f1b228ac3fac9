"""From whatever a person has to plain files in a folder of ours: 000001, 000002 and so on."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from allbrains.dicom.archives import Packed, members
from allbrains.dicom.budget import Budget, Stream
from allbrains.dicom.image_files import ImageFile, image_file
from allbrains.dicom.medium import listed
from allbrains.dicom.sniff import ARCHIVES, DISC_BYTES, START_BYTES, FileKind, is_apple_disc, kind_of
from allbrains.errors import ConfigurationError

DEEPEST = 3  # archives in archives: a zip in a mailed zip on a stick


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What was found.

    Attributes:
        dicom: files that begin like DICOM.
        images: NIfTI, MGH or NRRD files.
        others: how many files of each other kind.
    """

    dicom: tuple[Path, ...]
    images: tuple[ImageFile, ...]
    others: Counter[FileKind]


def open_files(path: Path, workspace: Path, budget: Budget | None = None) -> Opened:
    """Return the images in a file, folder, archive or DICOMDIR.

    Files of a folder stay where they are; those in archives are written into ``workspace`` under numbers.

    Args:
        path: what the person has.
        workspace: an empty folder of ours.
        budget: what archives may unpack to.

    Raises:
        ConfigurationError: there is no such path, or it can't be read.
        Unsuitable: an archive is damaged or too large.
    """
    if not path.exists():
        raise ConfigurationError("there is nothing at the path that was given")
    opener = _Opener(workspace, budget or Budget(folder=workspace))
    for file in _files(path):
        opener.see(file, depth=0, name=file.name)
    return Opened(dicom=tuple(opener.dicom), images=tuple(opener.images), others=opener.others)


class _Opener:
    def __init__(self, workspace: Path, budget: Budget) -> None:
        self._workspace, self._budget = workspace, budget
        self._written = 0
        self.dicom: list[Path] = []
        self.images: list[ImageFile] = []
        self.others: Counter[FileKind] = Counter()

    def see(self, file: Path, depth: int, name: str) -> None:
        kind = _kind_of_file(file)
        if kind is FileKind.DICOM:
            self.dicom.append(file)
        elif kind is FileKind.IMAGE:
            self.images.append(image_file(file, name))
        elif kind in ARCHIVES and depth < DEEPEST:
            if depth == 0:
                self._budget.admit(file.stat().st_size)
            for member in members(file, kind, self._budget, name):
                self._take(member, depth + 1)
        else:
            self.others[kind] += 1

    def _take(self, member: Packed, depth: int) -> None:
        """Write a member that may be an image under the next number; others are only counted."""
        start = _start_of(member.stream, START_BYTES)
        kind = kind_of(start)
        if kind is FileKind.OTHER:
            kind = kind_of(start + _start_of(member.stream, DISC_BYTES - len(start)))
        if kind not in (FileKind.DICOM, FileKind.IMAGE) and kind not in ARCHIVES:
            self.others[kind] += 1
            return
        self._written += 1
        target = self._workspace / f"{self._written:06d}"
        with target.open("xb") as file:
            file.write(start)
            while chunk := member.stream.read(1 << 20):
                file.write(chunk)
        self.see(target, depth, member.name)
        if kind in ARCHIVES:
            target.unlink()


def _kind_of_file(file: Path) -> FileKind:
    try:
        with file.open("rb") as stream:
            start = stream.read(START_BYTES)
            kind = kind_of(start)
            if kind is not FileKind.OTHER:
                return kind
            kind = kind_of(start + stream.read(DISC_BYTES - len(start)))
            size = stream.seek(0, 2)
            stream.seek(max(0, size - 512))
            return FileKind.APPLE_DISC if kind is FileKind.OTHER and is_apple_disc(stream.read()) else kind
    except OSError:
        return FileKind.OTHER


def _start_of(stream: Stream, size: int) -> bytes:
    start = b""
    while len(start) < size and (more := stream.read(size - len(start))):
        start += more
    return start


def _files(path: Path) -> Iterator[Path]:
    """Yield the plain files of a folder, in order; a file is itself, a DICOMDIR what it lists."""
    if path.is_file():
        yield from listed(path) or (path,)
        return
    try:
        for folder, children, names in os.walk(path, onerror=_stop):
            children.sort()
            for name in sorted(names):
                file = Path(folder, name)
                if file.exists() and stat.S_ISREG(file.stat().st_mode):
                    yield file
    except PermissionError:
        raise ConfigurationError("the path that was given can't be read: no permission") from None


def _stop(error: OSError) -> None:
    if isinstance(error, PermissionError):
        raise error
