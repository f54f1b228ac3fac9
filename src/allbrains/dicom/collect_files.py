"""From whatever a person has to plain files in a folder of ours: 000001, 000002 and so on."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from allbrains.dicom.archives import Budget, Metered, members
from allbrains.dicom.medium import listed
from allbrains.dicom.sniff import ARCHIVES, START_BYTES, FileKind, kind_of
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
    images: tuple[Path, ...]
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
    opener = _Opener(workspace, budget or Budget())
    for file in _files(path):
        opener.see(file, depth=0)
    return Opened(dicom=tuple(opener.dicom), images=tuple(opener.images), others=opener.others)


class _Opener:
    def __init__(self, workspace: Path, budget: Budget) -> None:
        self._workspace, self._budget = workspace, budget
        self.dicom: list[Path] = []
        self.images: list[Path] = []
        self.others: Counter[FileKind] = Counter()

    def see(self, file: Path, depth: int) -> None:
        try:
            with file.open("rb") as stream:
                kind = kind_of(stream.read(START_BYTES))
        except OSError:
            kind = FileKind.OTHER
        if kind is FileKind.DICOM:
            self.dicom.append(file)
        elif kind is FileKind.IMAGE:
            self.images.append(file)
        elif kind in ARCHIVES and depth < DEEPEST:
            for member in members(file, kind, self._budget):
                self._take(member, depth + 1)
        else:
            self.others[kind] += 1

    def _take(self, member: Metered, depth: int) -> None:
        """Write a member that may be an image under the next number; others are only counted."""
        start = member.read(START_BYTES)
        while len(start) < START_BYTES and (more := member.read(START_BYTES - len(start))):
            start += more
        kind = kind_of(start)
        if kind not in (FileKind.DICOM, FileKind.IMAGE) and kind not in ARCHIVES:
            self.others[kind] += 1
            return
        target = self._workspace / f"{len(os.listdir(self._workspace)):06d}"
        with target.open("xb") as file:
            file.write(start)
            while chunk := member.read(1 << 20):
                file.write(chunk)
        self.see(target, depth)
        if kind in ARCHIVES:
            target.unlink()
            target.touch()  # its number stays taken


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
