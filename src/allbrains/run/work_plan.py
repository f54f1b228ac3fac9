"""What there is to do, and what it will cost. Pure: tables, ledger and recipe in, a plan out."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from allbrains.records import Cause, Failed, Outcome, Scan

ATTEMPTS = 3  # over all runs: a scan that failed so often has failed for good

# Tries in one run, by what ended the first. The same bytes raise the same exception; the same hang or crash
# may have been the machine's. The next run tries again in any case, up to ATTEMPTS.
TRIES = {
    Cause.EXCEPTION: 1,
    Cause.DISK: 1,
    Cause.UNAVAILABLE: 1,
    Cause.SIGNAL: 2,
    Cause.EXIT: 2,
    Cause.TIMEOUT: 2,
    Cause.MEMORY: 2,
    Cause.NETWORK: 3,
}

# Measured on one thread with the embedded recipe (docs/benchmarks.md); replaced by the corpus' own
# mean as soon as it has one.
TYPICAL_SECONDS = 15.0
TYPICAL_SAMPLE_BYTES = 11.5e6  # a shard of ds000011 sub-01 alone: eight maps at 1 mm, a displacement field


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The scans to run now, and how many are settled already.

    Attributes:
        todo: never run, or failed fewer than ``attempts`` times.
        settled: done, rejected, or failed for the last time.
        seconds_per_scan: wall seconds of one scan in one slot.
    """

    todo: tuple[Scan, ...]
    settled: int
    seconds_per_scan: float

    @property
    def bytes_to_fetch(self) -> int:
        """Bytes of the scans to run."""
        return sum(scan.size for scan in self.todo)

    def hours(self, slots: int) -> float:
        """Return the hours of work with this many slots."""
        return len(self.todo) * self.seconds_per_scan / slots / 3600

    def temporary_bytes(self, slots: int) -> int:
        """Return the most disk that scans in flight take: each slot its own largest file."""
        return sum(sorted((scan.size for scan in self.todo), reverse=True)[:slots])


def make_plan(
    scans: Iterable[Scan], settled: Collection[str], *, seconds_per_scan: float = TYPICAL_SECONDS
) -> Plan:
    """Return what is left to do of these scans.

    Args:
        scans: what the catalogue selects.
        settled: ids of the scans that are done, rejected, or failed for the last time.
        seconds_per_scan: measured, or typical.
    """
    every = list(scans)
    todo = tuple(scan for scan in every if scan.scan_id not in settled)
    return Plan(todo=todo, settled=len(every) - len(todo), seconds_per_scan=seconds_per_scan)


def again(outcome: Outcome, *, now: int, ever: int) -> bool:
    """Return whether a scan is to be tried once more in this run.

    Args:
        outcome: of its last try.
        now: tries in this run.
        ever: tries in all runs, with those.
    """
    return isinstance(outcome, Failed) and now < TRIES[outcome.cause] and ever < ATTEMPTS
