"""A BIDS dataset on this machine, or a folder of them, as a source.

Files that git-annex holds are links, with the digest as their target's name; what is not linked is hashed.
A link to content that was never fetched is a row, not a scan.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from allbrains import bids
from allbrains.errors import ConfigurationError, SourceError
from allbrains.participants import dictionary
from allbrains.records import Algorithm, Digest
from allbrains.regular_files import open_regular, read_regular
from allbrains.sources.bids_walk import walk_dataset
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
MAX_BYTES = 64 << 20  # of a small text file; the largest participants.tsv of OpenNeuro has some MB
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
            folder: one dataset, or a folder of datasets.
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
        self._ended = threading.Event()
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
        walked = walk_dataset(root)
        excluded = [
            _row(
                snapshot, "", Exclusion.LISTING_TRUNCATED, f"the folder {_told(folder)} is not listed: {why}"
            )
            for folder, why in walked.unlisted
        ]
        for path in filter(matters, walked.files):
            if self._ended.is_set():
                raise SourceError("the reading was broken off")
            if path != _told(path):
                if path.endswith(self._images):
                    evidence = "its name is not UTF-8, so no table can hold it: rename it"
                    excluded.append(_row(snapshot, _told(path), Exclusion.NOT_BIDS, evidence))
                continue
            entry = self._entry(root, path)
            if isinstance(entry, Entry):
                entries.append(entry)
            elif path.endswith(self._images):
                excluded.append(_row(snapshot, path, Exclusion.NOT_FETCHED, entry))
        return Listing(
            snapshot=snapshot,
            entries=tuple(entries),
            files=len(walked.files),
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
                files[entry.path] = read_regular(root / entry.path, most=MAX_BYTES)
            except OSError as error:
                evidence = f"can't be read: {error.strerror}"
                final = error.errno in (errno.EINVAL, errno.EOVERFLOW)  # no regular file, or no small one
                unread.append(Unread(path=entry.path, evidence=evidence, final=final))
        return Texts(files=files, unread=tuple(unread))

    def close(self) -> None:
        """Let what is being read end soon; see ``Source.close``."""
        self._ended.set()

    def complaints(self) -> tuple[Excluded, ...]:
        """Return nothing: see ``Source.complaints``."""
        return ()

    def _entry(self, root: Path, path: str) -> Entry | str:
        """Return the file's entry, or why it has no content."""
        file = root / path
        key = Path(os.readlink(file)).name if file.is_symlink() else ""
        try:
            about = file.stat()
            size = about.st_size
            if not stat.S_ISREG(about.st_mode):
                return "not a regular file: a pipe, a socket or a device"
            if size < _POINTER_BYTES and _starts_with(file, _POINTER):
                return f"a pointer of git-annex, {size} bytes; its content is not on this machine"
            linked = digest_of(key) if annex_size(key) == size else None
            # hashing is a read of the whole file: only for what may become a scan
            wanted = path.endswith(self._images) and isinstance(place_of(path), bids.BidsPath)
            digest = linked or (self._md5(file) if wanted else None)
        except FileNotFoundError:
            return (
                f"a link to {key}, which is not on this machine; `git annex get` or `datalad get` fetches it"
            )
        except OSError as error:
            return f"can't be read: {error.strerror}"
        return Entry(path=path, size=size, digest=digest, urls=(file.as_uri(),))

    def _md5(self, file: Path) -> Digest:
        state = hashlib.md5(usedforsecurity=False)
        with open_regular(file) as stream:
            while chunk := stream.read(_CHUNK):
                if self._ended.is_set():
                    raise SourceError("the reading was broken off")
                state.update(chunk)
        return Digest(algorithm=Algorithm.MD5, hexdigest=state.hexdigest())


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
        described, _ = dictionary.parse(read_regular(path, most=MAX_BYTES))
    except OSError:
        return {}
    return described


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(filter(None, map(_text, value))) if isinstance(value, list) else ()


def _starts_with(file: Path, start: bytes) -> bool:
    with open_regular(file) as stream:
        return stream.read(len(start)) == start


def _told(path: str) -> str:
    """Return a path as tables and people can have it: bytes that are no UTF-8 as ``\\xNN``."""
    return os.fsencode(path).decode("utf-8", errors="backslashreplace")


def _row(snapshot: Snapshot, path: str, reason: Exclusion, evidence: str) -> Excluded:
    return Excluded(
        dataset=snapshot.dataset, snapshot=snapshot.tag, path=path, reason=reason, evidence=evidence
    )
