"""How well centiles are calibrated, on people drawn from a distribution that is known.

``python bench/centiles.py [PEOPLE] [CORPORA]``: draws corpora of so many people with a curved, skewed and
widening number, fits the curves, and prints for each age and sex the share of the *true* distribution that
lies between the fitted 5th and 95th centile: 90 if calibrated. Printed are the mean over corpora (bias) and
the standard deviation from corpus to corpus (what one corpus of that size leaves open).
"""

from __future__ import annotations

import sys
import time

import numpy as np
from scipy.stats import gamma

from allbrains.own.centiles import LEVELS, fit
from allbrains.records import Array

AGES = (20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 78.0)
SHAPE = 16.0  # of the gamma distribution: skewness 0.5


def centre(ages: Array, male: Array) -> Array:
    return np.asarray(700 - 2.0 * (ages - 18) - 0.02 * (ages - 50) ** 2 + 45 * male)


def spread(ages: Array) -> Array:
    return np.asarray(30 + 0.3 * (ages - 18))


def corpus(people: int, seed: int) -> tuple[Array, Array, Array]:
    """Return ages, sexes and values; young adults are many, as in OpenNeuro."""
    random = np.random.default_rng(seed)
    young = random.uniform(18, 35, people)
    ages = np.where(random.random(people) < 0.5, young, random.uniform(18, 82, people))
    male = random.integers(0, 2, people).astype(float)
    noise = (random.gamma(SHAPE, 1, people) - SHAPE) / np.sqrt(SHAPE)
    return ages, male, centre(ages, male) + spread(ages) * noise


def share_within(curve: Array, age: float, male: float) -> float:
    """Return the percent of the true distribution between the outermost levels."""
    scores = (curve[[0, -1]] - centre(np.array(age), np.array(male))) / spread(np.array(age))
    low, high = gamma.cdf(scores * np.sqrt(SHAPE) + SHAPE, SHAPE)
    return float(100 * (high - low))


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    corpora = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    started = time.process_time()
    found = np.zeros((corpora, 2, len(AGES)))
    for seed in range(corpora):
        curves = fit(*corpus(people, seed), draws=0)
        for row, sex in enumerate(("female", "male")):
            at = curves.at(np.array(AGES), sex)
            found[seed, row] = [share_within(c, age, row) for c, age in zip(at, AGES, strict=True)]
    cpu = (time.process_time() - started) / corpora
    print(f"{people} people, {corpora} corpora; {cpu:.2f} CPU-s a fit of {len(LEVELS)} levels")
    for row, sex in enumerate(("female", "male")):
        for k, age in enumerate(AGES):
            one = found[:, row, k]
            print(f"{sex}\t{age:.0f} years\t{one.mean():.1f} % within 5–95\t± {one.std():.1f}")
    worst = np.abs(found.mean(axis=0) - 90).max()
    print(
        f"worst mean distance from 90 %: {worst:.1f} points; single corpora within 2 points: "
        f"{(np.abs(found - 90) <= 2).mean():.0%}"
    )


if __name__ == "__main__":
    main()
