"""``allbrains serve``: a corpus to look at and to rate, on loopback."""

from __future__ import annotations

import signal
from pathlib import Path
from threading import Event

import click

from allbrains.cli.terminal import echo


@click.command("serve")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--against", type=click.Path(path_type=Path), help="Another corpus, to compare with.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default="any free one", help="Of loopback."
)
def command(*, out: Path, against: Path | None, port: int) -> None:
    """Serve the report of the corpus OUT on this machine's loopback, with all volumes and with ratings.

    Prints its address, then serves until it is interrupted or terminated. Ratings are written to
    OUT/ratings.tsv; `where="rating != 'reject'"` uses them.
    """
    from allbrains.library.study import Corpus

    stopped = Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.set())
    with Corpus(out).serve(against=against, port=port) as address:
        echo(address)
        echo("Ctrl-C ends it", err=True)
        stopped.wait()
