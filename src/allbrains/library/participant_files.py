"""The participants files of datasets on a disk: which datasets there are, and what their tables say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from allbrains.errors import ConfigurationError
from allbrains.participants import Harmonised, NoteKind, harmonise, table
from allbrains.regular_files import read_regular
from allbrains.sources.bids_folder import MAX_BYTES

if TYPE_CHECKING:
    import pyarrow as pa

# Tables of a dataset that hold demographics, as globs below its folder.
_TABLES = (
    "participants.tsv",
    "participants.json",
    "dataset_description.json",
    "README*",
    "sessions.tsv",
    "sessions.json",
    "sub-*/*_sessions.tsv",
    "sub-*/*_sessions.json",
    "phenotype/*.tsv",
    "phenotype/*.json",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderRead:
    """What the participants files of one dataset's folder say.

    Attributes:
        name: of the folder.
        found: the participants, and notes on what was refused or mended.
        faults: one sentence for each file that could not be read at all.
    """

    name: str
    found: Harmonised
    faults: tuple[str, ...]

    @property
    def incomplete(self) -> bool:
        """Some file, or a part of one, could not be read."""
        return bool(self.faults) or any(note.kind is NoteKind.UNREADABLE for note in self.found.notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantsRead:
    """What the participants files of some datasets say.

    Attributes:
        folders: one for each dataset: its participants with receipts, notes on what was refused or mended,
            and files that could not be read.
    """

    folders: tuple[FolderRead, ...]

    @property
    def table(self) -> pa.Table:
        """One row for each participant: age (years) and its range, sex, hand, group, species, receipts."""
        return table(row for one in self.folders for row in one.found.rows)

    @property
    def incomplete(self) -> bool:
        """Some file, or a part of one, could not be read."""
        return any(one.incomplete for one in self.folders)


def read_participants(*paths: str | PathLike[str]) -> ParticipantsRead:
    """Return age, sex, handedness, group and species of every participant, with receipts.

    Args:
        paths: each one a dataset's folder, a folder of datasets, or a ``participants.tsv``.

    Raises:
        ConfigurationError: a path is not there, or is none of these.

    Example:
        >>> table = allbrains.read_participants("study").table
        >>> table["age_years"].to_pylist(), table["sex"].to_pylist()
        ([34.0, 71.0], ['female', 'male'])
    """
    return ParticipantsRead(folders=tuple(read_folders([Path(path) for path in paths])))


def read_folders(paths: Sequence[Path]) -> Iterator[FolderRead]:
    """Yield what each dataset's participants files say, each dataset once.

    Args:
        paths: each one a dataset's folder, a folder of datasets, or a ``participants.tsv``; a dataset is
            called as its folder.

    Raises:
        ConfigurationError: a path is not there, or is none of these. Raised before anything is read.
    """
    if missing := [str(path) for path in paths if not path.exists()]:
        raise ConfigurationError(f"no such file or folder: {', '.join(missing)}")
    return map(_read, tuple(_datasets(paths)))


def _datasets(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the folders of the datasets that the paths mean, each once."""
    seen: set[Path] = set()
    for path in paths:
        if path.is_file() or _is_dataset(path):
            found = [path]
        else:
            found = sorted(child for child in path.iterdir() if child.is_dir() and _is_dataset(child))
            if not found:
                raise ConfigurationError(f"{path}: neither a dataset nor a folder of datasets")
        for item in found:
            if (whole := item.resolve()) not in seen:
                seen.add(whole)
                yield item


def _is_dataset(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("participants.tsv", "dataset_description.json"))


def _read(path: Path) -> FolderRead:
    """Return what a dataset's folder, or its participants.tsv alone with its dictionary, says."""
    folder = path if path.is_dir() else path.absolute().parent
    places = {
        file.relative_to(folder).as_posix(): file
        for glob in (_TABLES if path.is_dir() else _TABLES[:3])
        for file in sorted(folder.glob(glob))
    }
    if path.is_file():
        places["participants.tsv"] = path
        if (beside := path.with_suffix(".json")).exists():
            places["participants.json"] = beside
    files: dict[str, bytes] = {}
    faults: list[str] = []
    for name, file in places.items():
        try:
            files[name] = read_regular(file, most=MAX_BYTES)
        except OSError as error:
            faults.append(f"{folder.name}/{name}: unreadable: {error.strerror}")
    subjects = [child.name for child in folder.glob("sub-*") if child.is_dir()]
    found = harmonise(folder.resolve().name, files, subjects=subjects)
    return FolderRead(name=path.name, found=found, faults=tuple(faults))
