"""``allbrains repair``: let the next build redo what is broken."""

from __future__ import annotations

from pathlib import Path

import click

from allbrains.run.lock import alone
from allbrains.store.integrity import examine, repair
from allbrains.store.layout import Layout
from allbrains.store.ledger import Ledger, LedgerReader


@click.command("repair")
@click.argument("out", type=click.Path(path_type=Path))
def command(out: Path) -> None:
    """Find what is broken in the corpus OUT, and let the next `allbrains build` make it again.

    Prints a line for each thing that is wrong. What is sound is kept.
    """
    layout = Layout(out)
    LedgerReader.open(layout.ledger).close()  # no corpus, no lock file
    with alone(layout), Ledger.open(layout.ledger) as ledger:
        found = []
        for finding in examine(layout, ledger):
            click.echo(finding.said)
            found.append(finding)
        again = repair(layout, ledger, found)
    if found:
        click.echo(f"{again} scans will be done again by the same `allbrains build`; run it now", err=True)
    else:
        click.echo("nothing is broken", err=True)
