"""``allbrains plan``: what a build would do, and what it would cost."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from allbrains.cli.counting import count
from allbrains.cli.nothing_found import NOTHING
from allbrains.cli.options import json_option, out_option, recipe_options, selection_options, source_options
from allbrains.cli.terminal import echo


@click.command()
@source_options
@selection_options
@recipe_options
@out_option
@json_option
def command(*, recipe: str, jobs: int | None, out: Path, as_json: bool, **choice: Any) -> int:
    """Print what `build` would do with the same options: scans, bytes, time, disk. Builds nothing.

    Exit code 1: the catalogue is incomplete, or nothing was chosen.
    """
    from allbrains.library.choose_scans import Choice
    from allbrains.library.study import Corpus
    from allbrains.run.run_status import span

    costs = Corpus(out).plan(Choice(**choice), recipe=recipe, jobs=jobs, progress=count)
    told = asdict(costs)
    incomplete, notes = told.pop("incomplete"), told.pop("notes")
    for sentence in notes:
        echo(sentence, err=True)
    if as_json:
        echo(json.dumps(told))
    else:
        for name, value in told.items():
            if name == "hours":
                echo(f"{'time':18}{span(3600 * value):>12}")
            else:
                echo(f"{name.replace('_', ' '):18}{value:>12,}")
    for sentence in incomplete:
        echo(f"the catalogue is incomplete: {sentence}", err=True)
    nothing = costs.scans_to_run + costs.scans_settled == 0
    if nothing:
        echo(NOTHING, err=True)
    return 1 if incomplete or nothing else 0
