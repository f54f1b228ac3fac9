"""A plain folder, a bucket, anything that fsspec can write to.

Such places keep no digests, so a list of what arrived lies beside the files and is the record: a name is in
it only while the whole file is there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from allbrains.errors import ConfigurationError, TransientError
from allbrains.load.remote import request_errors
from allbrains.publish.commits import Commit, CommitLimits, Held
from allbrains.records import Algorithm, Digest
from allbrains.text import json_of

RECORD = ".allbrains-published.json"
# Stores without folders: there, "make a folder" makes a bucket, also for a name that was misspelt.
_STORES = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "oci"})
_SETTINGS = frozenset({"NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "NoRegionError"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeTarget:
    """A root in one of fsspec's file systems.

    Attributes:
        filesystem: fsspec's.
        root: path in it.
        address: as given, without credentials.
        limits: a commit here is only a step after which the record is written.
    """

    filesystem: Any
    root: str
    address: str
    limits: CommitLimits = field(default_factory=lambda: CommitLimits(files=20))

    @classmethod
    def at(cls, url: str) -> TreeTarget:
        """Return the root that a URL means.

        Raises:
            ConfigurationError: there is no such protocol, or its package is missing.
        """
        try:
            import fsspec

            filesystem, root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise ConfigurationError(
                f"{_shown(url)}: {error}; see: pip install 'allbrains[publish]'"
            ) from error
        return cls(filesystem=filesystem, root=root.rstrip("/"), address=_shown(url).rstrip("/"))

    @property
    def hurried(self) -> bool:
        """Nothing bounds the number of steps."""
        return False

    def prepare(self) -> None:
        """Make the folder, where there are folders; a bucket has to be there."""
        self._make_folder(self.root)

    def held(self) -> Mapping[str, Held]:
        """Return what the record names and is there in that size; and what is there without a record."""
        record = self._record()
        found = self._sizes()
        unknown = Digest(algorithm=Algorithm.SHA256, hexdigest="")
        return {
            name: Held(size=size, digest=Digest(algorithm=Algorithm.SHA256, hexdigest=record[name]))
            if name in record
            else Held(size=size, digest=unknown)
            for name, size in found.items()
            if name != RECORD
        }

    def read(self, name: str) -> bytes:
        """Return a small file that is there."""
        data: bytes = self._asked(self.filesystem.cat_file, f"{self.root}/{name}")
        return data

    def commit(self, commit: Commit, message: str) -> None:
        """Take the names out of the record, write the files, remove the others, write the record."""
        record = self._record()
        touched = {item.name for item in commit.adds} | {*commit.removes}
        if touched & record.keys():
            record = {name: digest for name, digest in record.items() if name not in touched}
            self._write_record(record)
        for item in commit.adds:
            path = f"{self.root}/{item.name}"
            self._make_folder(path.rsplit("/", 1)[0])
            self._asked(self.filesystem.put_file, str(item.path), path)
        for name in commit.removes:
            self._asked(self.filesystem.rm_file, f"{self.root}/{name}")
        self._write_record(record | {item.name: item.sha256 for item in commit.adds})

    def recent(self) -> list[float]:
        """Return nothing: the target keeps no history of commits."""
        return []

    def public(self) -> bool:
        """Return False: who can read a folder or a bucket is set elsewhere."""
        return False

    def make_public(self) -> None:
        """Refuse."""
        raise ConfigurationError(
            f"--public is for hf://; who can read {self.address} is set where it is kept"
        )

    def where(self) -> str:
        """Return the address."""
        return self.address

    def shown(self) -> str:
        """Return the address, of a folder only its name."""
        return self.address.rsplit("/", 1)[-1] if self.address.startswith("file:") else self.address

    def _make_folder(self, path: str) -> None:
        protocol = self.filesystem.protocol
        if _STORES.isdisjoint({protocol} if isinstance(protocol, str) else protocol):
            self._asked(self.filesystem.makedirs, path, exist_ok=True)

    def _sizes(self) -> dict[str, int]:
        self.filesystem.invalidate_cache()
        try:
            found = self._asked(self.filesystem.find, self.root, detail=True)
        except ConfigurationError:  # no such folder yet
            return {}
        cut = len(self.root.lstrip("/")) + 1
        return {name.lstrip("/")[cut:]: int(about["size"]) for name, about in found.items()}

    def _record(self) -> dict[str, str]:
        try:
            told = json_of(self.filesystem.cat_file(f"{self.root}/{RECORD}"))
            return {str(name): str(digest) for name, digest in told.items()}
        except FileNotFoundError:
            return {}
        except (ValueError, AttributeError):  # cut while it was written: everything is sent again
            return {}
        except request_errors() as error:
            raise _translated(error, self.address) from error

    def _write_record(self, record: Mapping[str, str]) -> None:
        text = json.dumps(dict(sorted(record.items())), indent=0).encode()
        self._asked(self.filesystem.pipe_file, f"{self.root}/{RECORD}", text)

    def _asked(self, question: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return question(*arguments, **named)
        except request_errors() as error:
            raise _translated(error, self.address) from error


def _translated(error: Exception, address: str) -> Exception:
    """Return what to do about an error of a file system; its text may hold a signed URL, so it is cut."""
    said = f"{address}: {type(error).__name__}: {_shown(str(error))}"
    unfit = FileNotFoundError | PermissionError | NotADirectoryError | IsADirectoryError
    if isinstance(error, unfit) or type(error).__name__ in _SETTINGS:
        return ConfigurationError(said)
    return TransientError(said)


def _shown(url: str) -> str:
    """Return a URL without user, password and query."""
    return re.sub(r"://[^/@\s]*@", "://", url).split("?")[0]
