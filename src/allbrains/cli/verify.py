"""``allbrains verify``: is the corpus what it says it is."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import click


@click.command("verify")
@click.argument("out", type=click.Path(path_type=Path))
def command(out: Path) -> int:
    """Read every checksum of the corpus OUT again; compare ledger, folder, catalogue and samples table.

    Prints a line for each thing that is wrong, and exits with 1 where there is one. Not while a build runs.
    """
    from allbrains.run.lost_labels import losses
    from allbrains.store.integrity import examine, summary
    from allbrains.store.layout import Layout
    from allbrains.store.ledger import LedgerReader

    layout, count = Layout(out), 0
    with LedgerReader.open(layout.ledger) as ledger:
        sentences = chain(
            (finding.said for finding in examine(layout, ledger)),
            (loss.said for loss in losses(layout, ledger)),
        )
        for sentence in sentences:
            click.echo(sentence)
            count += 1
        click.echo(summary(layout, ledger), err=True)
    if count:
        click.echo(f"{count} findings: `allbrains repair {out}` mends them or lets a build do so", err=True)
    return 1 if count else 0
