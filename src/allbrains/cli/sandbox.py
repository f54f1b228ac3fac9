"""``allbrains sandbox``: a local OpenNeuro."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from threading import Event

import click

from allbrains.sandbox import serve


@click.command("sandbox")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=0, show_default="any free one", help="Port to listen on.")
def command(folder: Path, host: str, port: int) -> None:
    """Serve FOLDER, a BIDS dataset or a folder of them, as a local OpenNeuro.

    Prints {"api": URL, "bucket": URL}, the values for --api and --bucket, then serves until it is
    interrupted or terminated.
    """
    stopped = Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.set())
    with serve(folder, host=host, port=port) as server:
        click.echo(json.dumps({"api": server.api, "bucket": server.bucket}))
        stopped.wait()
