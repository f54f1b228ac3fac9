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
    "--port",
    type=click.IntRange(0, 65535),
    default=8642,
    show_default=True,
    help="Of loopback; 0: any free one. The same each time, so that a tunnel and a bookmark keep working.",
)
@click.option(
    "--host-name",
    "host_names",
    multiple=True,
    metavar="NAME:PORT",
    help="Also answer to this address, at which a tunnel of yours shows the page; repeatable.",
)
def command(*, out: Path, against: Path | None, port: int, host_names: tuple[str, ...]) -> None:
    """Serve the report of the corpus OUT on this machine's loopback, with all volumes and with ratings.

    Prints its address, then serves until it is interrupted or terminated. Ratings are written to
    OUT/ratings.tsv; `where="rating != 'reject'"` uses them.
    """
    from allbrains.library.study import Corpus

    stopped = Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.set())
    with Corpus(out).serve(against=against, port=port, host_names=host_names) as address:
        echo(address)
        echo("Ctrl-C ends it", err=True)
        stopped.wait()
