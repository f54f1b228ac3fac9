"""The ledger: every planned scan, its place in a shard, its one outcome, its costs.

SQLite in WAL mode with synchronous FULL: an answered ``record`` outlives a power cut, and ``status``
reads while a build writes. The driver alone writes. Measured: 860 single transactions a second; a
build needs a few.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from allbrains.errors import CorpusError
from allbrains.files import Hook, passing
from allbrains.records import Done, Outcome, Scan, StepCost
from allbrains.store.layout import SCANS_PER_SHARD, ShardKey
from allbrains.store.ledger_file import connect_to_read, connect_to_write, translating
from allbrains.store.ledger_rows import membership, outcome_from, outcome_row, scan_from, scan_text

_ITS_SHARD = "WHERE (dataset, shard) = (SELECT dataset, shard FROM scans WHERE scan_id = :scan_id)"
_RIPE = """
SELECT dataset, shard FROM scans LEFT JOIN outcomes USING (scan_id)
{which}
GROUP BY dataset, shard
HAVING sum(kind IS NULL OR (kind = 'failed' AND attempts < :attempts)) = 0
ORDER BY dataset, shard
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A planned scan and its place.

    Attributes:
        scan: as the source listed it.
        shard: where its sample goes.
        position: in that shard, from 0; samples stand in this order.
    """

    scan: Scan
    shard: ShardKey
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """A shard's file as it was written; digest empty and size 0 where none of its scans is done.

    Attributes:
        sha256: of the file.
        size: bytes.
    """

    sha256: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How far a build is, in numbers of scans.

    Attributes:
        planned: all; the sum of the others.
        done: processed well.
        rejected: by reason.
        failed: by cause.
        pending: without an outcome.
    """

    planned: int
    done: int
    rejected: Mapping[str, int]
    failed: Mapping[str, int]
    pending: int


class LedgerReader:
    """Questions to a ledger.

    Args:
        connection: to a file with the ledger's tables.
        path: of that file, for messages.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._db, self._path = connection, path

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open an existing ledger without the right to write, also while a build writes to it.

        Raises:
            ConfigurationError: there is none, or it is of a later version.
            CorpusError: the file is not a ledger.
        """
        return cls(connect_to_read(path), path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def members(self, shard: ShardKey | None = None) -> list[Member]:
        """Return all planned scans, or those of one shard, by dataset, shard and position."""
        rows = self._of_shard("SELECT scan, dataset, shard, position FROM scans", shard)
        with self._parsing():
            return [
                Member(scan=scan_from(text), shard=ShardKey(dataset, number), position=position)
                for text, dataset, number, position in rows
            ]

    def planned(self) -> frozenset[str]:
        """Return the ids of all planned scans."""
        return frozenset(scan_id for (scan_id,) in self._rows("SELECT scan_id FROM scans"))

    def outcomes(self, shard: ShardKey | None = None) -> dict[str, Outcome]:
        """Return the outcomes by scan id, without their costs; a scan that has none is pending."""
        columns = "scan_id, kind, reason, cause, detail, sha256, size"
        rows = self._of_shard(f"SELECT {columns} FROM outcomes JOIN scans USING (scan_id)", shard)
        with self._parsing():
            return {scan_id: outcome_from(row) for scan_id, *row in rows}

    def attempts(self) -> dict[str, int]:
        """Return how often each scan that has an outcome was tried."""
        return dict(self._rows("SELECT scan_id, attempts FROM outcomes"))

    def tried(self, scan_id: str) -> int:
        """Return how often one scan was tried."""
        found = self._rows("SELECT attempts FROM outcomes WHERE scan_id = ?", (scan_id,))
        return int(found[0][0]) if found else 0

    def settled(self, *, attempts: int) -> set[str]:
        """Return the ids of the scans that are done or rejected, or have failed so often."""
        query = "SELECT scan_id FROM outcomes WHERE kind != 'failed' OR attempts >= ?"
        return {scan_id for (scan_id,) in self._rows(query, (attempts,))}

    def costs(self) -> Iterator[tuple[str, int, StepCost]]:
        """Yield scan id, attempt (from 1) and cost of every step that was ever run, in order."""
        query = "SELECT scan_id, attempt, step, cpu_s, wall_s, peak_mb FROM costs"
        for scan_id, attempt, step, cpu_s, wall_s, peak_mb in self._rows(
            f"{query} ORDER BY scan_id, attempt, position"
        ):
            yield scan_id, attempt, StepCost(name=step, cpu_s=cpu_s, wall_s=wall_s, peak_mb=peak_mb)

    def seconds_per_scan(self) -> float:
        """Return the mean wall seconds of the last thousand scans that are done; 0 where none is."""
        query = """SELECT ifnull(sum(wall_s) / count(DISTINCT scan_id), 0) FROM costs WHERE scan_id IN (
                   SELECT scan_id FROM outcomes WHERE kind = 'done' ORDER BY rowid DESC LIMIT 1000)"""
        return float(self._rows(query)[0][0])

    def tally(self) -> Tally:
        """Return how many scans have which outcome."""
        query = """SELECT ifnull(kind, 'pending') AS state, ifnull(reason || cause, '') AS code, count(*)
                   FROM scans LEFT JOIN outcomes USING (scan_id) GROUP BY state, code ORDER BY state, code"""
        counts = {(state, code): number for state, code, number in self._rows(query)}
        return Tally(
            planned=sum(counts.values()),
            done=counts.get(("done", ""), 0),
            rejected={code: number for (state, code), number in counts.items() if state == "rejected"},
            failed={code: number for (state, code), number in counts.items() if state == "failed"},
            pending=counts.get(("pending", ""), 0),
        )

    def ripe(self, *, attempts: int = 1, scan_id: str | None = None) -> list[ShardKey]:
        """Return the shards to seal: every member has its last outcome, and the file isn't what they say.

        Args:
            attempts: a failed scan's outcome is its last when it was tried so often.
            scan_id: only this scan's shard; that costs the same however many scans the ledger has.
        """
        query = _RIPE.format(which=_ITS_SHARD if scan_id else "")
        rows = self._rows(query, {"attempts": attempts, "scan_id": scan_id})
        return [shard for shard in (ShardKey(*row) for row in rows) if self._stale(shard)]

    def awaiting(self) -> set[str]:
        """Return the ids of the scans that are done but not yet in a sealed shard."""
        rows = self._rows("SELECT DISTINCT dataset, shard FROM scans")
        stale = [shard for shard in (ShardKey(*row) for row in rows) if self._stale(shard)]
        held = [self.outcomes(shard).items() for shard in stale]
        return {scan_id for items in held for scan_id, outcome in items if isinstance(outcome, Done)}

    def sealed(self) -> dict[ShardKey, Sealed]:
        """Return the shards that have a file."""
        query = "SELECT dataset, shard, sha256, size FROM shards WHERE size > 0 ORDER BY dataset, shard"
        return {
            ShardKey(dataset, number): Sealed(sha256=sha256, size=size)
            for dataset, number, sha256, size in self._rows(query)
        }

    def _stale(self, shard: ShardKey) -> bool:
        """Return whether the shard's file, or its absence, is not what the outcomes say."""
        query = "SELECT members FROM shards WHERE dataset = ? AND shard = ?"
        found = self._rows(query, (shard.dataset, shard.number))
        return (found[0][0] if found else membership({})) != membership(self.outcomes(shard))

    def _of_shard(self, query: str, shard: ShardKey | None) -> list[Any]:
        order = "ORDER BY dataset, shard, position"
        if shard is None:
            return self._rows(f"{query} {order}")
        return self._rows(f"{query} WHERE dataset = ? AND shard = ? {order}", (shard.dataset, shard.number))

    @contextmanager
    def _parsing(self) -> Iterator[None]:
        """Name the scan of a row that can't be read."""
        try:
            yield
        except ValueError as error:
            raise CorpusError(f"{self._path}: a row is broken: {error}") from error

    def _rows(self, query: str, values: Mapping[str, Any] | tuple[Any, ...] = ()) -> list[Any]:
        with translating(self._path):
            return self._db.execute(query, values).fetchall()


class Ledger(LedgerReader):
    """The ledger in the hands of its one writer, for use in one thread.

    Args:
        connection: to a file with the ledger's tables.
        path: of that file, for messages.
        at: called around each commit.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, at: Hook = passing) -> None:
        super().__init__(connection, path)
        self._at = at

    @classmethod
    def open(cls, path: Path, at: Hook = passing) -> Self:
        """Open a ledger to write, or make one.

        Raises:
            ConfigurationError: it is of a later version, or the folder can't be written to.
            CorpusError: the file is not a ledger.
            TransientError: the disk is full.
        """
        return cls(connect_to_write(path), path, at)

    def register(self, scans: Iterable[Scan]) -> int:
        """Give each new scan its shard and position; return how many were new.

        Per dataset in the given order: the last shard is filled to 64 scans, then the next one begun.
        All in one transaction; scans that are known keep their place.
        """
        new = 0
        with self._transaction("register"):
            known = self.planned()
            places: dict[str, int] = {}
            for scan in scans:
                if (scan_id := scan.scan_id) in known:
                    continue
                if scan.dataset not in places:
                    places[scan.dataset] = self._next_place(scan.dataset)
                number, position = divmod(places[scan.dataset], SCANS_PER_SHARD)
                added = self._db.execute(
                    "INSERT INTO scans VALUES (?, ?, ?, ?, ?) ON CONFLICT (scan_id) DO NOTHING",
                    (scan_id, scan.dataset, number, position, scan_text(scan)),
                ).rowcount
                places[scan.dataset] += added
                new += added
        return new

    def record(self, scan_id: str, outcome: Outcome) -> None:
        """Make this the scan's outcome, in the place of a failure before it; add its costs.

        Raises:
            CorpusError: the scan isn't planned, or is done or rejected with another result.
        """
        row = outcome_row(outcome)
        with self._transaction("record"):
            if not self._rows("SELECT 1 FROM scans WHERE scan_id = ?", (scan_id,)):
                raise CorpusError(f"{self._path}: scan {scan_id} has an outcome but was never planned")
            columns = "kind, reason, cause, detail, sha256, size, attempts"
            found = self._rows(f"SELECT {columns} FROM outcomes WHERE scan_id = ?", (scan_id,))
            *before, attempts = found[0] if found else ("failed", 0)
            if before[0] != "failed" and tuple(before) != row:
                raise CorpusError(f"{self._path}: scan {scan_id} is {before} for good, and now {list(row)}")
            self._db.execute(
                f"INSERT OR REPLACE INTO outcomes (scan_id, {columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (scan_id, *row, attempts + 1),
            )
            self._add_costs(scan_id, outcome.costs)

    def reopen(self, scan_ids: Iterable[str]) -> None:
        """Take the outcomes back, so that the scans are run again; what they cost is kept."""
        with self._transaction("reopen"):
            self._db.executemany("DELETE FROM outcomes WHERE scan_id = ?", [(one,) for one in scan_ids])

    def seal(self, shard: ShardKey, sealed: Sealed) -> None:
        """Note that the shard's file holds the samples of all its scans that are done now."""
        with self._transaction("seal"):
            self._db.execute(
                "INSERT OR REPLACE INTO shards VALUES (?, ?, ?, ?, ?)",
                (shard.dataset, shard.number, membership(self.outcomes(shard)), sealed.sha256, sealed.size),
            )

    def unseal(self, shard: ShardKey) -> None:
        """Forget the shard's file, so that it is written again when its scans have their outcomes."""
        with self._transaction("unseal"):
            self._db.execute(
                "DELETE FROM shards WHERE dataset = ? AND shard = ?", (shard.dataset, shard.number)
            )

    def remove(self, dataset: str) -> int:
        """Forget a dataset with its scans, outcomes, costs and shards; return how many scans it had."""
        with self._transaction("remove"):
            for table in ("outcomes", "costs"):
                self._db.execute(
                    f"DELETE FROM {table} WHERE scan_id IN (SELECT scan_id FROM scans WHERE dataset = ?)",
                    (dataset,),
                )
            self._db.execute("DELETE FROM shards WHERE dataset = ?", (dataset,))
            return self._db.execute("DELETE FROM scans WHERE dataset = ?", (dataset,)).rowcount

    def _next_place(self, dataset: str) -> int:
        """Return how many places of the dataset's shards were given away."""
        query = "SELECT ifnull(max(shard * ? + position) + 1, 0) FROM scans WHERE dataset = ?"
        return int(self._rows(query, (SCANS_PER_SHARD, dataset))[0][0])

    def _add_costs(self, scan_id: str, costs: tuple[StepCost, ...]) -> None:
        query = "SELECT ifnull(max(attempt), 0) + 1 FROM costs WHERE scan_id = ?"
        attempt = self._rows(query, (scan_id,))[0][0]
        self._db.executemany(
            "INSERT INTO costs VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (scan_id, attempt, position, cost.name, cost.cpu_s, cost.wall_s, cost.peak_mb)
                for position, cost in enumerate(costs)
            ],
        )

    @contextmanager
    def _transaction(self, name: str) -> Iterator[None]:
        with translating(self._path), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._at(f"committing {name}")
        self._at(f"committed {name}")
