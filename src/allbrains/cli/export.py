"""``allbrains export``: a corpus as BIDS derivatives."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import click


@click.command("export")
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--to", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write to."
)
@click.option("--where", default="", metavar="SQL", help="Condition over the columns of samples.parquet.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many scans.")
@click.option(
    "--space",
    type=click.Choice(["template", "native"]),
    default="template",
    show_default=True,
    help="Grid of the corpus, or of each scan's own file.",
)
def command(out: Path, to: Path, where: str, limit: int | None, space: str) -> None:
    """Write the samples of the corpus OUT as NIfTI with BIDS derivative names.

    One derivative dataset a source dataset. Prints each image's path.
    """
    from allbrains.export.derivatives import export
    from allbrains.load import open as open_corpus

    chosen = open_corpus(out, where=where)
    count = 0
    for path in export(islice(chosen, limit), to, space="native" if space == "native" else "template"):
        click.echo(path)
        count += 1
    click.echo(f"{count} images under {to}", err=True)
