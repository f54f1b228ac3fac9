"""``allbrains bench``: what reading costs on this machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from allbrains.cli.options import json_option
from allbrains.cli.terminal import echo


@click.command("bench")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--samples", type=click.IntRange(min=1), default=6, show_default=True, help="To measure with.")
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True, help="The best counts.")
@click.option(
    "--scratch",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where to put the other forms for a while, 150 MB a sample. Default: beside OUT.",
)
@json_option
def command(*, out: Path, samples: int, rounds: int, scratch: Path | None, as_json: bool) -> None:
    """Read samples of the corpus OUT as they are, and in the forms that other people have.

    Prints for whole samples, one map and a patch: CPU ms and wall ms a sample, and CPU over only decoding.
    Forms are left out if their library (nibabel, datasets, torch) is not installed.
    """
    from allbrains.library.study import Corpus

    if not as_json:
        echo(f"{'what':9}{'how':32}{'CPU ms':>9}{'wall ms':>9}{'× decode':>10}")
    for line in Corpus(out).bench(samples=samples, rounds=rounds, scratch=scratch):
        if as_json:
            echo(json.dumps(asdict(line)))
        else:
            numbers = f"{line.cost.cpu_ms:9.2f}{line.cost.wall_ms:9.2f}{line.ratio:10.2f}"
            echo(f"{line.what:9}{line.how:32}{numbers}")
