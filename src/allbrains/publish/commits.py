"""What has to be sent so that a target holds what it should. Pure.

The plan is made anew from what the target holds before every commit, so a killed or failed commit needs no
bookkeeping: it is either there or it isn't.

Order: the manifest first (a half-filled target can be told from a stranger's), shards and tables in small
commits, then in one last commit whatever names them (samples table, card), with all removals. So readers of
the target never find a row before its shard has arrived.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from allbrains.records import Algorithm, Digest

# What allbrains puts there, and so may remove; anything else in a target is its owner's.
OURS_FOLDERS = ("shards/", "metadata/", "figures/")
FIRST = "allbrains.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A file that the target should hold.

    Attributes:
        name: there, with forward slashes.
        path: here.
        size: bytes.
        sha256: hex digest.
        git_sha1: git's blob id, for files that a target keeps in git itself; empty for large ones.
        last: it names other files, so it goes with the last commit.
    """

    name: str
    path: Path
    size: int
    sha256: str
    git_sha1: str = ""
    last: bool = False

    def same_as(self, held: Held) -> bool:
        """Return whether the target holds just these bytes."""
        digests = {Algorithm.SHA256: self.sha256, Algorithm.GIT_SHA1: self.git_sha1}
        return held.size == self.size and digests.get(held.digest.algorithm) == held.digest.hexdigest


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A file that a target holds."""

    size: int
    digest: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitLimits:
    """How much goes into one commit.

    Attributes:
        files: the Hub asks for at most 50 to 100.
        nbytes: about four shards, so that a killed upload repeats little; a larger file goes by itself.
    """

    files: int = 50
    nbytes: int = 2_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One step of a plan: all of it happens, or nothing."""

    adds: tuple[Item, ...] = ()
    removes: tuple[str, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes to send."""
        return sum(item.size for item in self.adds)


def commits(items: Iterable[Item], held: Mapping[str, Held], limits: CommitLimits) -> list[Commit]:
    """Return the commits that are still to be made, in order; none where the target holds it all."""
    wanted = {item.name: item for item in items}
    missing = [item for item in wanted.values() if not _is_there(item, held)]
    early = sorted(
        (item for item in missing if not item.last), key=lambda item: (item.name != FIRST, item.name)
    )
    late = tuple(sorted((item for item in missing if item.last), key=lambda item: item.name))
    gone = tuple(sorted(name for name in held if name not in wanted and _is_ours(name)))
    batches = [Commit(adds=tuple(batch)) for batch in _batches(early, limits)]
    return [*batches, Commit(adds=late, removes=gone)] if late or gone else batches


def _is_there(item: Item, held: Mapping[str, Held]) -> bool:
    found = held.get(item.name)
    return found is not None and item.same_as(found)


def _is_ours(name: str) -> bool:
    return name.startswith(OURS_FOLDERS) or name == "splits.parquet"


def _batches(items: Iterable[Item], limits: CommitLimits) -> Iterator[list[Item]]:
    batch: list[Item] = []
    for item in items:
        full = len(batch) == limits.files or sum(one.size for one in batch) + item.size > limits.nbytes
        if batch and full:
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch
