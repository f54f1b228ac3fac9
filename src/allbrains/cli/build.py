"""``allbrains build``: catalogue, plan, run, seal. Typed again, it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from allbrains import recipes
from allbrains.build.build import build
from allbrains.build.engines import Local
from allbrains.build.guard import Limits
from allbrains.build.room import Room
from allbrains.cli.gather import Choice, Chosen, default_slots, gather
from allbrains.cli.options import out_option, recipe_options, selection_options, source_options
from allbrains.cli.progress import Bar
from allbrains.cli.status import lines
from allbrains.recipe import Recipe
from allbrains.store.layout import Layout
from allbrains.store.ledger import Tally


@click.command()
@source_options
@selection_options
@recipe_options
@out_option
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=Limits().wall_s,
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
    **choice: Any,
) -> int:
    """Turn scans into a corpus in --out: a sample for each, or a row that says why not.

    The same command again goes on where this one stopped.
    """
    # what is misspelt or missing ends here, not after a long crawl
    made = recipes.ready(recipe, device=device or "")
    chosen = gather(Choice(**choice), out)
    tally = run(
        chosen,
        out,
        recipe=recipe,
        slots=jobs or default_slots(made),
        limits=Limits(wall_s=timeout, memory_mb=memory or ceiling_mb(made)),
        device=device or "",
    )
    for line in lines(tally):
        click.echo(line)
    for sentence in chosen.incomplete:
        click.echo(f"the catalogue is incomplete: {sentence}", err=True)
    if chosen.incomplete:
        return 1
    return 3 if tally.failed else 0


def ceiling_mb(recipe: Recipe) -> float:
    """Return the memory at which a scan is cut, MB: half as much again as the recipe expects to need."""
    return max(Limits().memory_mb, 1.5 * recipe.memory_mb)


def run(chosen: Chosen, out: Path, *, recipe: str, slots: int, limits: Limits, device: str = "") -> Tally:
    """Build the chosen scans on this machine under a progress bar."""
    layout = Layout(out)
    out.mkdir(parents=True, exist_ok=True)
    bar = Bar(slots)
    try:
        return build(
            chosen.scans,
            chosen.people,
            layout,
            recipe=recipe,
            engine=Local(slots=slots, limits=limits, log=(out / "workers.log").resolve()),
            network=chosen.network,
            watch=bar,
            device=device,
            room=Room(out, bar.tell),
        )
    finally:
        bar.end()
