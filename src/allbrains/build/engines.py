"""Where scans run. An engine takes scans and gives outcomes, in any order; it keeps no record."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from allbrains.build.guard import Guard, Limits, Stopped
from allbrains.build.run import Job
from allbrains.records import Outcome, Scan

Results = Iterator[tuple[Scan, Outcome]]


class Engine(Protocol):
    """The shape of every engine."""

    def __call__(self, scans: Iterable[Scan], job: Job) -> Results:
        """Yield each scan's outcome as it comes; closing the generator ends what is in flight."""


class Local:
    """Slots on this machine: a thread each, which drives a guarded child."""

    def __init__(self, *, slots: int, limits: Limits, log: Path) -> None:
        self._slots, self._limits, self._log = slots, limits, log

    def __call__(self, scans: Iterable[Scan], job: Job) -> Results:
        """Yield outcomes; at most ``slots`` scans are in flight, none is taken before a slot is free."""
        waiting, stop = _Shared(iter(scans)), threading.Event()
        results: queue.Queue[tuple[Scan, Outcome] | None] = queue.Queue()

        def serve() -> None:
            guard = Guard(job, self._limits, self._log, stop)
            try:
                for scan in waiting:
                    results.put((scan, guard(scan)))
            except Stopped:
                pass
            finally:
                guard.close()
                results.put(None)

        # the executor's threads live as long as the run, and so may the children that they made
        with ThreadPoolExecutor(self._slots, thread_name_prefix="slot") as pool:
            slots = [pool.submit(serve) for _ in range(self._slots)]
            try:
                for _ in slots:
                    while (result := results.get()) is not None:
                        yield result
            finally:
                stop.set()
        for slot in slots:
            slot.result()  # raises what went wrong in the slot itself


class _Shared:
    """An iterator that several threads may take from."""

    def __init__(self, items: Iterator[Scan]) -> None:
        self._items, self._lock = items, threading.Lock()

    def __iter__(self) -> Iterator[Scan]:
        return self

    def __next__(self) -> Scan:
        with self._lock:
            return next(self._items)
