"""What can be read from a contrastive embedding: the same person and, as a leak alarm, the dataset."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from allbrains.files import publishing
from allbrains.learn.cohort import Cohort
from allbrains.learn.scores import Score, balanced_accuracy, scored
from allbrains.load.order import Places
from allbrains.records import Array

FEWEST = 5  # people of a dataset that are needed to tell it from others
_FOLDS = 5
ALARM = 0.2  # share of the way from chance to certainty that is still quiet

SCHEMA = pa.schema(
    [
        pa.field("scan_id", pa.string(), metadata={"description": "As in samples.parquet"}),
        pa.field("group", pa.string(), metadata={"description": "Who it is of, opaque"}),
        pa.field("split", pa.string(), metadata={"description": "train, validation or test"}),
        pa.field("embedding", pa.list_(pa.float32()), metadata={"description": "Of length 1"}),
    ],
    metadata={"allbrains.table": "embedding", "allbrains.schema": "1"},
)


def write_embedding(path: Path, cohort: Cohort, vectors: Array) -> None:
    """Write the table of embeddings, one row for each sample."""
    columns = [
        cohort.brains.table["scan_id"].combine_chunks(),
        pa.array(cohort.people.tolist(), pa.string()),
        pa.array(cohort.sides.tolist(), pa.string()),
        pa.array(list(vectors.astype(np.float32)), pa.list_(pa.float32())),
    ]
    with publishing(path) as temporary:
        pq.write_table(pa.Table.from_arrays(columns, schema=SCHEMA), temporary, compression="zstd")


def directions(vectors: Array) -> Array:
    """Return vectors of length 1."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """Retrieval across sessions: whether a scan's nearest other scan is of the same person.

    Attributes:
        places: of these scans.
        hits: 1 where the nearest is, else 0.
        chance: that a scan drawn at random would be, on average.
    """

    places: Places
    hits: Array
    chance: float


def retrieval(vectors: Array, people: Array, sessions: Array) -> Retrieval:
    """Return how often the same person is found across sessions; the person's own session doesn't count.

    Args:
        vectors: shape (scan, feature), of length 1.
        people: the person of each sample.
        sessions: labels, of dataset and session.
    """
    same = people[:, None] == people[None, :]
    gallery = ~(same & (sessions[:, None] == sessions[None, :]))
    wanted = same & gallery
    asked = np.flatnonzero(wanted.any(axis=1))
    likeness = np.where(gallery, vectors @ vectors.T, -np.inf)
    nearest = likeness[asked].argmax(axis=1)
    chance = wanted[asked].sum(axis=1) / np.maximum(gallery[asked].sum(axis=1), 1)
    return Retrieval(
        places=asked,
        hits=wanted[asked, nearest].astype(np.float64),
        chance=float(chance.mean()) if len(asked) else float("nan"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Leak alarm: how well the dataset can be read from the embedding.

    Attributes:
        embedding: from the embedding: balanced accuracy.
        confounds: from age, sex and head size alone.
        chance: one over the number of datasets.
        datasets: how many took part.
    """

    embedding: Score
    confounds: Score
    chance: float
    datasets: int

    @property
    def rings(self) -> bool:
        """Whether the dataset is read better than the differences between the datasets' people explain."""
        quiet = self.chance + ALARM * (1 - self.chance)
        return self.embedding.low > max(quiet, self.confounds.value)


def readable_datasets(
    vectors: Array, confounds: Array, datasets: Array, people: Array, *, draws: int, seed: int
) -> Alarm | None:
    """Return how well a linear probe reads the dataset, on people that it wasn't fitted to.

    Args:
        vectors: shape (scan, feature).
        confounds: shape (scan, column), NaN where unknown.
        datasets: of each scan; those with fewer than 5 people are left out.
        people: the person of each sample.
        draws: for the intervals.
        seed: of folds and draws.

    Returns:
        None where fewer than two datasets have enough people.
    """
    owners = {(dataset, person) for dataset, person in zip(datasets, people, strict=True)}
    counts = Counter(dataset for dataset, _ in owners)
    kept = np.array([counts[one] >= FEWEST for one in datasets])
    names, classes = np.unique(datasets[kept], return_inverse=True)
    if len(names) < 2:
        return None
    own = people[kept]
    filled = _filled(confounds[kept])
    found = []
    for name, features in {"embedding": vectors[kept], "age, sex and head size": filled}.items():
        told = _out_of_fold(features, classes, own, seed)
        found.append(
            scored(
                name,
                "balanced accuracy",
                lambda at, told=told: balanced_accuracy(classes[at], told[at]),  # type: ignore[misc]
                own,
                draws=draws,
                seed=seed,
            )
        )
    return Alarm(embedding=found[0], confounds=found[1], chance=1 / len(names), datasets=len(names))


def _filled(columns: Array) -> Array:
    """Return columns with their mean where a number is unknown; 0 where a column knows none."""
    known = np.isfinite(columns)
    sums = np.where(known, columns, 0).sum(axis=0)
    return np.asarray(np.where(known, columns, sums / np.maximum(known.sum(axis=0), 1)))


def _out_of_fold(features: Array, classes: Array, people: Array, seed: int) -> Array:
    """Return for each sample the class that a probe finds which has seen nothing of its person."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    told = np.zeros(len(classes), np.int64)
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
    for fit, test in folds.split(features, classes, people):
        probe = make_pipeline(
            StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=2000)
        )
        told[test] = probe.fit(features[fit], classes[fit]).predict(features[test])
    return told
