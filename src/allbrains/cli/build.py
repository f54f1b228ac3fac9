"""``allbrains build``: catalogue, plan, run, seal. Typed again, it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from allbrains import recipes
from allbrains.cli.engine_options import Where, engine_options
from allbrains.cli.gather import Choice, Chosen, default_slots, gather
from allbrains.cli.options import json_option, out_option, recipe_options, selection_options, source_options
from allbrains.cli.progress_bar import Bar, Lines, Together, Watcher
from allbrains.cli.status import lines
from allbrains.recipe import Recipe
from allbrains.run.driver import build
from allbrains.run.engines.local import Engine
from allbrains.run.lock import alone
from allbrains.run.pause import Check, Disk, Pause, Service, silence
from allbrains.run.progress import Progress
from allbrains.run.run_log import RunLog
from allbrains.run.slot.guard import SlotLimits
from allbrains.store.layout import Layout
from allbrains.store.ledger import Tally


@click.command()
@source_options
@selection_options
@recipe_options
@engine_options
@out_option
@json_option
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=SlotLimits().wall_s,
    show_default=True,
    help="Seconds a scan.",
)
@click.option(
    "--memory",
    type=click.FloatRange(min=100),
    help="MB a scan. Default: 6000, more where the recipe needs it.",
)
@click.option(
    "--device",
    type=click.Choice(["cpu", "cuda"]),
    help="Where torch's networks run. Default: as the recipe says, which is cpu.",
)
def command(
    *,
    recipe: str,
    jobs: int | None,
    out: Path,
    timeout: float,
    memory: float | None,
    device: str | None,
    as_json: bool,
    engine: str,
    scheduler: str,
    slurm: bool,
    cluster: Path | None,
    **choice: Any,
) -> int:
    """Turn scans into a corpus in --out: a sample for each, or a row that says why not.

    The same command again goes on where this one stopped.
    """
    # what is misspelt or missing ends here, not after a long crawl
    made = recipes.ready(recipe, device=device or "")
    where = Where.of(engine, scheduler=scheduler, slurm=slurm, file=cluster)
    limits = SlotLimits(wall_s=timeout, memory_mb=memory or ceiling_mb(made))
    runs_in = where.engine(jobs, default_slots(made), limits, made.memory_mb)
    with alone(Layout(out)):  # before the catalogue: reading it takes long, and writes into the folder
        chosen = gather(Choice(**choice), out)
        tally = run(chosen, out, recipe=recipe, engine=runs_in, device=device or "", as_json=as_json)
    for line in [] if as_json else lines(tally):
        click.echo(line)
    for sentence in chosen.incomplete:
        click.echo(f"the catalogue is incomplete: {sentence}", err=True)
    if chosen.incomplete:
        return 1
    return 3 if tally.failed else 0


def ceiling_mb(recipe: Recipe) -> float:
    """Return the memory at which a scan is cut, MB: half as much again as the recipe expects to need."""
    return max(SlotLimits().memory_mb, 1.5 * recipe.memory_mb)


def run(
    chosen: Chosen, out: Path, *, recipe: str, engine: Engine, device: str = "", as_json: bool = False
) -> Tally:
    """Build the chosen scans under the eyes of a progress bar, a log and `status`.

    The caller holds the folder's lock (``alone``).
    """
    counts = Progress(out, lambda: engine.slots)
    talk: list[Watcher] = [Lines(counts)] if as_json else []
    how = "stopped"
    checks: list[Check] = [Disk(out), Service(silence(chosen.network), chosen.network.origins)]
    watch = Together([counts, RunLog(out), Bar(counts), *talk])
    try:
        tally = build(
            chosen.scans,
            chosen.people,
            Layout(out),
            recipe=recipe,
            engine=engine,
            network=chosen.network,
            watch=watch,
            device=device,
            pause=Pause(checks, watch.pause),
        )
        how = "finished"
        return tally
    except KeyboardInterrupt:
        how = "interrupted"
        raise
    finally:
        watch.end(how)
        engine.close()
