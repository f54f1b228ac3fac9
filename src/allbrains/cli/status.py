"""``allbrains status``: how far a build is."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from allbrains.run.run_status import Figures
    from allbrains.store.ledger import Tally


@click.command("status")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(out: Path, as_json: bool) -> None:
    """Tell how many scans of the corpus OUT are done, rejected, failed and pending, and how its run goes.

    Reads only, also while a build runs.
    """
    from allbrains.run.run_status import read_figures, runs
    from allbrains.store.layout import Layout
    from allbrains.store.ledger import LedgerReader

    with LedgerReader.open(Layout(out).ledger) as ledger:
        tally = ledger.tally()
    figures = read_figures(out)
    if as_json:
        run = asdict(figures) | {"running": runs(figures)} if figures else None
        click.echo(json.dumps(asdict(tally) | {"run": run}))
        return
    for line in lines(tally):
        click.echo(line)
    if figures:
        for line in about_run(figures, running=runs(figures)):
            click.echo(line)


def lines(tally: Tally) -> list[str]:
    """Return a tally for people: numbers that add up."""
    out = [f"planned   {tally.planned}", f"done      {tally.done}"]
    for title, counts in (("rejected", tally.rejected), ("failed", tally.failed)):
        out.append(f"{title:10}{sum(counts.values())}")
        out += [f"  {code}: {number}" for code, number in counts.items()]
    return [*out, f"pending   {tally.pending}"]


def about_run(figures: Figures, *, running: bool) -> list[str]:
    """Return the last run's figures for people."""
    from allbrains.text import plain

    ended = figures.ended or "killed"
    heard = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(figures.written))
    state = f"running in process {figures.pid} on {figures.host}" if running else ended
    out = [f"run       {plain(state)}; figures of {heard}"]
    if figures.trouble:
        out.append(f"paused    {plain(figures.trouble)}")
    out.append(f"pace      {figures.scans_per_hour:.0f} scans/h, {figures.mb_per_s:.2f} MB/s")
    out.append(f"disk      {figures.disk_free_gb:.0f} GB free")
    if running and not figures.trouble:
        out.append(f"left      {'~' if figures.guessed else ''}{figures.left_s / 3600:.2f} h")
    return out
