"""The nouns. Frozen, slotted, keyword-only; no disk, network, clock or environment in here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from allbrains.errors import Reason

Array = NDArray[Any]
Affine = NDArray[np.float64]


class Algorithm(StrEnum):
    """How a digest is made. ``git-sha1`` is git's blob id: SHA-1 over ``blob <size>\\0`` and the bytes."""

    MD5 = "md5"
    SHA256 = "sha256"
    GIT_SHA1 = "git-sha1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What a file's bytes must hash to."""

    algorithm: Algorithm
    hexdigest: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hexdigest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One image file of one dataset, as its source lists it.

    Attributes:
        dataset: accession or folder name, such as ``ds000011``.
        snapshot: version tag, such as ``1.0.0``.
        path: BIDS path inside the dataset, with forward slashes.
        subject: label without ``sub-``; text, so ``01`` stays ``01``.
        session: label without ``ses-``, empty where the path names none.
        suffix: ``T1w`` and its like.
        entities: all entities of the file name in their order, such as ``(("sub", "01"), ("run", "1"))``.
        size: bytes.
        digest: of the bytes as published.
        urls: where to fetch it, best first.
    """

    dataset: str
    snapshot: str
    path: str
    subject: str
    session: str
    suffix: str
    entities: tuple[tuple[str, str], ...]
    size: int
    digest: Digest
    urls: tuple[str, ...]

    @property
    def key(self) -> str:
        """Name for people, unique in a corpus: dataset and path."""
        return f"{self.dataset}/{self.path}"

    @property
    def scan_id(self) -> str:
        """Name for machines: 32 hex digits over dataset, path and content; safe as a file name."""
        text = "\0".join((self.dataset, self.path, str(self.digest)))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """An image with its place in the world.

    Attributes:
        array: shape (x, y, z).
        affine: shape (4, 4), voxel index → millimetres in RAS+.
    """

    array: Array
    affine: Affine

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Edge lengths of a voxel, mm."""
        x, y, z = ((self.affine[:3, :3] ** 2).sum(axis=0) ** 0.5).tolist()
        return (x, y, z)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMap:
    """One map of a sample in the numbers that go to disk: ``value = stored * scale + offset``.

    Attributes:
        array: shape (x, y, z), or (x, y, z, component); an integer type, C order.
        scale: width of one step, in the map's unit.
        offset: value of a stored 0, in the map's unit.
        affine: shape (4, 4), voxel → template RAS+ mm, of a map with a grid of its own; None where the
            map is on the corpus grid.
    """

    array: Array
    scale: float
    offset: float = 0.0
    affine: Affine | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What one scan becomes.

    Attributes:
        maps: by name, on the corpus grid or on one that they bring along.
        numbers: volumes (``*_ml``), metrics and the rest, by name; the same for the same bytes and recipe.
        texts: provenance and flags, by name.
        montage: a JPEG picture of the result, at most 40 kB.
        mosaic: a JPEG picture of the whole head in its own space, at most 120 kB; empty where there is none.
        outlines: a PNG picture of the same size with what the steps took for brain and for white matter.
    """

    maps: Mapping[str, StoredMap]
    numbers: Mapping[str, float]
    texts: Mapping[str, str]
    montage: bytes
    mosaic: bytes = b""
    outlines: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCost:
    """What one step of one scan cost: seconds of CPU and wall, peak memory of the process in MB."""

    name: str
    cpu_s: float
    wall_s: float
    peak_mb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The scan is a staged file of ``size`` bytes; all that its row says hashes to ``sha256``."""

    sha256: str
    size: int
    costs: tuple[StepCost, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The scan can't become a sample, and trying again gives the same answer."""

    reason: Reason
    detail: str
    costs: tuple[StepCost, ...] = ()


class Cause(StrEnum):
    """What ended a scan from outside its own logic."""

    EXCEPTION = "exception"
    SIGNAL = "signal"
    EXIT = "exit"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    NETWORK = "network"  # no answer, or the answer "later"
    UNAVAILABLE = "unavailable"  # all URLs refused
    DISK = "disk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The scan ended for a cause that a further try may not meet.

    Attributes:
        cause: what ended it.
        detail: one sentence: the exception, the signal's name, the limit and what was reached.
    """

    cause: Cause
    detail: str
    costs: tuple[StepCost, ...] = field(default=())


Outcome = Done | Rejected | Failed
