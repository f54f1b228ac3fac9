"""``allbrains export``: a corpus as files of other kinds."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import click

from allbrains.cli.terminal import echo
from allbrains.errors import ConfigurationError


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
    from allbrains.export.arrays import export_npy, export_webdataset
    from allbrains.export.derivatives import export
    from allbrains.load import open as open_corpus

    if space == "native" and kind != "bids":
        raise ConfigurationError("--space native is for --format bids: the others write the corpus' grid")
    wanted = [*maps, "displacement"] if maps and space == "native" else maps
    chosen = islice(open_corpus(out, maps=wanted or None, where=where), limit)
    match kind:
        case "npy":
            paths = export_npy(chosen, to)
        case "webdataset":
            paths = export_webdataset(chosen, to)
        case _:
            paths = export(chosen, to, space="native" if space == "native" else "template")
    count = 0
    for path in paths:
        echo(path)
        count += 1
    things = {"npy": "samples", "webdataset": "tars"}.get(kind, "images")
    echo(f"{count} {things} under {to}", err=True)
