"""``allbrains remove``: a withdrawn dataset leaves with its samples."""

from __future__ import annotations

from pathlib import Path

import click

from allbrains.catalogue import catalogue
from allbrains.catalogue.merge import without
from allbrains.catalogue.survey import previous
from allbrains.errors import SourceError
from allbrains.run.lock import alone
from allbrains.store.layout import Layout
from allbrains.store.ledger import Ledger, LedgerReader
from allbrains.store.removal import remove_dataset


@click.command("remove")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--dataset", required=True, metavar="ID", help="The dataset to remove.")
def command(out: Path, dataset: str) -> None:
    """Remove a dataset from the corpus OUT: its shards, its rows, what ledger and catalogue know of it."""
    layout = Layout(out)
    LedgerReader.open(layout.ledger).close()  # no corpus, no lock file
    with alone(layout), Ledger.open(layout.ledger) as ledger:
        _forget(layout.root / catalogue.FOLDER, dataset)  # first: the ledger still knows it after a crash
        count = remove_dataset(layout, ledger, dataset)
    click.echo(f"{count} scans of {dataset} removed", err=True)


def _forget(folder: Path, dataset: str) -> None:
    try:
        known = previous(folder)
    except SourceError as error:  # no reason to keep samples that were withdrawn
        click.echo(f"its rows in the catalogue stay: {error}", err=True)
        return
    if known is not None and dataset in known.datasets["dataset"].to_pylist():
        catalogue.write(without(known, dataset), folder)
