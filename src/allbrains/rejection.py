"""Probability that an expert would reject a scan, from its numbers and those of its dataset. Pure.

One number carries it: how much the intensity of pure white matter spreads (its robust deviation over its
median, by MRIQC's definition), because motion, noise and ghosts all raise it and anatomy hardly does; of
all of MRIQC's metrics it holds best on sites that the model has not seen. Two logistic models give their
logits: one reads the spread itself; the other how far it is above the best tenth of the same dataset, so
that a scanner's own noise level changes no verdict. Where a dataset is too small for the second, the first
stands alone, and the doubt is wider. The numbers in ``reject_model.json`` are made by
``tools/train_rejection.py``; how well they do on unseen sites: ``docs/benchmarks/quality.md``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

PROBABILITY, LOW, HIGH = "reject_probability", "reject_probability_low", "reject_probability_high"
WHY = "reject_reasons"
GIVEN = (PROBABILITY, LOW, HIGH, WHY)
SPREAD, MEDIAN = "summary_wm_mad", "summary_wm_median"
LEVEL = 0.1  # quantile of a dataset that stands for its still scans: half of MR-ART's move on purpose
FEWEST = 20  # scans of a dataset from which that quantile is taken
_NORMAL_90 = 1.2816  # so that low and high enclose 80 %

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Logistic:
    """``logit = intercept + weight · x``, and by how much whole sites differ from it.

    Attributes:
        site_sd: standard deviation of the sites' own intercepts, logits.
    """

    intercept: float
    weight: float
    site_sd: float

    def __call__(self, x: Values) -> Values:
        """Return the logits of feature values."""
        return self.intercept + self.weight * x


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectModel:
    """The trained model.

    Attributes:
        alone: of the logarithm of WM's spread.
        among: of how far that is above its dataset's ``LEVEL`` quantile.
        accepted: centiles 1-99 of the logarithm in scans that experts accepted.
        limit: probability above which one in twenty accepted scans of unseen sites lies.
    """

    alone: Logistic
    among: Logistic
    accepted: tuple[float, ...]
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """One value for each scan; NaN where the spread was not measured."""

    probability: Values
    low: Values
    high: Values
    centile: Values
    above_best: Values


@cache
def model() -> RejectModel:
    """Return the model that comes with the package."""
    told: dict[str, Any] = json.loads((files("allbrains") / "reject_model.json").read_text("utf-8"))
    return RejectModel(
        alone=Logistic(**told["alone"]),
        among=Logistic(**told["among"]),
        accepted=tuple(told["accepted"]),
        limit=float(told["limit"]),
    )


def rejection(spread: Values, dataset: NDArray[Any], model: RejectModel) -> Rejection:
    """Return the probability of each scan that an expert rejects it, with an interval of 80 %.

    Args:
        spread: robust deviation of pure white matter over its median, one a scan; NaN where unknown.
        dataset: its dataset's name; scans of one name are compared with each other.
        model: usually ``model()``.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.where(spread > 0, np.log(spread), np.nan)
    above = above_best(x, dataset)
    alone, grouped = model.alone(x), np.isfinite(above)
    logit = np.where(grouped, (alone + model.among(above)) / 2, alone)
    doubt = np.where(grouped, np.hypot(model.alone.site_sd, model.among.site_sd) / 2, model.alone.site_sd)
    centile = np.searchsorted(np.asarray(model.accepted), x) + 0.0
    return Rejection(
        probability=_sigmoid(logit),
        low=_sigmoid(logit - _NORMAL_90 * doubt),
        high=_sigmoid(logit + _NORMAL_90 * doubt),
        centile=np.where(np.isfinite(x), centile, np.nan),
        above_best=np.exp(above),
    )


def above_best(x: Values, dataset: NDArray[Any]) -> Values:
    """Return how far each value lies above the ``LEVEL`` quantile of its dataset; NaN in a small dataset."""
    found = np.full(x.shape, np.nan)
    for name in np.unique(dataset):
        rows = np.flatnonzero((dataset == name) & np.isfinite(x))
        if len(rows) >= FEWEST:
            found[rows] = x[rows] - np.quantile(x[rows], LEVEL)
    return found


def with_rejection(table: pa.Table) -> pa.Table:
    """Return a table of samples with the probability, its interval and its reasons.

    A table without the two numbers that the model reads, of an older corpus, comes back as it is.
    """
    if not {SPREAD, MEDIAN, "dataset"} <= set(table.column_names):
        return table
    deviation, median = (
        np.asarray(table[name].cast(pa.float64()).to_numpy(zero_copy_only=False)) for name in (SPREAD, MEDIAN)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = deviation / median
    names = np.asarray(table["dataset"].to_pylist(), dtype=str)
    told = rejection(spread, names, model())
    reasons = [_reason(*one) for one in zip(spread, told.centile, told.above_best, strict=True)]
    for name, values, description in (
        (PROBABILITY, told.probability, "How likely an expert would reject the scan"),
        (LOW, told.low, "The same, lower end of an interval of 80 %"),
        (HIGH, told.high, "The same, upper end"),
    ):
        table = table.append_column(_described(name, pa.float64(), description), pa.array(values))
    field = _described(WHY, pa.string(), "What that probability rests on")
    return table.append_column(field, pa.array(reasons, pa.string()))


def _reason(spread: float, centile: float, above: float) -> str:
    if not np.isfinite(centile):
        return ""
    told = (
        f"white matter's intensity spreads by {100 * spread:.1f} %, more than in {centile:.0f} % of the "
        "scans that experts accepted in ABIDE, DS030 and MR-ART"
    )
    if np.isfinite(above):
        return f"{told}; {above:.2f} times the best tenth of this dataset"
    return f"{told}; the dataset is too small to compare with"


def _described(name: str, kind: pa.DataType, description: str) -> pa.Field:
    return pa.field(name, kind, metadata={"description": description})


def _sigmoid(logit: Values) -> Values:
    return 1 / (1 + np.exp(-logit))
