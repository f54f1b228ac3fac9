"""Where scans run. An engine takes scans and gives reports, in any order; it keeps no record."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from allbrains.records import Scan
from allbrains.run.slot.guard import WORKER, CannotStart, Guard, Report, SlotLimits, Stopped
from allbrains.run.slot.job import Job
from allbrains.run.slot.scratch import sweep_scratch

Results = Generator[tuple[Scan, Report], None, None]


class Engine(Protocol):
    """The shape of every engine."""

    @property
    def slots(self) -> int:
        """How many scans run at once."""

    def close(self) -> None:
        """Give back what is kept between calls."""

    def __call__(self, scans: Iterable[Scan], job: Job) -> Results:
        """Yield each scan's report as it comes; closing the generator ends what is in flight.

        No more scans are taken than there is room for: the caller may stop feeding at any time.

        Raises:
            CannotStart: workers don't come up; nothing is wrong with the scans.
        """


class Local:
    """Slots on this machine: a thread each, which drives a guarded child."""

    def __init__(self, *, slots: int, limits: SlotLimits, command: Sequence[str] = WORKER) -> None:
        self.slots, self._limits, self._command = slots, limits, command

    def close(self) -> None:
        """Do nothing: each call ends its own slots."""

    def __call__(self, scans: Iterable[Scan], job: Job) -> Results:
        """Yield reports; at most ``slots`` scans are in flight, none is taken before a slot is free."""
        sweep_scratch()
        waiting, stop = _Shared(iter(scans)), threading.Event()
        results: queue.Queue[tuple[Scan, Report] | None] = queue.Queue()

        def serve() -> None:
            guard = Guard(job, self._limits, stop, self._command)
            try:
                for scan in waiting:
                    results.put((scan, guard(scan)))
            except Stopped:
                pass
            except CannotStart:
                stop.set()
                raise
            finally:
                guard.close()
                results.put(None)

        with ThreadPoolExecutor(self.slots, thread_name_prefix="slot") as pool:
            slots = [pool.submit(serve) for _ in range(self.slots)]
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
