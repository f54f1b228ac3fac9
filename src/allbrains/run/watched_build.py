"""The one place where a build is put together: driver, pauses, watchers, engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from allbrains.records import Scan
from allbrains.run.driver import build
from allbrains.run.engines.local import Engine
from allbrains.run.pause import Check, Disk, Pause, Service, silence
from allbrains.run.watchers import Together, Watcher
from allbrains.store.layout import Layout
from allbrains.store.ledger import Tally
from allbrains.transfer import Network


def nobody() -> pa.Table:
    """Return an empty table of demographics: nothing is known of the scans' participants."""
    return pa.table({"scan_id": pa.array([], pa.string())})


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildWork:
    """What is to be built.

    Attributes:
        scans: in the catalogue's order.
        people: the column ``scan_id`` and what the samples table is to say of a scan's participant.
        network: what fetching the scans may ask.
        recipe: name or TOML file.
        device: ``cpu`` or ``cuda`` for the steps that can choose; empty: as the recipe says.
    """

    scans: Sequence[Scan]
    people: pa.Table
    network: Network
    recipe: str
    device: str = ""


def watched_build(work: BuildWork, layout: Layout, *, engine: Engine, watchers: Sequence[Watcher]) -> Tally:
    """Build under watchers; pause while a disk is full or the source is silent; return the corpus' tally.

    The caller holds the folder's lock (``alone``). Ctrl-C ends the scans in flight, and is raised again; the
    next call goes on. The engine is closed in any case.

    Raises:
        ConfigurationError: see ``driver.build``.
    """
    checks: list[Check] = [Disk(layout.root)]
    if work.network.origins:
        checks.append(Service(silence(work.network), work.network.origins))
    watch, how = Together(watchers), "stopped"
    try:
        tally = build(
            work.scans,
            work.people,
            layout,
            recipe=work.recipe,
            engine=engine,
            network=work.network,
            watch=watch,
            device=work.device,
            pause=Pause(checks, watch.pause),
        )
        how = "finished"
        return tally
    except KeyboardInterrupt:
        how = "interrupted"
        raise
    finally:
        try:  # a caller's own watcher may raise
            watch.end(how)
        finally:
            engine.close()
