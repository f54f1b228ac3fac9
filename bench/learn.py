"""What the baselines find where the truth is known, and what training costs (docs/benchmarks/learn.md).

python bench/learn.py           # what is found on tiny cohorts whose truth is known
python bench/learn.py PART …    # of that: truth, leak, embedding
python bench/learn.py CORPUS    # what a step costs on a corpus of real size

"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from allbrains.cli.main import run as allbrains
from allbrains.files import passing
from allbrains.learn.cohort import gather
from allbrains.learn.experiment import learn, network_for, run_for
from allbrains.learn.results import Results
from allbrains.learn.settings import settings_for
from allbrains.learn.training import train
from allbrains.load.order import Share
from allbrains.testing.cohorts import ToyCohort, write_cohort, write_leak

TOY = "pool = 1\nthreads = 1\n"  # all else as it is by default
QUICK = TOY + "widths = [8, 16, 16]\nlearning_rate = 6e-3\naugment = 0.0\nbootstrap = 1\n"
EMBEDDING = (
    'pool = 1\nmaps = ["gm"]\nwidths = [16, 32, 64]\nbatch = 24\nsplit = "persons"\naugment = 0.2\n'
    "learning_rate = 4e-3\nthreads = 1\n"
)
_PASSES = 4  # over the training side: 16 samples where it has 4
_SHUFFLES = 12

STRANGERS = ToyCohort(people=150)
VISITORS = ToyCohort(people=48, datasets=4, visits=2, folds=0.15)
TWICE = ToyCohort(people=70, datasets=7, folds=0.15, twice=10)


def run(task: str, out: Path, folder: Path, toml: str, **changes: object) -> Results:
    """Return what a baseline finds."""
    results = learn(out, folder, settings_for(task, toml, changes))
    assert results is not None
    return results


def timed(name: str, found: Callable[[], Results]) -> None:
    """Print a run's scores, and its CPU seconds."""
    begin = time.process_time()
    results = found()
    cpu = time.process_time() - begin
    waited = np.mean([line["waited_share"] for line in results.history])
    for score in results.scores:
        print(
            f"| {name} | {score.model} | {score.metric} | {score.value:.2f} "
            f"| {score.low:.2f} to {score.high:.2f} |"
        )
    print(f"<!-- {name}: {cpu:.0f} CPU s, waited {100 * waited:.1f} %; {results.notes[:1]} -->", flush=True)


def known_truth(folder: Path) -> None:
    """Print what the default network finds, and the linear model."""
    strangers = write_cohort(folder / "strangers", STRANGERS)
    for task in ("age", "sex"):
        timed(task, partial(run, task, strangers, folder / task, TOY))
    for task, metric in (("age", "correlation"), ("sex", "area under curve")):
        shuffled(task, metric, strangers, folder)


def shuffled(task: str, metric: str, strangers: Path, folder: Path) -> None:
    """Print the mean over several shuffles of the labels: of one, the interval knows the people only."""
    changes = {"epochs": 4, "shuffle_labels": True}
    runs = [
        run(task, strangers, folder / f"{task}-{seed}", QUICK, seed=seed, **changes)
        for seed in range(_SHUFFLES)
    ]
    for model in ("CNN", "linear"):
        values = [
            one.value for found in runs for one in found.scores if (one.model, one.metric) == (model, metric)
        ]
        mean, error = np.mean(values), 1.96 * np.std(values, ddof=1) / np.sqrt(len(values))
        name = f"{task}, labels shuffled, mean of {len(values)}"
        print(
            f"| {name} | {model} | {metric} | {mean:.2f} | {mean - error:.2f} to {mean + error:.2f} |",
            flush=True,
        )


def leak(folder: Path) -> None:
    """Print what a leak does: ages are other people's, so that only knowing a person again can help."""
    leaky, honest = write_leak(folder / "leaky", TWICE), write_cohort(folder / "honest", TWICE)
    long = {"epochs": 80, "shuffle_labels": True, "where": "", "bootstrap": 1000}
    allbrains(["verify-splits", str(leaky / "splits.parquet"), "--corpus", str(leaky)])
    timed("leak", lambda: run("age", leaky, folder / "leak", QUICK, split="stored", **long))
    timed("no leak", lambda: run("age", honest, folder / "no-leak", QUICK, **long))


def embeddings(folder: Path) -> None:
    """Print what the contrastive model finds, where the site leaves no trace and where it does."""
    for name, site, epochs in (("no site", 0.0, 14), ("strong site", 3.0, 4)):
        out = write_cohort(folder / name, replace(VISITORS, site=site))
        found = partial(run, "contrastive", out, folder / f"{name}-run", EMBEDDING, epochs=epochs)
        timed(name, found)


def throughput(corpus: Path, folder: Path) -> None:
    """Print what a step costs with the default network; samples come again and again, as in a long epoch."""
    for task, threads in (("age", 1), ("age", 2), ("contrastive", 2)):
        toml = f'where = ""\nsplit = "persons"\nshares = [0.5, 0.25, 0.25]\nbatch = 2\nthreads = {threads}\n'
        settings = settings_for(task, toml, {"epochs": 1})
        cohort = gather(corpus, settings)
        network = network_for(cohort, settings)
        target = folder / f"{task}-{threads}"
        target.mkdir()
        run = run_for(cohort, settings, target, device="cpu", share=Share(), at=passing)
        table = run.training.brains.table
        rows = np.tile(np.arange(len(table)), _PASSES)
        longer = replace(run.training.brains, table=table.take(rows))
        people = tuple(f"{at}" for at in range(len(rows))) if run.training.people else ()
        run = replace(run, training=replace(run.training, brains=longer, people=people))
        line = train(network, run).history[-1]
        rate, waited = line["samples_per_cpu_s"], 100 * line["waited_share"]
        print(f"| {task}, {', '.join(settings.maps)} | {threads} | {rate:.2f} | {waited:.1f} % |", flush=True)


PARTS = {"truth": known_truth, "leak": leak, "embedding": embeddings}


def main() -> None:
    torch.set_num_threads(1)
    asked = sys.argv[1:]
    with TemporaryDirectory() as name:
        if asked and asked[0] not in PARTS:
            throughput(Path(asked[0]), Path(name))
            return
        for part in asked or PARTS:
            PARTS[part](Path(name))


if __name__ == "__main__":
    main()
