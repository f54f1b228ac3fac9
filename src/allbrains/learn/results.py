"""What a run found: plain figures, a table of predictions, and a card to attach."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from allbrains.files import publishing
from allbrains.learn.cohort import Cohort
from allbrains.learn.scores import Score
from allbrains.learn.settings import LearnSettings
from allbrains.records import Array

CARD, RESULTS, METRICS, PREDICTIONS = "card.md", "results.json", "metrics.jsonl", "predictions.parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The results of a run.

    Attributes:
        settings: of the run.
        recipe: name and fingerprint of what made the corpus.
        counts: of each side: samples, people, datasets.
        scores: on the test side.
        notes: sentences for a reader, alarms first.
        alarm: whether something is wrong with what was learnt.
        history: a line each epoch.
    """

    settings: LearnSettings
    recipe: str
    counts: Mapping[str, tuple[int, int, int]]
    scores: Sequence[Score]
    notes: Sequence[str]
    alarm: bool
    history: Sequence[Mapping[str, float]]


def write_results(folder: Path, results: Results) -> None:
    """Write figures, metrics by epoch, and the card."""
    told = {
        "settings": asdict(results.settings),
        "recipe": results.recipe,
        "counts": results.counts,
        "scores": [asdict(score) for score in results.scores],
        "notes": results.notes,
        "alarm": results.alarm,
    }
    texts = {
        RESULTS: json.dumps(_plain(told), indent=1, allow_nan=False) + "\n",
        METRICS: "".join(json.dumps(line) + "\n" for line in results.history),
        CARD: card(results),
    }
    for name, text in texts.items():
        with publishing(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def write_predictions(folder: Path, cohort: Cohort, found: Mapping[str, Array]) -> None:
    """Write each model's prediction for each sample, one column for each model, beside the truth."""
    columns = {
        "scan_id": cohort.brains.table["scan_id"].combine_chunks(),
        "split": pa.array(cohort.sides.tolist(), pa.string()),
        "truth": pa.array(cohort.target),
        **{name: pa.array(values) for name, values in found.items()},
    }
    with publishing(folder / PREDICTIONS) as temporary:
        pq.write_table(pa.table(columns), temporary, compression="zstd")


def card(results: Results) -> str:
    """Return the Markdown card: task, people, scores, and the limits of what they mean."""
    settings = results.settings
    sides = "\n".join(f"| {side} | {n} | {who} | {sets} |" for side, (n, who, sets) in results.counts.items())
    scores = "\n".join(
        f"| {one.model} | {one.metric} | {one.value:.3f} | {one.low:.3f} to {one.high:.3f} | {one.people} |"
        for one in results.scores
    )
    notes = "\n".join(f"* {note}" for note in results.notes)
    return f"""# Baseline: {settings.task}

Made by `allbrains learn {settings.task}` from a corpus of the recipe {results.recipe}. It says
how far a plain model gets on these data; it is no medical device, and no measure of any one person.

## Result on the test side

| model | metric | value | 95 % interval, over people | people |
|---|---|---:|---|---:|
{scores}

{notes}

## Data

| side | scans | people | datasets |
|---|---:|---:|---:|
{sides}

{_SPLITS[settings.split]} Samples: `{settings.where or "all"}`.

## Settings

```toml
{settings.to_toml()}```
"""


_SPLITS = {
    "datasets": "No dataset and no person is on two sides: the test is on sites that were never seen.",
    "persons": "No person is on two sides, but datasets are: "
    "the test is on new people of known sites, which flatters.",
    "stored": "Sides are those of the corpus' `splits.parquet`, as they were found; "
    "`allbrains verify-splits` checks them.",
}


def _plain(value: object) -> object:
    """Return a value that strict JSON can hold: null for what is not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
