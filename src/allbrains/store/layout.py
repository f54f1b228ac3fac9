"""The names of everything in an output folder. Pure.

::

    OUT/allbrains.json                            what this folder holds: format, recipe, grid
    OUT/ledger.sqlite                             every planned scan, its shard, its outcome, its costs
    OUT/staging/<scan_id>.parquet                 finished scans that wait for their shard to be sealed
    OUT/shards/<dataset>/<dataset>-00000.parquet  samples, at most 64 a file, one a row group
    OUT/samples.parquet                           one row for each planned scan, with map places
    OUT/SHA256SUMS                                digests of the shards and of that table
    OUT/logs/<when>-<pid>.log                     one a run, the scan's key on each line
    OUT/splits.parquet                            which side of a split each sample is on, where there is one
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

SCANS_PER_SHARD = 64  # about 0.55 GB at 1 mm: few enough files for a hub, small enough to write again

_UNSAFE = re.compile(rb"[^A-Za-z0-9_.-]|\A[.-]")
_LONGEST = 100  # characters: the shard's own suffix and a temporary name's must fit in 255 bytes


@dataclass(frozen=True, slots=True, order=True)
class ShardKey:
    """Which shard: the dataset that it belongs to and its number there, from 0."""

    dataset: str
    number: int

    def __str__(self) -> str:
        return f"{self.dataset}-{self.number:05d}"


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are in the output folder ``root``."""

    root: Path

    @property
    def manifest(self) -> Path:
        """What the folder holds."""
        return self.root / "allbrains.json"

    @property
    def ledger(self) -> Path:
        """The SQLite file."""
        return self.root / "ledger.sqlite"

    @property
    def staging(self) -> Path:
        """The folder of staged samples."""
        return self.root / "staging"

    @property
    def logs(self) -> Path:
        """The folder of the runs' logs."""
        return self.root / "logs"

    @property
    def shards(self) -> Path:
        """The folder of the datasets' folders."""
        return self.root / "shards"

    @property
    def samples(self) -> Path:
        """The table with one row for each planned scan."""
        return self.root / "samples.parquet"

    @property
    def sums(self) -> Path:
        """The list of digests."""
        return self.root / "SHA256SUMS"

    def staged(self, scan_id: str) -> Path:
        """Return where a scan's staged sample is."""
        return self.staging / f"{scan_id}.parquet"

    def shard_name(self, shard: ShardKey) -> str:
        """Return a shard's path relative to the root, with forward slashes."""
        folder = folder_name(shard.dataset)
        return f"shards/{folder}/{folder}-{shard.number:05d}.parquet"

    def shard(self, shard: ShardKey) -> Path:
        """Return where a shard is."""
        return self.root / self.shard_name(shard)


def folder_name(dataset: str) -> str:
    """Return a name for the dataset's folder that is safe on disk and differs where datasets differ.

    An accession is its own name. Elsewhere (a folder name with blanks, say) each byte outside
    ``A-Za-z0-9_.-`` becomes ``%XX``, and a name that is then too long ends in a digest of the whole.
    """
    name = _UNSAFE.sub(lambda match: b"%%%02X" % match[0][0], dataset.encode()).decode()
    if len(name) <= _LONGEST:
        return name
    return f"{name[: _LONGEST - 17]}~{hashlib.sha256(dataset.encode()).hexdigest()[:16]}"
