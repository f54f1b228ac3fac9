"""``allbrains export``: a corpus as files of other kinds."""

from __future__ import annotations

from pathlib import Path

import click

from allbrains.cli.terminal import echo


@click.command("export")
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--to", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write to."
)
@click.option("--where", default="", metavar="SQL", help="Condition over the columns of samples.parquet.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many scans.")
@click.option("--map", "maps", multiple=True, metavar="NAME", help="Only this map; repeatable.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["bids", "npy", "webdataset"]),
    default="bids",
    show_default=True,
    help="NIfTI as BIDS derivatives, one .npy a map, or WebDataset tars.",
)
@click.option(
    "--space",
    type=click.Choice(["template", "native"]),
    default="template",
    show_default=True,
    help="Grid of the corpus, or of each scan's own file (bids only).",
)
def command(
    *, out: Path, to: Path, where: str, limit: int | None, maps: tuple[str, ...], kind: str, space: str
) -> None:
    """Write the samples of the corpus OUT as NIfTI with BIDS derivative names, NumPy files, or tars.

    Prints the path of each image, of each sample's folder, or of each tar.
    """
    from allbrains.library.study import Corpus

    paths = Corpus(out).export(to, where=where, limit=limit, maps=maps, form=kind, space=space, written=echo)
    things = {"npy": "samples", "webdataset": "tars"}.get(kind, "images")
    echo(f"{len(paths)} {things} under {to}", err=True)
