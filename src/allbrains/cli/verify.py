"""``allbrains verify``: is the corpus what it says it is."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("verify")
@click.argument("out", type=click.Path(path_type=Path))
def command(out: Path) -> int:
    """Read every checksum of the corpus OUT again; compare ledger, folder and samples table.

    Prints a line for each thing that is wrong, and exits with 1 where there is one. Not while a build runs.
    """
    from allbrains.store.integrity import examine, summary
    from allbrains.store.layout import Layout
    from allbrains.store.ledger import LedgerReader

    layout, count = Layout(out), 0
    with LedgerReader.open(layout.ledger) as ledger:
        for finding in examine(layout, ledger):
            click.echo(finding.said)
            count += 1
        click.echo(summary(layout, ledger), err=True)
    if count:
        click.echo(f"{count} findings: `allbrains repair {out}` lets the next build mend them", err=True)
    return 1 if count else 0
