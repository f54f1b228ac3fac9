"""``allbrains verify``: compare a corpus with its own records."""

from __future__ import annotations

from pathlib import Path

import click

from allbrains.cli.terminal import echo


@click.command("verify")
@click.argument("out", type=click.Path(path_type=Path))
def command(out: Path) -> int:
    """Read every checksum of the corpus OUT again; compare ledger, folder, catalogue and samples table.

    Prints a line for each thing that is wrong, and exits with 1 where there is one. Not while a build runs.
    """
    from allbrains.library.study import Corpus

    verified = Corpus(out).verify(found=echo)
    echo(verified.summary, err=True)
    if count := len(verified.findings):
        echo(f"{count} findings: `allbrains repair {out}` mends them or lets a build do so", err=True)
    else:
        echo("all is well: every checksum, and ledger, folder, catalogue and samples table agree", err=True)
    return 0 if verified.good else 1
