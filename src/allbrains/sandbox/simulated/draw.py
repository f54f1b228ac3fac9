"""Drawing from the figures. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from allbrains.sandbox.simulated.statistics import Quantiles

T = TypeVar("T")
Floats = NDArray[np.float64]


def quantile(table: Quantiles, at: float | Floats) -> Floats:
    """Return the values at shares of the population; between the table's they are straight lines in log."""
    shares, values = zip(*table, strict=True)
    found: Floats = np.exp(np.interp(at, shares, np.log(values)))
    return found


def spread(count: int, rng: np.random.Generator) -> Floats:
    """Return ``count`` shares that cover 0 to 1 evenly, in random order: quantiles without luck."""
    return rng.permutation((np.arange(count) + 0.5) / count)


def choose(table: Sequence[tuple[float, T]], at: float) -> T:
    """Return the entry of a table of shares that a number of 0 to 1 falls on."""
    total = sum(share for share, _ in table)
    passed = 0.0
    for share, value in table:
        passed += share / total
        if at < passed:
            return value
    return table[-1][1]


def generator(*key: int) -> np.random.Generator:
    """Return a generator of random numbers for a purpose, named by integers."""
    seed: Any = list(key)
    return np.random.Generator(np.random.PCG64(seed))
