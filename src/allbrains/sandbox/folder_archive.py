"""A folder of BIDS datasets, or one dataset, as an archive.

It serves regular files with names that are not hidden: no component starts with a dot, and a symbolic link
counts only as the file that it names, inside the folder. Linked folders are not entered. Paths of
requests go through the same rules, so what isn't listed can't be fetched.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from os import DirEntry
from pathlib import Path
from threading import Lock

from allbrains.errors import ConfigurationError
from allbrains.sandbox.archive import (
    Archive,
    Digests,
    FoundObject,
    NotServed,
    listing_order,
    object_hash,
    object_id,
)

CHUNK = 1 << 20  # bytes read at a time
# DataLad keeps the content of annexed files here, and links to it from the names that people see
_ANNEX_OBJECTS = (".git", "annex", "objects")


class FolderArchive(Archive):
    """BIDS datasets on disk. Each content is hashed once for each (path, size, time of change)."""

    def __init__(self, root: Path) -> None:
        """Look for datasets.

        Raises:
            ConfigurationError: ``root`` is no folder, or holds no dataset.
        """
        if not root.is_dir():
            raise ConfigurationError(f"not a folder: {root}")
        resolved = root.resolve()
        self._single = resolved.name if _is_dataset(resolved) else ""
        self._root = resolved
        self._known: dict[tuple[str, str], tuple[int, int, Digests]] = {}
        self._hashing = Lock()
        if not self.datasets():
            raise ConfigurationError(
                f"no BIDS dataset in {root}: neither it nor a folder in it has a "
                "dataset_description.json or a sub-* folder"
            )

    def datasets(self) -> tuple[str, ...]:
        """Return the folders' names in their order."""
        if self._single:
            return (self._single,)
        names = (entry.name for entry in _entries(self._root) if _is_open_folder(entry))
        return tuple(sorted(name for name in names if _is_dataset(self._root / name)))

    def files(self, dataset: str) -> tuple[FoundObject, ...]:
        """Return all files of a dataset, by depth, then by path."""
        found = list(self._walk(self._home(dataset), ""))
        return tuple(sorted(found, key=lambda file: listing_order(file.path)))

    def find(self, dataset: str, path: str) -> FoundObject:
        """Return one file of a dataset."""
        home = self._home(dataset)
        parts = path.split("/")
        if not all(_is_open_name(part) for part in parts):
            raise NotServed(f"{dataset}/{path}")
        parent = os.path.join(home, *parts[:-1])
        if os.path.realpath(parent) != parent:
            raise NotServed(f"{dataset}/{path}")
        return self._file(home, path)

    def digests(self, dataset: str, file: FoundObject) -> Digests:
        """Return what the file's content hashes to, from memory if it hasn't changed."""
        key, state = (dataset, file.path), (file.size, file.modified_ns)
        known = self._known.get(key)
        if known is None or known[:2] != state:
            with self._hashing:  # two requests for the same new file: the second finds the first's result
                known = self._known.get(key)
                if known is None or known[:2] != state:
                    known = (*state, self._hash(dataset, file))
                    self._known[key] = known
        return known[2]

    def read(self, dataset: str, path: str, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from ``start`` up to, not including, ``stop``, a megabyte at a time."""
        with open(os.path.join(self._home(dataset), path), "rb") as stream:
            stream.seek(start)
            while start < stop and (chunk := stream.read(min(CHUNK, stop - start))):
                start += len(chunk)
                yield chunk

    def _home(self, dataset: str) -> str:
        if self._single:
            home, served = self._root, dataset == self._single
        else:
            home = self._root / dataset
            served = _is_open_name(dataset) and not home.is_symlink() and home.is_dir() and _is_dataset(home)
        if not served:
            raise NotServed(dataset)
        return str(home)

    def _walk(self, home: str, folder: str) -> Iterator[FoundObject]:
        for entry in _entries(os.path.join(home, folder)):
            if not _is_open_name(entry.name):
                continue
            path = f"{folder}{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(home, f"{path}/")
                continue
            try:
                yield self._file(home, path)
            except NotServed:
                continue

    def _file(self, home: str, path: str) -> FoundObject:
        full = os.path.join(home, path)
        try:
            status = os.lstat(full)
            if stat.S_ISLNK(status.st_mode) and self._is_inside(home, os.path.realpath(full)):
                status = os.stat(full)
        except OSError as error:
            raise NotServed(path) from error
        if not stat.S_ISREG(status.st_mode):
            raise NotServed(path)
        return FoundObject(path=path, size=status.st_size, modified_ns=status.st_mtime_ns)

    def _is_inside(self, home: str, target: str) -> bool:
        """Return whether a link's target is a file that may be served under the link's name."""
        if target.startswith(home + os.sep):
            parts = tuple(os.path.relpath(target, home).split(os.sep))
            return parts[:3] == _ANNEX_OBJECTS or all(_is_open_name(part) for part in parts)
        inside = target.startswith(str(self._root) + os.sep)
        return inside and all(
            _is_open_name(part) for part in os.path.relpath(target, self._root).split(os.sep)
        )

    def _hash(self, dataset: str, file: FoundObject) -> Digests:
        md5 = hashlib.md5(usedforsecurity=False)
        digest = object_hash(dataset, file.path, file.size)
        for chunk in self.read(dataset, file.path, 0, file.size):
            md5.update(chunk)
            digest.update(chunk)
        return Digests(md5=md5.hexdigest(), object_id=object_id(file.path, file.size, digest))


def _is_open_name(name: str) -> bool:
    """Return whether a path component may be served: not hidden, no way up, and text."""
    if not name or name.startswith(".") or "\0" in name or os.sep in name:
        return False
    try:
        name.encode()
    except UnicodeEncodeError:  # a name that isn't UTF-8 has no place in JSON, XML or a URL
        return False
    return True


def _is_open_folder(entry: DirEntry[str]) -> bool:
    return _is_open_name(entry.name) and entry.is_dir(follow_symlinks=False)


def _is_dataset(folder: Path) -> bool:
    if (folder / "dataset_description.json").is_file():
        return True
    try:
        return any(entry.name.startswith("sub-") and entry.is_dir() for entry in _entries(folder))
    except PermissionError:  # such as lost+found: not ours, and no reason to serve nothing
        return False


def _entries(folder: str | Path) -> list[DirEntry[str]]:
    with os.scandir(folder) as entries:
        return list(entries)
