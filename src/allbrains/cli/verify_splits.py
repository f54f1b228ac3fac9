"""``allbrains verify-splits``: people on two sides of a split file."""

from __future__ import annotations

from pathlib import Path

import click

from allbrains.cli.terminal import echo


@click.command("verify-splits")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--corpus",
    type=click.Path(file_okay=False, path_type=Path),
    help="Compare digests and brains too, as far as this corpus has the scans.",
)
def command(file: Path, corpus: Path | None) -> int:
    """Find people on more than one side of FILE: CSV, TSV or Parquet, from any program.

    Needs a column `split` and columns that say which scan a row is: `scan_id`, or `dataset` with `subject`,
    `participant_id` or `path`. Prints a line for each leaking scan: number of the leak, why its scans belong
    together, side, scan. Exits with 1 where there is a leak.
    """
    from allbrains.library.train_corpus import find_leaks

    found = find_leaks(file, corpus)
    if corpus is not None:
        echo(f"{found.known} of {found.rows} rows are in {corpus}", err=True)
    for number, leak in enumerate(found.leaks, 1):
        why = "+".join(leak.links)
        for name, side in leak.scans:
            echo(f"{number}\t{why}\t{side}\t{name}")
    echo(f"{len(found.leaks)} people on more than one side, of {found.rows} rows", err=True)
    return 1 if found.leaks else 0
