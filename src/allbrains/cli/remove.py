"""``allbrains remove``: remove a withdrawn dataset with its samples."""

from __future__ import annotations

from pathlib import Path

import click

from allbrains.cli.terminal import echo


@click.command("remove")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--dataset", required=True, metavar="ID", help="The dataset to remove.")
def command(out: Path, dataset: str) -> None:
    """Remove a dataset from the corpus OUT: its shards, its rows, what ledger and catalogue know of it."""
    from allbrains.library.study import Corpus

    removed = Corpus(out).remove(dataset)
    if removed.note:
        echo(removed.note, err=True)
    echo(f"{removed.scans} scans of {dataset} removed", err=True)
