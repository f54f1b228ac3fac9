"""``allbrains learn``: baselines on a corpus."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from allbrains.cli.options import json_option
from allbrains.cli.terminal import echo


@click.command("learn")
@click.argument("task", type=click.Choice(["age", "sex", "contrastive"]))
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Folder for weights, figures and the card. Default: OUT/learn/TASK.",
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Settings as TOML; --dry-run prints all of them.",
)
@click.option(
    "--where", metavar="SQL", help="Condition over the columns of samples.parquet. Default: qc_pass."
)
@click.option(
    "--split",
    type=click.Choice(["datasets", "persons", "stored"]),
    help="What is on one side only: datasets (the default), persons; or the sides of splits.parquet.",
)
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    help="Times over the training side. Default: enough for 400 steps, 20 or more.",
)
@click.option("--batch", type=click.IntRange(min=1), help="Samples a step, over all processes together.")
@click.option(
    "--pool", type=click.IntRange(min=1), help="Voxels along an axis that become one; 2: 2 mm of 1 mm."
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), help="Where the network runs.")
@click.option("--seed", type=click.IntRange(min=0), help="Of everything random.")
@click.option(
    "--shuffle-labels", is_flag=True, default=None, help="A control: every score must then be chance."
)
@click.option("--dry-run", is_flag=True, help="Print the settings and who takes part; train nothing.")
@json_option
def command(
    *,
    task: str,
    out: Path,
    to: Path | None,
    config: Path | None,
    dry_run: bool,
    as_json: bool,
    **changes: Any,
) -> None:
    """Train and test a baseline on the corpus OUT: age, sex, or a contrastive embedding.

    Prints the test side's scores with 95 % intervals, and writes weights, metrics by epoch, predictions or
    embeddings, and card.md. The same command goes on where it was stopped. Several processes:
    torchrun --nproc-per-node 4 -m allbrains learn …
    """
    from allbrains.library.study import Corpus

    corpus, text = Corpus(out), config.read_text(encoding="utf-8") if config else ""
    if dry_run:
        lesson = corpus.lesson(task, config=text, **changes)
        echo(lesson.settings.to_toml(), nl=False)
        for side, (scans, people, datasets) in lesson.counts.items():
            echo(f"{side}: {scans} scans of {people} people in {datasets} datasets", err=True)
        return
    folder = to or out / "learn" / task
    results = corpus.learn(task, to=folder, config=text, **changes)
    if results is None:  # another process tells
        return
    for score in results.scores:
        if as_json:
            echo(json.dumps(asdict(score)))
        else:
            echo(f"{score.model}\t{score.metric}\t{score.value:.3f}\t{score.low:.3f}\t{score.high:.3f}")
    for note in results.notes:
        echo(note, err=True)
    echo(f"the card is {folder / 'card.md'}", err=True)
