"""How well the probability of rejection holds on sites that the model has not seen.

    pip download --no-deps mriqc-learn==0.0.3
    python bench/rejection.py mriqc_learn-0.0.3-py3-none-any.whl DATA/qc

Beside it: a limit on CJV, and a forest by the settings of ``mriqc-learn`` (all of MRIQC's metrics but
sizes and spacings, scaled robustly within each site; 100 trees where that has 400), trained here,
because its own trained file is a pickle of an older scikit-learn. Each site is judged by models of all
the others. Needs scikit-learn.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from public_ratings import Ratings, held_out, ratings
from recorded import figure, recorded

from allbrains.rejection import model

OLD_CJV = 0.8
BINS = 10


def main() -> None:
    """Print one table by study and one of the limit."""
    with recorded("quality-sites"):
        of = ratings(Path(sys.argv[1]), Path(sys.argv[2]))
        cjv = np.array([float(row["cjv"]) for row in of.rows])
        scores = {
            "in its dataset": held_out(of),
            "each scan alone": held_out(of, alone=True),
            "forest of mriqc-learn": forest(of),
            "CJV": cjv,
        }
        print("| study | scans | bad | judged by | AUC | found at 5 % false alarms | calibration error |")
        print("|---|---|---|---|---|---|---|")
        for study in ("ABIDE", "DS030", "MR-ART"):
            here = of.study == study
            for name, score in scores.items():
                _row(study, of.bad[here], name, score[here])
        for name in ("in its dataset", "each scan alone", "forest of mriqc-learn"):
            _row("all", of.bad, name, scores[name])
        _limit(of, scores["in its dataset"], cjv)


def forest(of: Ratings) -> np.ndarray:
    """Return each scan's probability by a forest that saw no scan of its site."""
    from sklearn.ensemble import RandomForestClassifier

    names = [
        name
        for name in of.rows[0]
        if name in of.rows[-1] and not name.startswith(("size_", "spacing_", "bids", "site"))
    ]
    x = np.array([[float(row[name] or "nan") for name in names] for row in of.rows])
    for site in np.unique(of.site):
        here = of.site == site
        low, middle, high = np.nanpercentile(x[here], [25, 50, 75], axis=0)
        x[here] = (x[here] - middle) / np.maximum(high - low, 1e-9)
    x = np.nan_to_num(x, posinf=0, neginf=0).clip(-1e6, 1e6)
    found = np.full(of.bad.shape, np.nan)
    for site in np.unique(of.site):
        here = of.site == site
        trees = RandomForestClassifier(
            100, max_depth=10, min_samples_leaf=10, min_samples_split=10, random_state=0
        )
        found[here] = trees.fit(x[~here], of.bad[~here]).predict_proba(x[here])[:, 1]
    return found


def auc(bad: np.ndarray, score: np.ndarray) -> float:
    """Return the chance that a bad scan scores above a good one, ties half."""
    worse, better = score[bad == 1], np.sort(score[bad == 0])
    below = np.searchsorted(better, worse, "left") + np.searchsorted(better, worse, "right")
    return float(below.mean() / 2 / len(better))


def calibration_error(bad: np.ndarray, probability: np.ndarray) -> float:
    """Return the mean distance between probability and share of bad scans, in ten bins of equal width."""
    place = np.minimum((probability * BINS).astype(int), BINS - 1)
    gaps = [abs(bad[place == k].mean() - probability[place == k].mean()) for k in np.unique(place)]
    return float(np.average(gaps, weights=np.unique(place, return_counts=True)[1]))


def _row(study: str, bad: np.ndarray, name: str, score: np.ndarray) -> None:
    cut = np.quantile(score[bad == 0], 0.95)
    found, area = (score[bad == 1] > cut).mean(), auc(bad, score)
    error = "–" if name == "CJV" else f"{calibration_error(bad, score):.3f}"
    print(f"| {study} | {len(bad)} | {bad.sum():.0f} | {name} | {area:.3f} | {100 * found:.0f} % | {error} |")
    figure(f"{study} {name} auc", area)


def _limit(of: Ratings, score: np.ndarray, cjv: np.ndarray) -> None:
    print("\n| study | above the limit: bad found | false alarms | CJV above 0.8: bad found |")
    print("|---|---|---|---|")
    for study in ("ABIDE", "DS030", "MR-ART"):
        here = of.study == study
        bad, good = here & (of.bad == 1), here & (of.bad == 0)
        above = score > model().limit
        print(
            f"| {study} | {100 * above[bad].mean():.0f} % | {100 * above[good].mean():.1f} % "
            f"| {100 * (cjv[bad] > OLD_CJV).mean():.0f} % |"
        )


if __name__ == "__main__":
    main()
