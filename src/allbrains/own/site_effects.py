"""What scanners add to a number, as far as a corpus shows it. Pure.

A dataset stands for a scanner. Its offset is the mean distance of its people from the corpus' median for
their age and sex, shrunk towards 0 by how few they are, as in the empirical-Bayes step of ComBat. The own
scan's scanner is not in the corpus, so its offset stays unknown: what remains is how far scanners differ.

References:
    DerSimonian & Laird 1986, Controlled Clinical Trials 7:177-188. Johnson et al. 2007, Biostatistics
    8:118-127 (ComBat).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allbrains.own.centiles import LEVELS, fit
from allbrains.own.reference import People
from allbrains.records import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Sites:
    """Values with the scanners' offsets taken out.

    Attributes:
        values: as given, less the offset of each person's site.
        spread: standard deviation of the sites' true offsets, in the values' unit; an unknown scanner's
            own offset is as large as this.
        count: of sites.
    """

    values: Array
    spread: float
    count: int


def harmonise(people: People, values: Array) -> Sites:
    """Return the values without the sites' offsets."""
    curves = fit(people.ages, people.male, values, draws=0)
    middle = LEVELS.index(0.5)
    expected = np.where(
        people.male == 1,
        curves.at(people.ages, "male")[:, middle],
        curves.at(people.ages, "female")[:, middle],
    )
    rest = values - expected
    names, where = np.unique(people.sites.astype(str), return_inverse=True)
    counts = np.bincount(where)
    means = np.bincount(where, rest) / counts
    within = np.bincount(where, (rest - means[where]) ** 2).sum() / max(len(rest) - len(names), 1)
    precision = counts / within if within > 0 else counts.astype(float)
    overall = float((precision * means).sum() / precision.sum())
    excess = float((precision * (means - overall) ** 2).sum()) - (len(names) - 1)
    room = precision.sum() - (precision**2).sum() / precision.sum()
    variance = max(0.0, excess / room) if room > 0 else 0.0
    offsets = (means - overall) * variance / (variance + 1 / precision)
    return Sites(values=values - offsets[where], spread=float(np.sqrt(variance)), count=len(names))
