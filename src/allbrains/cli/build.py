"""``allbrains build``: catalogue, plan, run, seal. Typed again, it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allbrains.cli.counting import count
from allbrains.cli.engine_options import cluster_of, engine_options
from allbrains.cli.nothing_found import NOTHING
from allbrains.cli.options import json_option, out_option, recipe_options, selection_options, source_options
from allbrains.cli.status import lines
from allbrains.cli.terminal import echo

if TYPE_CHECKING:
    from allbrains.library.build_corpus import Watch
    from allbrains.run.progress import Progress
    from allbrains.run.watchers import Watcher

TIMEOUT_S = 1800.0  # as in run.slot.guard, which is not imported for a --help


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
    default=TIMEOUT_S,
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
    from allbrains.library.build_corpus import Resources, build_corpus
    from allbrains.library.choose_scans import Choice

    resources = Resources(
        jobs=jobs,
        timeout_s=timeout,
        memory_mb=memory,
        device=device or "",
        cluster=cluster_of(engine, scheduler=scheduler, slurm=slurm, file=cluster),
    )
    built = build_corpus(
        out,
        Choice(**choice),
        recipe=recipe,
        resources=resources,
        watch=shown(as_json=as_json),
        progress=count,
    )
    for line in [*built.notes, *(f"the catalogue is incomplete: {one}" for one in built.incomplete)]:
        echo(line, err=True)
    for line in [] if as_json else lines(built.tally):
        echo(line)
    _next_step(out, planned=built.tally.planned, done=built.tally.done, failed=bool(built.tally.failed))
    if built.incomplete or not built.tally.planned:
        return 1
    return 3 if built.tally.failed else 0


def _next_step(out: Path, *, planned: int, done: int, failed: bool) -> None:
    """Say what to do with what there is."""
    if not planned:
        echo(NOTHING, err=True)
    if failed:
        echo(f"the same command tries what failed again; `allbrains report {out}` says why", err=True)
    if done:
        echo(f"look at it: allbrains serve {out}; load it: allbrains.open({str(out)!r})", err=True)


def shown(*, as_json: bool) -> Watch:
    """Return a watch that shows a build: a bar, and for machines lines on stdout."""

    def watch(counts: Progress) -> list[Watcher]:
        from allbrains.cli.progress_bar import Bar, Lines

        return [Bar(counts), *([Lines(counts)] if as_json else [])]

    return watch
