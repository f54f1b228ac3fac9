"""Scans with an expert's verdict and MRIQC's values, and the model that learns from them.

ABIDE has 17 sites and its third rater saw all scans; DS030 counts as one site, because one rater judged
both of its scanners. Bad is a rating of -1, in MR-ART a score of 3. Only tables are read; nothing is
unpickled.
"""

from __future__ import annotations

import csv
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from allbrains.rejection import Logistic, RejectModel, above_best, rejection

Row = dict[str, str]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratings:
    """Scans with an expert's verdict.

    Attributes:
        rows: MRIQC's values, as text.
        study: ABIDE, DS030 or MR-ART, one a scan.
        site: the same, ABIDE by its sites.
        bad: 1.0 where the expert rejected the scan.
        spread: robust deviation of white matter over its median.
    """

    rows: tuple[Row, ...]
    study: NDArray[np.str_]
    site: NDArray[np.str_]
    bad: Floats
    spread: Floats


def ratings(wheel: Path, folder: Path) -> Ratings:
    """Return all public ratings."""
    with zipfile.ZipFile(wheel) as package:
        abide, ds030 = (
            _table(package.read(f"mriqc_learn/datasets/{name}.tsv").decode()) for name in ("abide", "ds030")
        )
    scores = {row["bids_name"]: row["score"] for row in _table((folder / "mrart_scores.tsv").read_text())}
    mrart = _table((folder / "mrart_iqm.tsv").read_text())
    rows = (
        [("ABIDE", row["site"], row["rater_3"] == "-1", row) for row in abide]
        + [("DS030", "DS030", row["rater_1"] == "-1", row) for row in ds030]
        + [("MR-ART", "MR-ART", scores[row["bids_name"]] == "3", row) for row in mrart]
    )
    study, site, bad, values = zip(*rows, strict=True)
    spread = [float(row["summary_wm_mad"]) / float(row["summary_wm_median"]) for row in values]
    return Ratings(
        rows=values,
        study=np.asarray(study),
        site=np.asarray(site),
        bad=np.asarray(bad, np.float64),
        spread=np.asarray(spread),
    )


def trained(of: Ratings, chosen: NDArray[np.bool_]) -> RejectModel:
    """Return the model of the chosen scans; its limit is 0.5 until ``with_limit``."""
    x, bad, site = np.log(of.spread[chosen]), of.bad[chosen], of.site[chosen]
    return RejectModel(
        alone=logistic(x, bad, site),
        among=logistic(above_best(x, site), bad, site),
        accepted=tuple(np.percentile(x[bad == 0], np.arange(1, 100)).round(4).tolist()),
        limit=0.5,
    )


def logistic(x: Floats, bad: Floats, site: NDArray[np.str_]) -> Logistic:
    """Return the logistic regression of one feature, by Newton's method, and the sites' own deviation.

    A site's intercept moves by the logit of its rate of bad scans against the expected one, one scan of each
    kind added; its variance, less what chance gives, is the sites'.
    """
    design = np.stack([np.ones_like(x), x], axis=1)
    at = np.zeros(2)
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ at))
        step = np.linalg.solve((design.T * (p * (1 - p))) @ design, design.T @ (bad - p))
        at = at + step
        if abs(step).max() < 1e-10:
            break
    p = 1 / (1 + np.exp(-design @ at))
    moved, chance = [], []
    for name in np.unique(site):
        here = site == name
        found, expected, count = bad[here].sum(), p[here].sum(), here.sum()
        moved.append(
            np.log((found + 1) / (count - found + 1)) - np.log((expected + 1) / (count - expected + 1))
        )
        chance.append(1 / (p[here] * (1 - p[here])).sum())
    sd = float(np.sqrt(max(np.var(moved) - np.median(chance), 0.01)))
    return Logistic(intercept=round(float(at[0]), 4), weight=round(float(at[1]), 4), site_sd=round(sd, 3))


def held_out(of: Ratings, *, alone: bool = False) -> Floats:
    """Return each scan's probability by a model that saw no scan of its site.

    Args:
        of: the ratings.
        alone: judge each scan without the others of its site.
    """
    found = np.full(of.bad.shape, np.nan)
    for name in np.unique(of.site):
        here = of.site == name
        groups = np.arange(here.sum()).astype(str) if alone else of.site[here]
        found[here] = rejection(of.spread[here], groups, trained(of, ~here)).probability
    return found


def _table(text: str) -> list[Row]:
    return list(csv.DictReader(io.StringIO(text), delimiter="\t"))
