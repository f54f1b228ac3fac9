"""``allbrains status``: how far a build is."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from allbrains.store.ledger import Tally


@click.command("status")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(out: Path, as_json: bool) -> None:
    """Tell how many scans of the corpus OUT are done, rejected, failed and pending.

    Reads the ledger only, also while a build runs.
    """
    from allbrains.store.layout import Layout
    from allbrains.store.ledger import LedgerReader

    with LedgerReader.open(Layout(out).ledger) as ledger:
        tally = ledger.tally()
    if as_json:
        click.echo(json.dumps(asdict(tally)))
        return
    for line in lines(tally):
        click.echo(line)


def lines(tally: Tally) -> list[str]:
    """Return a tally for people: numbers that add up."""
    out = [f"planned   {tally.planned}", f"done      {tally.done}"]
    for title, counts in (("rejected", tally.rejected), ("failed", tally.failed)):
        out.append(f"{title:10}{sum(counts.values())}")
        out += [f"  {code}: {number}" for code, number in counts.items()]
    return [*out, f"pending   {tally.pending}"]
