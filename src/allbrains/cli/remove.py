"""``allbrains remove``: a withdrawn dataset leaves with its samples."""

from __future__ import annotations

from pathlib import Path

import click

from allbrains.run.lock import alone
from allbrains.store.layout import Layout
from allbrains.store.ledger import Ledger, LedgerReader
from allbrains.store.removal import remove_dataset


@click.command("remove")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--dataset", required=True, metavar="ID", help="The dataset to remove.")
def command(out: Path, dataset: str) -> None:
    """Remove a dataset from the corpus OUT: its shards, its rows, what the ledger knows of it."""
    layout = Layout(out)
    LedgerReader.open(layout.ledger).close()  # no corpus, no lock file
    with alone(layout), Ledger.open(layout.ledger) as ledger:
        count = remove_dataset(layout, ledger, dataset)
    click.echo(f"{count} scans of {dataset} removed", err=True)
