"""Sex beyond head size: pairs of a woman and a man with heads of one size. Pure.

References:
    Austin 2011, Pharmaceutical Statistics 10:150-161 (a caliper of 0.2 standard deviations).
"""

from __future__ import annotations

import numpy as np

from allbrains.load.order import Places
from allbrains.records import Array

CALIPER = 0.2  # of the standard deviation of head sizes


def matched(sizes: Array, male: Array, people: Array) -> Places:
    """Return the places of samples that form pairs, as many women as men; one scan a person.

    Args:
        sizes: of the heads, NaN where unknown.
        male: 1 for men, 0 for women.
        people: the person of each sample.
    """
    first = np.unique(people, return_index=True)[1]
    known = first[np.isfinite(sizes[first])]
    if not len(known):
        return np.array([], np.int64)
    widest = CALIPER * float(sizes[known].std())
    women, men = (
        sorted((place for place in known.tolist() if male[place] == one), key=lambda at: (sizes[at], at))
        for one in (0, 1)
    )
    pairs: list[int] = []
    at = other = 0
    while at < len(women) and other < len(men):  # both sorted: a pair that fits is never worth giving up
        gap = sizes[women[at]] - sizes[men[other]]
        if abs(gap) <= widest:
            pairs += [women[at], men[other]]
            at, other = at + 1, other + 1
        elif gap < 0:
            at += 1
        else:
            other += 1
    return np.array(sorted(pairs), np.int64)
