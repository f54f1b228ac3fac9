"""The nouns of every source: a snapshot of a dataset, its files, and what a source must be able to do.

Adding a source is one file with a class of the ``Source`` shape. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from allbrains.errors import SourceError
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
    SIGNAL_PART = "signal_part"  # the phase, real or imaginary part of a complex signal
    INVERSION = "inversion"  # one of the two images that an MP2RAGE is computed from
    LOCALISER = "localiser"  # a picture for planning the others
    OTHER_BODY = "other_body"  # its name says another part of the body than the head
    IGNORED = "ignored"  # the dataset's .bidsignore hides it
    NON_HUMAN = "non_human"  # an animal's brain
    PHANTOM = "phantom"  # no brain at all
    EX_VIVO = "ex_vivo"  # a brain outside a living head
    NO_T1W = "no_t1w"  # dataset, a note: it has no T1w but another image of T1 contrast
    DERIVATIVE_DATASET = "derivative_dataset"  # dataset, a note: it calls itself derivative; raw names stay
    LISTING_FAILED = "listing_failed"  # dataset: its files could not be listed
    LISTING_TRUNCATED = "listing_truncated"  # dataset: no way of listing gives all of its files
    LISTED_BY_BUCKET = "listed_by_bucket"  # dataset: some of its files are known from the bucket's list only
    NOT_ACCESSIBLE = "not_accessible"  # dataset: asked for by name, and private or unknown
    LOCK_BROKEN = "lock_broken"  # dataset: it is no longer what the lock file says
    UNLISTED = "unlisted"  # dataset: was there on the previous run, and is not; kept this once
    WITHDRAWN = "withdrawn"  # dataset: deleted by its owner, or gone on two runs in a row
    LABELS_REFUSED = "labels_refused"  # dataset: a column of its participants' tables can't be trusted
    LABELS_UNJOINED = "labels_unjoined"  # dataset: subject folders of which no table tells anything
    TEXT_FAILED = "text_failed"  # a small file beside the scans could not be read now
    TEXT_UNAVAILABLE = "text_unavailable"  # the same, but every address refuses it: a known gap
    TEXT_UNREADABLE = "text_unreadable"  # a sidecar or a description that is no JSON object: it says nothing
    HEADER_FAILED = "header_failed"  # the image's header could not be read now
    HEADER_UNAVAILABLE = "header_unavailable"  # the same, but every address refuses it: a known gap
    API_CHANGED = "api_changed"  # the API no longer knows some columns' fields: they are empty


# One of these means that the catalogue is not complete: what it names may be there, and was not read.
INCOMPLETE = frozenset(
    {
        Exclusion.LISTING_FAILED,
        Exclusion.LISTING_TRUNCATED,
        Exclusion.NOT_ACCESSIBLE,
        Exclusion.LOCK_BROKEN,
        Exclusion.TEXT_FAILED,
        Exclusion.HEADER_FAILED,
        Exclusion.API_CHANGED,
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
        how_to_acknowledge: as written.
        references: as written.
        dataset_type: ``raw`` or ``derivative`` as written.
        species: as the owner states it on the site; empty where nothing is stated.
        ages: of participants as the site tells them, years; empty where it tells none.
        modalities: as the site's validator found them, coarse and fine: mri, mri_structural.
        defaced: the owner affirms that faces were removed; None where nothing is stated.
        consent: the owner affirms consent to publish faces; None where nothing is stated.
        deprecated: the owner's reason against using this version, empty where there is none.
        published: when the dataset was made public, ISO 8601, or empty.
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
    how_to_acknowledge: str = ""
    references: tuple[str, ...] = ()
    dataset_type: str = ""
    species: str = ""
    ages: tuple[float, ...] = ()
    modalities: tuple[str, ...] = ()
    defaced: bool | None = None
    consent: bool | None = None
    deprecated: str = ""
    published: str = ""
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
        snapshot: the one that is listed.
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
        lacking: so many datasets more are counted by the source, but not listed.
        version: of the server's software, empty where there is none.
    """

    snapshots: tuple[Snapshot, ...]
    excluded: tuple[Excluded, ...] = ()
    lacking: int = 0
    version: str = ""


class Absence(StrEnum):
    """What a source says of a dataset that it does not list."""

    DELETED = "deleted"  # its owner took it back
    REFUSED = "refused"  # unknown or private: perhaps for a moment only
    UNKNOWN = "unknown"  # no answer now


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A dataset that is not there, and the source's own words."""

    kind: Absence
    evidence: str


class Misshapen(SourceError):
    """What a source says of one dataset has another shape than it should; of the others it may be right."""


class Departed(SourceError):
    """A dataset is gone, as its source finds when asked for its files.

    Attributes:
        absent: what the source says.
    """

    def __init__(self, absent: Absent) -> None:
        super().__init__(absent.evidence)
        self.absent = absent


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A small file that could not be read.

    Attributes:
        path: inside the dataset.
        evidence: one line.
        final: every address refuses it or delivers other bytes: another try gives the same.
    """

    path: str
    evidence: str
    final: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Verified bytes of small files by path, and those that could not be had."""

    files: Mapping[str, bytes]
    unread: tuple[Unread, ...] = ()


class Source(Protocol):
    """Where scans come from.

    Attributes:
        name: of the service or folder; two sources with one name list the same datasets.
        fixed: whether a snapshot's files never change.
    """

    name: str
    fixed: bool

    def snapshots(self) -> Found:
        """Return the datasets that there are.

        Raises:
            SourceError: the source can't be reached, or what it says can't be trusted.
        """

    def whereabouts(self, dataset: str) -> Snapshot | Absent:
        """Return what became of a dataset that ``snapshots`` used to list.

        Raises:
            SourceError: what the source says can't be trusted.
        """

    def listing(self, snapshot: Snapshot) -> Listing:
        """Return a snapshot's files.

        Raises:
            TransientError: not now.
            Departed: the dataset is gone.
            SourceError: what came can't be trusted.
        """

    def read(self, snapshot: Snapshot, entries: Sequence[Entry]) -> Texts:
        """Return small text files; one that can't be had doesn't keep back the others."""

    def close(self) -> None:
        """Let what other threads are reading end soon, with any error: a crawl is broken off.

        Nothing is read from the source afterwards.
        """

    def complaints(self) -> tuple[Excluded, ...]:
        """Return what, as far as has been seen, holds for the source as a whole."""


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


_TABLES = tuple(f"{name}.{kind}" for name in ("participants", "sessions") for kind in ("tsv", "json"))
# how a file's name may go on after its last underscore
_LAST = frozenset(
    f"{suffix}{extension}"
    for suffix in ("T1w", "T2w", "FLAIR", "UNIT1")
    for extension in (".nii.gz", ".nii", ".json")
) | frozenset(_TABLES)
# names that only nearly end as a scan's do, so that they can be told (``raw_names.misspelt``)
_NEARLY = frozenset(
    f"{suffix}{extension}"
    for suffix in ("T1w", "t1w", "T1W", "T1", "UNIT1")
    for extension in (
        *(".nii.gz", ".nii", ".mgz", ".mgh", ".img", ".img.gz", ".nrrd"),
        *(".NII.GZ", ".NII", ".nii.GZ", ".Nii.gz"),
    )
)
_LAST = _LAST | _NEARLY
_PLAIN = tuple(f"/{name}" for name in _TABLES)
_ENDS = frozenset(f"_{name}"[-8:] for name in _LAST)


def matters(path: str) -> bool:
    """Return whether a file can be a scan or describes one; see ``which_matter``."""
    return which_matter((path,))[0]


def which_matter(paths: Iterable[str]) -> list[bool]:
    """Return, for each path, whether it can be a scan or describes one.

    The rest (functional images, derivatives' tables …) is 99 % of OpenNeuro's seven million files
    and is counted, not kept.
    """
    # seven million: no call for each, and one look at the last letters settles nearly all of them
    return [
        (path[-8:] in _ENDS and (path.rpartition("_")[2] in _LAST or path.endswith(_PLAIN)))
        or "/" not in path
        or path[:10] == "phenotype/"
        for path in paths
    ]
