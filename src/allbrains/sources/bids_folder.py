"""A BIDS dataset on this machine, or a folder of them, as a source.

Files that git-annex holds are links whose target's name is the digest; what is not linked is hashed.
A link whose content was never fetched is a row, not a scan.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from allbrains import bids
from allbrains.errors import ConfigurationError
from allbrains.records import Algorithm, Digest
from allbrains.sources.snapshot import (
    Absence,
    Absent,
    Entry,
    Excluded,
    Exclusion,
    Found,
    Listing,
    Route,
    Snapshot,
    Texts,
    Unread,
    annex_size,
    digest_of,
    matters,
)
from allbrains.sources.which_files import place_of

TAG = "local"
_CHUNK = 1 << 20
# A pointer file of git-annex (unlocked, or a checkout without links) is one line of text.
_POINTER_BYTES = 32_768
_POINTER = b"/annex/objects/"


class BidsFolder:
    """Datasets on this machine; see ``listing.Source``.

    Attributes:
        name: the folder's URL.
        fixed: a folder's files may change.
        roots: dataset's name → its folder.
    """

    fixed = False

    def __init__(
        self, folder: Path, *, datasets: Sequence[str] = (), suffixes: Sequence[str] = ("T1w",)
    ) -> None:
        """Look for datasets in ``folder``, without reading them.

        Args:
            folder: one dataset, or a folder whose folders are datasets.
            datasets: names (of folders) to read; empty means all.
            suffixes: of the images to hash; the others are listed without a digest.

        Raises:
            ConfigurationError: there is none, two have one name, or a named one is not there.
        """
        self.name = Path(os.path.abspath(folder)).as_uri()
        self.roots = _datasets(Path(os.path.abspath(folder)))
        if unknown := sorted(set(datasets) - set(self.roots)):
            raise ConfigurationError(
                f"{', '.join(unknown)} not in {folder}; there are: {', '.join(sorted(self.roots))}"
            )
        if datasets:
            self.roots = {name: root for name, root in self.roots.items() if name in datasets}
        self._images = tuple(f"_{suffix}{ext}" for suffix in suffixes for ext in bids.IMAGE_EXTENSIONS)

    def snapshots(self) -> Found:
        """Return the datasets; see ``Source.snapshots``."""
        found = tuple(_snapshot(name, self.roots[name]) for name in sorted(self.roots))
        return Found(snapshots=found)

    def whereabouts(self, dataset: str) -> Snapshot | Absent:
        """Return a dataset, or that its folder is gone; see ``Source.whereabouts``."""
        if dataset in self.roots:
            return _snapshot(dataset, self.roots[dataset])
        return Absent(kind=Absence.DELETED, evidence=f"no folder {dataset}")

    def listing(self, snapshot: Snapshot) -> Listing:
        """Return a dataset's files; images are hashed, so this reads them all once."""
        root = self.roots[snapshot.dataset]
        entries: list[Entry] = []
        excluded: list[Excluded] = []
        files = 0
        for path in _files(root):
            files += 1
            if not matters(path):
                continue
            entry = self._entry(root, path)
            if isinstance(entry, Entry):
                entries.append(entry)
            elif path.endswith(self._images):
                excluded.append(
                    Excluded(
                        dataset=snapshot.dataset,
                        snapshot=snapshot.tag,
                        path=path,
                        reason=Exclusion.NOT_FETCHED,
                        evidence=entry,
                    )
                )
        return Listing(
            snapshot=snapshot,
            entries=tuple(entries),
            files=files,
            route=Route.FOLDER,
            excluded=tuple(excluded),
        )

    def read(self, snapshot: Snapshot, entries: Sequence[Entry]) -> Texts:
        """Return small files' bytes by path; see ``Source.read``."""
        root = self.roots[snapshot.dataset]
        files: dict[str, bytes] = {}
        unread: list[Unread] = []
        for entry in entries:
            try:
                files[entry.path] = (root / entry.path).read_bytes()
            except OSError as error:
                evidence = f"can't be read: {error.strerror}"
                unread.append(Unread(path=entry.path, evidence=evidence, final=False))
        return Texts(files=files, unread=tuple(unread))

    def complaints(self) -> tuple[Excluded, ...]:
        """Return nothing: see ``Source.complaints``."""
        return ()

    def _entry(self, root: Path, path: str) -> Entry | str:
        """Return the file's entry, or why it has no content."""
        file = root / path
        key = Path(os.readlink(file)).name if file.is_symlink() else ""
        try:
            size = file.stat().st_size
            if size < _POINTER_BYTES and _starts_with(file, _POINTER):
                return f"a pointer of git-annex, {size} bytes; its content is not on this machine"
            linked = digest_of(key) if annex_size(key) == size else None
            # hashing is a read of the whole file: only for what may become a scan
            wanted = path.endswith(self._images) and isinstance(place_of(path), bids.BidsPath)
            digest = linked or (_md5(file) if wanted else None)
        except FileNotFoundError:
            return (
                f"a link to {key}, which is not on this machine; `git annex get` or `datalad get` fetches it"
            )
        except OSError as error:
            return f"can't be read: {error.strerror}"
        return Entry(path=path, size=size, digest=digest, urls=(file.as_uri(),))


def _datasets(folder: Path) -> dict[str, Path]:
    if _is_dataset(folder):
        return {_name(folder): folder}
    found: dict[str, Path] = {}
    for child in sorted(folder.iterdir()):
        if child.is_dir() and not child.name.startswith(".") and _is_dataset(child):
            if _name(child) in found:
                raise ConfigurationError(f"{child} and {found[_name(child)]} would have one name: rename one")
            found[_name(child)] = child
    if not found:
        raise ConfigurationError(
            f"no BIDS dataset in {folder}: neither it nor a folder in it has dataset_description.json or "
            "sub-*"
        )
    return found


def _is_dataset(folder: Path) -> bool:
    if (folder / "dataset_description.json").is_file():
        return True
    return any(child.is_dir() for child in folder.glob("sub-*"))


def _name(folder: Path) -> str:
    """Return the folder's name, with what is not good in a file name replaced."""
    name = re.sub(r"[^A-Za-z0-9._+-]", "_", folder.resolve().name)
    return name.lstrip("._") or "dataset"


def _snapshot(name: str, root: Path) -> Snapshot:
    described = _description(root / "dataset_description.json")
    return Snapshot(
        dataset=name,
        tag=TAG,
        name=_text(described.get("Name")),
        license=_text(described.get("License")),
        doi=_text(described.get("DatasetDOI")),
        authors=_texts(described.get("Authors")),
        how_to_acknowledge=_text(described.get("HowToAcknowledge")),
        references=_texts(described.get("ReferencesAndLinks")),
        dataset_type=_text(described.get("DatasetType")),
    )


def _description(path: Path) -> dict[str, Any]:
    """Return dataset_description.json; an unreadable one says nothing, and is no reason to stop."""
    try:
        described = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError):
        return {}
    return described if isinstance(described, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(filter(None, map(_text, value))) if isinstance(value, list) else ()


def _files(root: Path) -> Iterator[str]:
    """Yield paths of files inside ``root``, in order; linked folders are followed, each once."""
    seen: set[str] = set()
    for folder, children, names in os.walk(root, followlinks=True):
        # .git holds git-annex's content under names that say nothing
        children[:] = sorted(child for child in children if child not in (".git", ".datalad"))
        if (real := os.path.realpath(folder)) in seen:
            children.clear()
            continue
        seen.add(real)
        for name in sorted(names):
            yield Path(folder, name).relative_to(root).as_posix()


def _starts_with(file: Path, start: bytes) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(start)) == start


def _md5(file: Path) -> Digest:
    state = hashlib.md5(usedforsecurity=False)
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            state.update(chunk)
    return Digest(algorithm=Algorithm.MD5, hexdigest=state.hexdigest())
