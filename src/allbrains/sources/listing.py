"""The nouns of every source: a snapshot of a dataset, its files, and what a source must be able to do.

Adding a source is one file with a class of the ``Source`` shape. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from allbrains.records import Algorithm, Digest


class Route(StrEnum):
    """How a listing was read."""

    RECURSIVE = "recursive"
    TREE = "tree"
    S3 = "s3"
    FOLDER = "folder"


class Exclusion(StrEnum):
    """Why a file, or a whole dataset, is not among the scans."""

    APPLE_DOUBLE = "apple_double"  # the resource fork of a Mac: `._` before another file's name
    DERIVATIVE = "derivative"  # computed from a scan, not a scan
    SOURCE_DATA = "source_data"  # the unconverted original of a scan
    CODE = "code"  # test data of a program
    OUTSIDE_SUBJECT = "outside_subject"  # in no sub-* folder at the top
    WRONG_FOLDER = "wrong_folder"  # not directly in sub-*/[ses-*/]anat
    WRONG_SUBJECT = "wrong_subject"  # the name says another subject than the folder
    WRONG_SESSION = "wrong_session"  # the name says another session than the folder
    NOT_BIDS = "not_bids"  # the name is not made of entities
    TINY = "tiny"  # fewer bytes than any image of a head
    NO_DIGEST = "no_digest"  # nothing published that its bytes could be checked against
    NOT_FETCHED = "not_fetched"  # a git-annex pointer whose content is not on this machine
    LISTING_FAILED = "listing_failed"  # dataset: its files could not be listed
    LISTING_TRUNCATED = "listing_truncated"  # dataset: its listing is shorter than its own summary says
    NOT_ACCESSIBLE = "not_accessible"  # dataset: deleted, private or unknown
    PARTICIPANTS_FAILED = "participants_failed"  # dataset: its demographics could not be fetched


# A dataset with one of these means that the catalogue is not complete.
INCOMPLETE = frozenset(
    {
        Exclusion.LISTING_FAILED,
        Exclusion.LISTING_TRUNCATED,
        Exclusion.NOT_ACCESSIBLE,
        Exclusion.PARTICIPANTS_FAILED,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """A file, or with an empty path a dataset, that is not among the scans, and the evidence."""

    dataset: str
    snapshot: str
    path: str
    reason: Exclusion
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One version of one dataset, as its source describes it.

    Attributes:
        dataset: accession or folder name.
        tag: version, such as ``1.0.0``; empty where the source has none.
        hexsha: git commit of the version, empty where there is none.
        name: title.
        license: as written.
        doi: as written.
        authors: as written.
        created: when the snapshot was made, ISO 8601, or empty.
        size: bytes of all files, 0 where unknown.
        files: how many files its own summary announces, 0 where it has none.
        subjects: how many subjects that summary announces, 0 where it has none.
    """

    dataset: str
    tag: str
    hexsha: str = ""
    name: str = ""
    license: str = ""
    doi: str = ""
    authors: tuple[str, ...] = ()
    created: str = ""
    size: int = 0
    files: int = 0
    subjects: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file of a listing.

    Attributes:
        path: inside the dataset, forward slashes. Data of a server: never a local file name.
        size: bytes.
        digest: of its bytes; none where the source publishes none that we know how to make.
        urls: where to fetch it, best first; empty where there is no content to fetch.
    """

    path: str
    size: int
    digest: Digest | None
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """The files of a snapshot that matter here (see ``matters``), and how the listing came about.

    Attributes:
        snapshot: whose files.
        entries: those that matter, in the source's order.
        files: how many files the whole listing had.
        route: how it was read.
        excluded: what the source itself had to leave out.
    """

    snapshot: Snapshot
    entries: tuple[Entry, ...]
    files: int
    route: Route
    excluded: tuple[Excluded, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The snapshots of a source, and the datasets that it knows of but could not describe.

    Attributes:
        snapshots: one a dataset.
        excluded: with an empty path.
    """

    snapshots: tuple[Snapshot, ...]
    excluded: tuple[Excluded, ...] = ()


class Source(Protocol):
    """Where scans come from."""

    def snapshots(self) -> Found:
        """Return the datasets that there are.

        Raises:
            SourceError: the source can't be reached, or what it says can't be trusted.
        """

    def listing(self, snapshot: Snapshot) -> Listing:
        """Return a snapshot's files.

        Raises:
            TransientError: not now.
            SourceError: what came can't be trusted.
        """

    def read(self, snapshot: Snapshot, entries: Sequence[Entry]) -> Mapping[str, bytes]:
        """Return the verified bytes of small text files, by path.

        Raises:
            TransientError: one of them can't be had now.
            SourceError: one of them can't be had or checked.
            ScanUnusable: the bytes of one are others than published.
        """


_ANNEX_KEY = re.compile(
    r"(?P<backend>MD5|SHA256)E?(?:-s(?P<size>\d+))?(?:-[mSC]\d+)*--"
    r"(?P<hex>[0-9a-f]{64}|[0-9a-f]{32})(?:\.[^/]*)?\Z"
)
_GIT_ID = re.compile(r"[0-9a-f]{40}\Z")
_LENGTHS = {"MD5": 32, "SHA256": 64}


def digest_of(file_id: str) -> Digest | None:
    """Return the digest inside a git-annex key or a git object id, or none where there is none we know.

    References:
        git-annex, "key format": ``BACKEND[-sNNN][-mNNN][-SNNN-CNNN]--NAME[.EXTENSION]``.
    """
    if _GIT_ID.match(file_id):
        return Digest(algorithm=Algorithm.GIT_SHA1, hexdigest=file_id)
    key = _ANNEX_KEY.match(file_id)
    if key is None or len(key["hex"]) != _LENGTHS[key["backend"]]:
        return None
    return Digest(algorithm=Algorithm(key["backend"].lower()), hexdigest=key["hex"])


def annex_size(key: str) -> int | None:
    """Return the size inside a git-annex key, or none where it has none."""
    match = _ANNEX_KEY.match(key)
    return int(match["size"]) if match and match["size"] else None


_SMALL = re.compile(r"(?:.*_)?(?:participants|sessions|scans|samples)\.(?:tsv|json)\Z")
_ANATOMY = re.compile(r"_(?:T1w|T2w|FLAIR|UNIT1)\.(?:nii|nii\.gz|json)\Z")


def matters(path: str) -> bool:
    """Return whether a file may become a scan or says something about one.

    The rest (functional images, derivatives' tables …) is 99 % of OpenNeuro's seven million files
    and is counted, not kept.
    """
    name = path.rpartition("/")[2]
    at_top = "/" not in path
    return bool(at_top or _ANATOMY.search(name) or _SMALL.match(name) or path.startswith("phenotype/"))
