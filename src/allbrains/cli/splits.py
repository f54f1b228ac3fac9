"""``allbrains splits``: training, validation and test by person."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from allbrains.cli.terminal import echo


@click.command("splits")
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--shares",
    nargs=3,
    type=click.FloatRange(0, 1),
    default=(0.8, 0.1, 0.1),
    show_default=True,
    help="Of training, validation and test.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Another one gives another split.")
@click.option("--whole-datasets", is_flag=True, help="Keep each dataset on one side: test on unseen sites.")
@click.option("--no-images", is_flag=True, help="Don't compare brains, only subjects and digests.")
@click.option(
    "--where",
    default="",
    metavar="SQL",
    help="Leave out samples that don't meet this condition, such as \"rating != 'reject'\" or qc_pass.",
)
def command(
    *,
    out: Path,
    shares: tuple[float, float, float],
    seed: int,
    whole_datasets: bool,
    no_images: bool,
    where: str,
) -> None:
    """Give each sample of the corpus OUT a side, so that nobody is on two.

    Scans are one person's by dataset and subject, by digest, and by the brain itself. Sides are balanced by
    dataset, sex and age, and kept: after more scans were built, the same command adds them, and nobody
    changes sides. Writes OUT/splits.parquet; to begin anew, delete it. What --where leaves out keeps its
    side for the day when a call without it takes it in again.
    """
    from allbrains.library.study import Corpus

    table = Corpus(out).splits(
        shares=shares, seed=seed, whole_datasets=whole_datasets, images=not no_images, where=where
    )
    people = Counter(table["group"].to_pylist())
    for side, count in sorted(Counter(table["split"].to_pylist()).items()):
        echo(f"{side}\t{count}")
    most = max(people.values(), default=0)
    about = f"{len(table)} samples of {len(people)} people in {out / 'splits.parquet'}, at most {most} of one"
    echo(about, err=True)
