"""``allbrains plan``: what a build would do, and what it would cost."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from allbrains.cli.counting import count
from allbrains.cli.options import json_option, out_option, recipe_options, selection_options, source_options
from allbrains.cli.terminal import echo


@click.command()
@source_options
@selection_options
@recipe_options
@out_option
@json_option
def command(*, recipe: str, jobs: int | None, out: Path, as_json: bool, **choice: Any) -> None:
    """Print what `build` would do with the same options: scans, bytes, hours, disk. Builds nothing."""
    from allbrains.library.choose_scans import Choice
    from allbrains.library.study import Corpus

    costs = Corpus(out).plan(Choice(**choice), recipe=recipe, jobs=jobs, progress=count)
    told = asdict(costs)
    incomplete, notes = told.pop("incomplete"), told.pop("notes")
    for sentence in notes:
        echo(sentence, err=True)
    if as_json:
        echo(json.dumps(told))
    else:
        for name, value in told.items():
            echo(f"{name.replace('_', ' '):18}{value:>12,}")
    for sentence in incomplete:
        echo(f"the catalogue is incomplete: {sentence}", err=True)
