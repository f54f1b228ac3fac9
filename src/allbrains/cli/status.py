"""``allbrains status``: how far a build is."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from allbrains.cli.terminal import echo

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
    from allbrains.library.study import Corpus

    status = Corpus(out).status()
    if as_json:
        run = asdict(status.run) | {"running": status.running} if status.run else None
        echo(json.dumps(asdict(status.tally) | {"run": run}))
        return
    for line in lines(status.tally):
        echo(line)
    if status.run:
        for line in about_run(status.run, running=status.running):
            echo(line)


def lines(tally: Tally) -> list[str]:
    """Return a tally for people: numbers that add up."""
    out = [f"planned   {tally.planned}", f"done      {tally.done}"]
    for title, counts in (("rejected", tally.rejected), ("failed", tally.failed)):
        out.append(f"{title:10}{sum(counts.values())}")
        out += [f"  {code}: {number}" for code, number in counts.items()]
    return [*out, f"pending   {tally.pending}"]


def about_run(figures: Figures, *, running: bool) -> list[str]:
    """Return the last run's figures for people."""
    from allbrains.run.run_status import span
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
        out.append(f"left      {'~' if figures.guessed else ''}{span(figures.left_s)}")
    return out
