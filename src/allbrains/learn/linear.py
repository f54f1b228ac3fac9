"""The linear baseline: ridge or logistic regression on smoothed grey matter; also probes embeddings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter, uniform_filter

from allbrains.learn.cohort import Cohort
from allbrains.load import Brains
from allbrains.records import Array

SMOOTH_MM = 8.0  # full width at half maximum, as is usual in voxel-based morphometry
CELL_MM = 8.0  # what is as smooth as that needs no finer grid
_FWHM = 2.3548  # of a Gaussian, in standard deviations
_BRAIN = 0.05  # mean grey matter above which a cell counts
PENALTIES = tuple(float(10.0**power) for power in range(-2, 7))  # of standardised features; ridge's alpha
GREY = ("modulated_gm", "gm")  # the better one first


def grey_matter(brains: Brains) -> Array:
    """Return each sample's smoothed grey matter on a coarse grid, shape (sample, cell), float32."""
    name = next((one for one in GREY if one in brains.known), GREY[-1])
    stored = brains.choose([name])
    spacing = float(np.linalg.norm(brains.affine[:3, 0]))
    step = max(1, round(CELL_MM / spacing))
    rows: list[Array] = [np.empty(0, np.float32)] * len(brains)
    for batch in stored.batches(1, ahead=4):
        cells = _cells(batch.values(name)[0], step, SMOOTH_MM / _FWHM / spacing)
        rows[int(batch.places[0])] = cells.reshape(-1)
    return np.stack(rows)


def _cells(volume: Array, step: int, sigma: float) -> Array:
    """Return a smoothed volume at every ``step``-th voxel; means over half steps come first: cheap."""
    half = max(1, step // 2)
    coarse = uniform_filter(volume, half)[half // 2 :: half, half // 2 :: half, half // 2 :: half]
    every = max(1, step // half)
    smooth: Array = gaussian_filter(coarse, sigma / half)[::every, ::every, ::every]
    return smooth


def predictions(features: Array, cohort: Cohort, task: str) -> tuple[Array, float]:
    """Return a prediction for every sample, and the penalty that the validation side chose.

    Args:
        features: shape (sample, feature).
        cohort: sides and targets; samples without a target are predicted too.
        task: ``age`` gives years, ``sex`` the probability of male.
    """
    known = np.isfinite(cohort.target)
    train, check = ((cohort.sides == side) & known for side in ("train", "validation"))
    mean, spread = features[train].mean(axis=0), features[train].std(axis=0)
    varies = spread > 1e-6
    scaled = (features[:, varies] - mean[varies]) / spread[varies]
    best: tuple[float, float, Array] | None = None
    for penalty in PENALTIES:
        model = _model(task, penalty).fit(scaled[train], cohort.target[train])
        found = model.predict(scaled) if task == "age" else model.predict_proba(scaled)[:, 1]
        loss = _loss(task, cohort.target[check], found[check])
        if best is None or loss < best[0]:
            best = (loss, penalty, np.asarray(found, np.float64))
    assert best is not None
    return best[2], best[1]


def in_brain(features: Array, train: Array) -> Array:
    """Return the features that are grey matter on average over the training side."""
    cells: Array = features[:, features[train].mean(axis=0) > _BRAIN]
    return cells


def of_head_size(cohort: Cohort, column: str) -> Array:
    """Return the probability of male by head size alone; NaN where it is unknown."""
    sizes = cohort.column(column)
    known = np.isfinite(sizes)
    filled = np.where(known, sizes, sizes[known].mean())[:, None]
    told = replace(cohort, target=np.where(known, cohort.target, np.nan))
    return np.where(known, predictions(filled, told, "sex")[0], np.nan)


def _model(task: str, penalty: float) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge

    return Ridge(alpha=penalty) if task == "age" else LogisticRegression(C=1 / penalty, max_iter=2000)


def _loss(task: str, truth: Array, found: Array) -> float:
    if task == "age":
        return float(np.abs(truth - found).mean())
    right = np.clip(np.where(truth == 1, found, 1 - found), 1e-9, 1)
    return float(-np.log(right).mean())
