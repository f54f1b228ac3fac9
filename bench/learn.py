"""What the baselines find where the truth is known, and what training costs (docs/benchmarks/learn.md).

python bench/learn.py           # what is found on tiny cohorts whose truth is known
python bench/learn.py CORPUS    # what a step costs on a corpus of real size


"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from allbrains.learn.cohort import gather
from allbrains.learn.experiment import learn, network_for, run_for
from allbrains.learn.results import Results
from allbrains.learn.settings import settings_for
from allbrains.learn.training import train
from allbrains.load.order import Share
from allbrains.store.files import passing
from allbrains.testing.cohorts import Cohort, write_cohort

TOY = "pool = 1\nwidths = [8, 16, 16]\ndropout = 0.1\naugment = 0.3\nlearning_rate = 6e-3\nthreads = 1\n"
EMBEDDING = (
    'pool = 1\nmaps = ["gm"]\nwidths = [16, 32, 64]\nbatch = 24\nsplit = "persons"\naugment = 0.2\n'
    "learning_rate = 4e-3\nthreads = 1\n"
)
_PASSES = 4  # over the training side: 16 samples where it has 4

STRANGERS = Cohort(people=150)
VISITORS = Cohort(people=48, datasets=4, visits=2, folds=0.15)


def timed(name: str, run: Callable[[], Results | None]) -> None:
    """Print a run's scores, and its CPU seconds."""
    begin = time.process_time()
    results = run()
    assert results is not None
    cpu = time.process_time() - begin
    waited = np.mean([line["waited_share"] for line in results.history])
    for score in results.scores:
        print(
            f"| {name} | {score.model} | {score.metric} | {score.value:.2f} "
            f"| {score.low:.2f} to {score.high:.2f} |"
        )
    print(f"<!-- {name}: {cpu:.0f} CPU s, waited {100 * waited:.1f} %; {results.notes[:1]} -->", flush=True)


def figures(folder: Path) -> Iterator[tuple[str, Callable[[], Results | None]]]:
    """Yield each run of the table."""
    strangers = write_cohort(folder / "strangers", STRANGERS)
    visitors = write_cohort(folder / "visitors", VISITORS)
    sites = write_cohort(folder / "sites", replace(VISITORS, site=3.0))

    def run(task: str, out: Path, toml: str, to: str, **changes: object) -> Results | None:
        return learn(out, folder / to, settings_for(task, toml, changes))

    yield "age", lambda: run("age", strangers, TOY, "a", epochs=8)
    yield "age, labels shuffled", lambda: run("age", strangers, TOY, "b", epochs=3, shuffle_labels=True)
    yield "sex", lambda: run("sex", strangers, TOY, "c", epochs=8)
    yield "sex, labels shuffled", lambda: run("sex", strangers, TOY, "d", epochs=3, shuffle_labels=True)
    yield "contrastive, no site", lambda: run("contrastive", visitors, EMBEDDING, "e", epochs=14)
    yield "contrastive, strong site", lambda: run("contrastive", sites, EMBEDDING, "f", epochs=4)


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


def main() -> None:
    torch.set_num_threads(1)
    with TemporaryDirectory() as name:
        folder = Path(name)
        if sys.argv[1:]:
            throughput(Path(sys.argv[1]), folder)
            return
        for what, run in figures(folder):
            timed(what, run)


if __name__ == "__main__":
    main()
