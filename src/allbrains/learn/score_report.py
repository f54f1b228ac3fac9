"""From predictions and embeddings to scores and sentences."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from allbrains.learn import embedding, linear
from allbrains.learn.cohort import Cohort
from allbrains.learn.head_size import CALIPER, matched
from allbrains.learn.scores import Score, balanced_accuracy, mean_absolute_error, scored, task_scores
from allbrains.learn.settings import LearnSettings
from allbrains.records import Array
from allbrains.splits.assign import SIDES

Told = tuple[list[Score], list[str], bool]

TABLE = "embedding.parquet"


def supervised(cohort: Cohort, settings: LearnSettings, found: dict[str, Array]) -> Told:
    """Return the test side's scores of each model, with a guess that ignores the brain beside them."""
    test, train = cohort.places("test"), cohort.places("train")
    truth, people = cohort.target[test], cohort.people[test]
    guess = float(np.median(cohort.target[train]))
    models = {**found, "guess": np.full(len(cohort.target), guess)} if settings.task == "age" else found
    draws = {"draws": settings.bootstrap, "seed": settings.seed}
    scores = [
        score
        for name, values in models.items()
        for score in task_scores(settings.task, name, truth, values[test], people, **draws)
        if np.isfinite(score.value)
    ]
    leaks = cohort.on_several_sides()
    notes = [_LEAK.format(leaks)] if leaks else []
    notes += [_SHUFFLED] if settings.shuffle_labels else []
    if settings.task == "sex":
        more, said = _matched_scores(cohort, settings, found)
        scores, notes = scores + more, notes + said
    return scores, notes, leaks > 0


def _matched_scores(
    cohort: Cohort, settings: LearnSettings, found: dict[str, Array]
) -> tuple[list[Score], list[str]]:
    """Return the scores of head size alone, and of all on pairs of the same head size."""
    column = settings.head_size
    if column not in cohort.brains.table.column_names:
        return [], [f"Not checked against head size: the corpus has no column `{column}`."]
    test = cohort.places("test")
    sizes = cohort.column(column)[test]
    known = test[np.isfinite(sizes)]
    pairs = test[matched(sizes, cohort.target[test], cohort.people[test])]
    models = {**found, "head size alone": linear.of_head_size(cohort, column)}
    wanted = [("balanced accuracy", known, ["head size alone"])]
    wanted += [("balanced accuracy, matched by head size", pairs, list(models))] if len(pairs) else []
    scores = [
        scored(
            name,
            metric,
            lambda at, truth=cohort.target[places], told=models[name][places]: balanced_accuracy(  # type: ignore[misc]
                truth[at], told[at]
            ),
            cohort.people[places],
            draws=settings.bootstrap,
            seed=settings.seed,
        )
        for metric, places, names in wanted
        for name in names
    ]
    note = (
        f"Matched by head size: {len(pairs) // 2} pairs of a woman and a man of the test side whose "
        f"`{column}` differs by at most {CALIPER} standard deviations. Where a model is no better than "
        "chance there, it had read head size."
    )
    return scores, [note]


def embedded(cohort: Cohort, settings: LearnSettings, features: Array, folder: Path) -> Told:
    """Write the embedding, and return how well it finds people, ages and, as an alarm, datasets."""
    vectors = embedding.directions(features)
    embedding.write_embedding(folder / TABLE, cohort, vectors)
    test = cohort.places("test")
    draws = {"draws": settings.bootstrap, "seed": settings.seed}
    scores: list[Score] = []
    leaks = cohort.on_several_sides()
    notes = [_LEAK.format(leaks)] if leaks else []
    datasets, people = cohort.column("dataset"), cohort.people
    sessions = np.char.add(np.char.add(datasets.astype(str), "/"), cohort.column("session").astype(str))
    found = embedding.retrieval(vectors[test], people[test], sessions[test])
    if len(found.places):
        hits = found.hits
        scores.append(
            scored(
                "embedding",
                "same person is nearest, across sessions",
                lambda at: float(hits[at].mean()),
                people[test][found.places],
                **draws,
            )
        )
        notes.append(f"The same person across sessions: chance would be {found.chance:.3f}.")
    else:
        notes.append("No person of the test side has scans of two sessions: retrieval was not measured.")
    scores += _age_probe(cohort, settings, vectors)
    alarm = _alarm(cohort, settings, vectors)
    if alarm is None:
        return (
            scores,
            [*notes, f"Fewer than two datasets have {embedding.FEWEST} people: no leak alarm."],
            False,
        )
    return [*scores, *_named(alarm)], [_sentence(alarm), *notes], alarm.rings


def _age_probe(cohort: Cohort, settings: LearnSettings, vectors: Array) -> list[Score]:
    """Return how well a linear probe predicts age from the embedding; nothing where a side has no ages."""
    known = np.isfinite(cohort.target)
    if not all((known & (cohort.sides == side)).any() for side in SIDES):
        return []
    told, _ = linear.predictions(vectors, cohort, "age")
    places = np.flatnonzero(known & (cohort.sides == "test"))
    truth, found = cohort.target[places], told[places]
    return [
        scored(
            "linear probe of the embedding",
            "mean absolute error of age, years",
            lambda at: mean_absolute_error(truth[at], found[at]),
            cohort.people[places],
            draws=settings.bootstrap,
            seed=settings.seed,
        )
    ]


def _alarm(cohort: Cohort, settings: LearnSettings, vectors: Array) -> embedding.Alarm | None:
    """Return how well the dataset can be read among people held out; where they are too few, among all."""
    columns = [name for name in ("age_years", settings.head_size) if name in cohort.brains.table.column_names]
    confounds = np.stack([cohort.column(name) for name in columns] + [_male(cohort)], axis=1)
    datasets = cohort.column("dataset")
    for places in (np.flatnonzero(cohort.sides != "train"), np.arange(len(datasets))):
        found = embedding.readable_datasets(
            vectors[places],
            confounds[places],
            datasets[places],
            cohort.people[places],
            draws=settings.bootstrap,
            seed=settings.seed,
        )
        if found is not None:
            return found
    return None


def _male(cohort: Cohort) -> Array:
    if "sex" not in cohort.brains.table.column_names:
        return np.full(len(cohort.target), np.nan)
    return np.array([{"male": 1.0, "female": 0.0}.get(one, np.nan) for one in cohort.column("sex")])


def _named(alarm: embedding.Alarm) -> list[Score]:
    metric = f"dataset can be read ({alarm.datasets} datasets), balanced accuracy"
    return [replace(one, metric=metric) for one in (alarm.embedding, alarm.confounds)]


def _sentence(alarm: embedding.Alarm) -> str:
    head = "**Leak alarm.** " if alarm.rings else "No leak alarm. "
    return (
        f"{head}The dataset is read from the embedding with balanced accuracy {alarm.embedding.value:.2f} "
        f"({alarm.embedding.low:.2f} to {alarm.embedding.high:.2f}), from age, sex and head size alone with "
        f"{alarm.confounds.value:.2f}; chance is {alarm.chance:.2f}. What is told beyond those three is the "
        "site: a model on top of this embedding can use it as a short cut."
    )


_LEAK = (
    "**Leak.** {} people are on more than one side, so the scores flatter: "
    "`allbrains verify-splits OUT/splits.parquet --corpus OUT` names them."
)
_SHUFFLED = "**Control run: labels were shuffled between people.** Every score should be chance."
