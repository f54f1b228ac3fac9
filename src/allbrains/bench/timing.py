"""CPU seconds of this process and of its ended children; wall time beside it."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one sample costs, ms: the best of several rounds, for other programs only ever add."""

    cpu_ms: float
    wall_ms: float


def costs(tasks: Mapping[str, Callable[[], int]], rounds: int) -> dict[str, Cost]:
    """Return the cost of each task's sample; the tasks take turns, so that other load hits all of them.

    Args:
        tasks: by name; each reads some samples and returns how many.
        rounds: of turns.
    """
    best: dict[str, Cost] = {}
    for _ in range(rounds):
        for name, task in tasks.items():
            now = _once(task)
            old = best.get(name, now)
            best[name] = Cost(cpu_ms=min(old.cpu_ms, now.cpu_ms), wall_ms=min(old.wall_ms, now.wall_ms))
    return best


def _once(task: Callable[[], int]) -> Cost:
    cpu, wall = _cpu_s(), time.perf_counter()
    count = task()
    return Cost(cpu_ms=1e3 * (_cpu_s() - cpu) / count, wall_ms=1e3 * (time.perf_counter() - wall) / count)


def _cpu_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
