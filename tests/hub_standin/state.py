"""What a Hub keeps: repositories, commits, the contents of files. On disk, so it outlives the server."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FIRST_FILE = ".gitattributes"
_ATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n*.png filter=lfs diff=lfs merge=lfs -text\n"
_LFS = (".parquet", ".png")
_LARGE = 10_000_000  # bytes from which git itself takes no file

File = dict[str, Any]


class Refused(Exception):
    """What a request asks for isn't done.

    Attributes:
        status: of HTTP.
        code: the Hub's own word for it.
    """

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status, self.code = status, code


def git_sha1(data: bytes) -> str:
    """Return git's blob id."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass(slots=True)
class State:
    """All repositories under a folder. Safe in any thread.

    Attributes:
        root: the folder.
        xet: commits of large files are believed without their contents: those are in a Xet store.
    """

    root: Path
    xet: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def create(self, repository: str, private: bool) -> None:
        """Make a repository with its first commit."""
        with self._lock:
            if self._path(repository).exists():
                raise Refused(409, "You already created this dataset repo")
            first = {FIRST_FILE: self._git_file(_ATTRIBUTES)}
            kept = {"private": private, "commits": [_commit("initial commit", first)]}
            self._write(repository, kept)

    def delete(self, repository: str) -> None:
        """Forget a repository; contents that others share stay."""
        self.read(repository)
        self._path(repository).unlink()

    def settings(self, repository: str, private: bool) -> None:
        """Change who can read a repository."""
        with self._lock:
            self._write(repository, self.read(repository) | {"private": private})

    def read(self, repository: str) -> dict[str, Any]:
        """Return a repository: whether it is private, and its commits, oldest first."""
        try:
            kept: dict[str, Any] = json.loads(self._path(repository).read_text())
        except FileNotFoundError as error:
            raise Refused(404, "Repository not found", "RepoNotFound") from error
        return kept

    def revision(self, repository: str, name: str) -> dict[str, Any]:
        """Return a commit by its id, or the head for a branch's name."""
        commits = self.read(repository)["commits"]
        if name in ("main", "HEAD"):
            return dict(commits[-1])
        for commit in commits:
            if commit["id"] == name:
                return dict(commit)
        raise Refused(404, f"Invalid rev id: {name}", "RevisionNotFound")

    def file(self, repository: str, revision: str, path: str) -> File:
        """Return a file of a commit."""
        files = self.revision(repository, revision)["files"]
        if path not in files:
            raise Refused(404, "Entry not found", "EntryNotFound")
        return dict(files[path])

    def commit(self, repository: str, operations: list[Mapping[str, Any]]) -> str:
        """Make a commit from the lines of a request; return its id."""
        header = operations[0]["value"]
        with self._lock:
            kept = self.read(repository)
            head = kept["commits"][-1]
            if header.get("parentCommit") not in (None, head["id"]):
                raise Refused(412, "A commit has happened since. Please refresh and try again.")
            files = dict(head["files"])
            for line in operations[1:]:
                self._apply(files, line["key"], line["value"])
            made = _commit(header["summary"], files)
            self._write(repository, kept | {"commits": [*kept["commits"], made]})
        return str(made["id"])

    def lfs_path(self, oid: str) -> Path:
        """Return where a large file's contents are."""
        return self.root / "lfs" / oid

    def git_path(self, oid: str) -> Path:
        """Return where a small file's contents are."""
        return self.root / "git" / oid

    def contents(self, file: File) -> Path:
        """Return where a file's contents are."""
        return self.lfs_path(file["lfs"]["oid"]) if "lfs" in file else self.git_path(file["oid"])

    def _apply(self, files: dict[str, File], key: str, value: Mapping[str, Any]) -> None:
        path = value["path"]
        match key:
            case "file":
                files[path] = self._git_file(base64.b64decode(value["content"]))
            case "lfsFile":
                oid = value["oid"]
                held = self.lfs_path(oid)
                if not self.xet and not held.exists():
                    raise Refused(400, f"LFS pointer pointed to a file that does not exist: {oid}")
                pointer = (
                    f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {value['size']}\n"
                )
                lfs = {"oid": oid, "size": value["size"], "pointerSize": len(pointer)}
                files[path] = {"oid": git_sha1(pointer.encode()), "size": value["size"], "lfs": lfs}
            case "deletedFile":
                if path not in files:
                    raise Refused(404, "A file with this name doesn't exist", "EntryNotFound")
                del files[path]
            case _:
                raise Refused(400, f"no such operation: {key}")

    def _git_file(self, data: bytes) -> File:
        if len(data) > _LARGE:
            raise Refused(413, "Your push was rejected because it contains files larger than 10 MiB")
        oid = git_sha1(data)
        place(self.git_path(oid), data)
        return {"oid": oid, "size": len(data)}

    def _path(self, repository: str) -> Path:
        return self.root / "repositories" / f"{repository}.json"

    def _write(self, repository: str, kept: Mapping[str, Any]) -> None:
        place(self._path(repository), json.dumps(kept).encode())


def place(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.write_bytes(data)
    temporary.replace(path)


def mode(path: str, size: int) -> str:
    """Return how a file is to be uploaded."""
    return "lfs" if path.endswith(_LFS) or size > _LARGE else "regular"


def entries(files: Mapping[str, File], folder: str, recursive: bool) -> Iterator[dict[str, Any]]:
    """Yield files and folders under a folder, by name."""
    start, seen = f"{folder}/" if folder else "", set[str]()
    for path, file in sorted(files.items()):
        if not path.startswith(start):
            continue
        parts = path[len(start) :].split("/")
        for depth in range(1, len(parts) if recursive else min(2, len(parts))):
            name = start + "/".join(parts[:depth])
            if name not in seen:
                seen.add(name)
                yield {"type": "directory", "path": name, "oid": git_sha1(name.encode()), "size": 0}
        if recursive or len(parts) == 1:
            yield {"type": "file", "path": path, **file}


def _commit(title: str, files: Mapping[str, File]) -> dict[str, Any]:
    date = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"id": secrets.token_hex(20), "title": title, "date": date, "files": dict(files)}
