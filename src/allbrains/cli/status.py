"""``allbrains status``: how far a build is."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click


@click.command("status")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(out: Path, as_json: bool) -> None:
    """Tell how many scans of the corpus OUT are done, rejected, failed and pending.

    Reads the ledger only, also while a build runs.
    """
    from allbrains.store.layout import Layout
    from allbrains.store.ledger import LedgerReader, Tally

    with LedgerReader.open(Layout(out).ledger) as ledger:
        tally: Tally = ledger.tally()
    if as_json:
        click.echo(json.dumps(asdict(tally)))
        return
    click.echo(f"planned   {tally.planned}")
    click.echo(f"done      {tally.done}")
    click.echo(f"rejected  {sum(tally.rejected.values())}")
    for reason, number in tally.rejected.items():
        click.echo(f"  {reason}: {number}")
    click.echo(f"failed    {sum(tally.failed.values())}")
    for cause, number in tally.failed.items():
        click.echo(f"  {cause}: {number}")
    click.echo(f"pending   {tally.pending}")
