"""``allbrains sandbox``: a local OpenNeuro."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import click

from allbrains.cli.terminal import echo

if TYPE_CHECKING:
    from allbrains.sandbox import Sandbox


@click.command("sandbox")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=0, show_default="any free one", help="Port to listen on.")
@click.option(
    "--simulate",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help="Serve a synthetic OpenNeuro of N datasets instead of FOLDER.",
)
@click.option("--seed", default=0, show_default=True, help="Of --simulate, and of who meets a fault.")
@click.option(
    "--fault",
    multiple=True,
    metavar="NAME[:SHARE[:TIMES]]",
    help="Misbehave; may be given several times.",
)
@click.option("--latency", default=0.0, metavar="MS", help="Hold each answer back so long, milliseconds.")
@click.option("--faults", "tell", is_flag=True, help="Print all faults there are, and exit.")
def command(
    *,
    folder: Path | None,
    host: str,
    port: int,
    simulate: int | None,
    seed: int,
    fault: tuple[str, ...],
    latency: float,
    tell: bool,
) -> None:
    """Serve FOLDER, a BIDS dataset or a folder of them, as a local OpenNeuro.

    Prints {"api": URL, "bucket": URL}, the values for --api and --bucket, then serves until it is
    interrupted or terminated. Then it says on stderr how often each fault struck.
    """
    from allbrains.library.local_openneuro import fault_table, serve_openneuro

    if tell:
        echo(fault_table(), nl=False)
        return
    if (folder is None) == (simulate is None):
        raise click.UsageError("give a FOLDER to serve, or --simulate N")
    stopped = Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.set())
    with serve_openneuro(
        folder, simulate=simulate, seed=seed, faults=fault, latency_s=latency / 1000, host=host, port=port
    ) as server:
        echo(json.dumps({"api": server.api, "bucket": server.bucket}))
        try:
            stopped.wait()
        finally:
            _report(server)


def _report(server: Sandbox) -> None:
    for name, count in server.faults.counts().items():
        echo(f"{name}: struck {count} times, {len(server.faults.of(name))} different", err=True)
