"""What the sandbox needs to know of the datasets that it serves.

`Archive` is the seam: a folder on disk is one, a made-up OpenNeuro or one that lies is another. An
archive that raises gives what the real server gives when its worker fails: an error on that field.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

IMAGE_EXTENSIONS = (".nii.gz", ".nii")  # a copy: the stand-in shares no rule with what it tests
ANNEX_OVER_BYTES = 1_000_000  # OpenNeuro's .gitattributes: annex.largefiles=largerthan=1mb
FIRST_SHA256_DATASET = "ds004199"  # T1w up to ds004173 are MD5E, from ds004199 on SHA256E
# git-annex keeps up to two extensions of at most four characters in a key
_KEY_EXTENSION = re.compile(r"(?:\.[A-Za-z0-9]{1,4}){1,2}\Z")
_ACCESSION = re.compile(r"ds\d{6}\Z")


class NotServed(LookupError):
    """There is no such dataset or file in the archive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundObject:
    """A file of a dataset as its folder shows it; nothing of its content was read.

    Attributes:
        path: inside the dataset, with forward slashes.
        size: bytes.
        modified_ns: time of the last change, nanoseconds since 1970.
    """

    path: str
    size: int
    modified_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """What a file's bytes hash to, in hexadecimal digits.

    Attributes:
        md5: the ETag.
        object_id: annex key, or git's blob id; the ``id`` of the API.
        version: S3 version id of 32 characters; empty for one that is made of path and MD5.
    """

    md5: str
    object_id: str
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an archive says of a snapshot by itself, where the files' names and texts don't tell.

    Attributes:
        tag: the version.
        created: when it was made, ISO 8601.
        published: when the dataset was made public, ISO 8601.
        hexsha: of the commit, 40 hex digits.
        size: bytes of all files.
        summary: fields of the API's ``Summary``; None where the validator never ran.
        metadata: fields of the API's ``Metadata`` that the owner filled in.
    """

    tag: str
    created: str
    published: str
    hexsha: str
    size: int
    summary: Mapping[str, Any] | None
    metadata: Mapping[str, Any]


class Archive(Protocol):
    """Where the sandbox's datasets come from. A class that names it as its base inherits the last two."""

    def datasets(self) -> tuple[str, ...]:
        """Return the accessions, oldest first."""

    def files(self, dataset: str) -> tuple[FoundObject, ...]:
        """Return all files of a dataset in the API's order: by depth, then by path.

        Raises:
            NotServed: there is no such dataset.
        """

    def find(self, dataset: str, path: str) -> FoundObject:
        """Return one file of a dataset.

        Raises:
            NotServed: there is no such file, or it is none of the caller's business.
        """

    def digests(self, dataset: str, file: FoundObject) -> Digests:
        """Return what the file's content hashes to."""

    def read(self, dataset: str, path: str, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from ``start`` up to, not including, ``stop``."""

    def told(self, dataset: str) -> Told | None:
        """Return what the archive knows of a snapshot; None where it is to be read off the files."""
        return None

    def encoded(self, dataset: str, base: str, fields: tuple[tuple[str, str], ...]) -> bytes | None:
        """Return all rows of a listing as JSON, or None where they are to be made one by one.

        Args:
            dataset: accession.
            base: scheme and host of the URLs in it.
            fields: of each row: key in the JSON object and the field's name, in their order.
        """
        return None


def listing_order(path: str) -> tuple[int, str]:
    """Return the sort key of a path in ``files(recursive: true)``."""
    return path.count("/"), path


def is_annexed(path: str, size: int) -> bool:
    """Return whether OpenNeuro would keep the file in git-annex rather than in git."""
    return path.endswith(IMAGE_EXTENSIONS) or size > ANNEX_OVER_BYTES


def object_hash(dataset: str, path: str, size: int) -> hashlib._Hash:
    """Return a hash, ready to be fed the file's bytes, from which `object_id` makes its id."""
    if not is_annexed(path, size):
        return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    if _ACCESSION.match(dataset) and dataset >= FIRST_SHA256_DATASET:
        return hashlib.sha256()
    return hashlib.md5(usedforsecurity=False)


def object_id(path: str, size: int, digest: hashlib._Hash) -> str:
    """Return a file's annex key or git blob id, once its bytes were fed to its `object_hash`."""
    if digest.name == "sha1":
        return digest.hexdigest()
    return f"{digest.name.upper()}E-s{size}--{digest.hexdigest()}{key_extension(path)}"


def key_extension(path: str) -> str:
    """Return what git-annex keeps of a file's name in its key."""
    extension = _KEY_EXTENSION.search(path.rpartition("/")[2].lstrip("."))
    return extension[0] if extension else ""


def version_id(dataset: str, path: str, digests: Digests) -> str:
    """Return the S3 version id of a file: 32 characters that change with its content."""
    if digests.version:
        return digests.version
    digest = hashlib.sha256(f"{dataset}/{path}\0{digests.md5}".encode()).digest()[:24]
    return base64.b64encode(digest, altchars=b"._").decode()
