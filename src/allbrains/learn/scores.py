"""How good predictions are, with intervals over people, not scans. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from allbrains.records import Array

Measure = Callable[[Array, Array], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A figure with its 95 % interval.

    Attributes:
        model: what predicts.
        metric: what is measured.
        value: the figure.
        low: lower end.
        high: upper end.
        people: how many it rests on.
    """

    model: str
    metric: str
    value: float
    low: float
    high: float
    people: int


def mean_absolute_error(truth: Array, found: Array) -> float:
    """Return the mean of |found − truth|, in their unit."""
    return float(np.abs(found - truth).mean())


def correlation(truth: Array, found: Array) -> float:
    """Return Pearson's r; NaN where one of them is constant."""
    if min(np.ptp(truth), np.ptp(found)) == 0:
        return float("nan")
    return float(np.corrcoef(truth, found)[0, 1])


def error_with_age(truth: Array, found: Array) -> float:
    """Return the correlation of the error with the truth: below 0 where high ages come out low."""
    return correlation(truth, found - truth)


def balanced_accuracy(truth: Array, found: Array) -> float:
    """Return the mean over classes of how many of a class are found; 0.5 is chance for two of them.

    Args:
        truth: classes.
        found: classes, or probabilities of class 1.
    """
    classes = np.unique(truth)
    told = (found >= 0.5).astype(float) if found.dtype.kind == "f" else found
    return float(np.mean([(told[truth == one] == one).mean() for one in classes]))


def area_under_curve(truth: Array, found: Array) -> float:
    """Return the chance that a man gets a higher number than a woman; ties count half."""
    ones, zeros = np.sort(found[truth == 1]), found[truth == 0]
    if not len(ones) or not len(zeros):
        return float("nan")
    below = np.searchsorted(ones, zeros, "left")
    ties = np.searchsorted(ones, zeros, "right") - below
    return float((len(ones) - below - ties / 2).mean() / len(ones))


MEASURES: Mapping[str, Mapping[str, Measure]] = {
    "age": {
        "mean absolute error, years": mean_absolute_error,
        "correlation": correlation,
        "correlation of error with age": error_with_age,
    },
    "sex": {"balanced accuracy": balanced_accuracy, "area under curve": area_under_curve},
}


def scored(
    model: str, metric: str, measure: Callable[[Array], float], people: Array, *, draws: int, seed: int
) -> Score:
    """Return a figure with its interval, by drawing people with replacement.

    Args:
        model: what predicts.
        metric: its name.
        measure: the figure for these places of samples.
        people: the person of each sample.
        draws: how many.
        seed: of the draws.
    """
    names, own = np.unique(people, return_inverse=True)
    places = np.split(np.argsort(own, kind="stable"), np.cumsum(np.bincount(own))[:-1])
    random = np.random.default_rng(seed)
    found = [
        measure(np.concatenate([places[at] for at in random.integers(0, len(names), len(names))]))
        for _ in range(draws)
    ]
    known = [one for one in found if np.isfinite(one)]
    low, high = np.percentile(known, [2.5, 97.5]) if known else (float("nan"), float("nan"))
    return Score(
        model=model,
        metric=metric,
        value=measure(np.arange(len(people))),
        low=float(low),
        high=float(high),
        people=len(names),
    )


def task_scores(
    task: str, model: str, truth: Array, found: Array, people: Array, *, draws: int, seed: int
) -> list[Score]:
    """Return all figures of a task for one model's predictions."""
    return [
        scored(model, name, lambda at, m=measure: m(truth[at], found[at]), people, draws=draws, seed=seed)  # type: ignore[misc]
        for name, measure in MEASURES[task].items()
    ]
