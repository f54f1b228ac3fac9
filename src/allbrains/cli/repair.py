"""``allbrains repair``: bring back what was lost, and let the next build redo what is broken."""

from __future__ import annotations

from pathlib import Path

import click

from allbrains.cli.counting import count
from allbrains.cli.options import service_options
from allbrains.cli.terminal import echo


@click.command("repair")
@click.argument("out", type=click.Path(path_type=Path))
@service_options
def command(out: Path, *, api: str, bucket: str, contact: str) -> int:
    """Find what is broken in the corpus OUT, and let the next `allbrains build` make it again.

    Prints a line for each thing that is wrong. What is sound is kept. What the corpus no longer knows of its
    scans (ages, licences, authors) is read again from where they came from.

    Exit code 1: some of it could not be read; the same command tries again.
    """
    from allbrains.library.study import Corpus

    repaired = Corpus(out).repair(api=api, bucket=bucket, contact=contact, found=echo, progress=count)
    for sentence in repaired.failed:
        echo(f"can't be read again: {sentence}", err=True)
    if repaired.findings:
        again = f"{repaired.again} scans will be done again by the same `allbrains build`; run it now"
        echo(again, err=True)
    elif not repaired.lost:
        echo("nothing is broken", err=True)
    return 1 if repaired.failed else 0
