"""``allbrains report``: a corpus to look at, as a folder."""

from __future__ import annotations

from pathlib import Path

import click

from allbrains.cli.counting import count
from allbrains.cli.terminal import echo


@click.command("report")
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to; OUT/report where it isn't given.",
)
@click.option("--against", type=click.Path(path_type=Path), help="Another corpus, to compare with.")
@click.option(
    "--volumes",
    type=click.IntRange(min=0),
    default=40,
    show_default=True,
    help="Write the volumes of so many samples, the oddest ones: about 4 MB each. `serve` shows all.",
)
def command(*, out: Path, to: Path | None, against: Path | None, volumes: int) -> None:
    """Write a page about the corpus OUT that opens in a browser without any network.

    What was found and why scans are missing, every brain as a picture, the oddest in 3-D, each number with
    its place in the corpus. Prints the page's path.
    """
    from allbrains.library.study import Corpus

    written = Corpus(out).report(to, against=against, volumes=volumes, progress=count)
    echo(written.index)
    about = f"{written.files} files about {written.rows} rows, {written.samples} of them samples"
    echo(about, err=True)
