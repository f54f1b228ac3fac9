"""A local OpenNeuro: for a first try, a course, or tests, without a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from allbrains.errors import ConfigurationError
from allbrains.extras import needs

if TYPE_CHECKING:
    from allbrains.sandbox import Archive, Sandbox


@needs("sandbox")
@contextmanager
def serve_openneuro(
    folder: str | PathLike[str] | None = None,
    *,
    simulate: int | None = None,
    seed: int = 0,
    faults: Sequence[str] = (),
    latency_s: float = 0.0,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[Sandbox]:
    """Serve BIDS datasets as OpenNeuro would, while a ``with`` block runs.

    Args:
        folder: a BIDS dataset, or a folder of them.
        simulate: serve a synthetic OpenNeuro of so many datasets instead.
        seed: of ``simulate``, and of the subjects that a fault hits.
        faults: misbehaviours, ``NAME[:SHARE[:TIMES]]``; see the reference.
        latency_s: each answer is held back so long, seconds.
        host: address to listen on.
        port: 0: any free one.

    Yields:
        The server: its ``api`` and ``bucket`` are for ``allbrains.catalog``, ``faults.counts()`` tells how
        often each fault struck.

    Raises:
        ConfigurationError: neither or both of ``folder`` and ``simulate``; the folder holds no dataset; a
            fault means nothing; or the extra is missing.

    Example:
        >>> with allbrains.serve_openneuro("study") as local:
        ...     len(allbrains.catalog(api=local.api, bucket=local.bucket))
        2
    """
    from allbrains.sandbox import serve

    source = _source(folder, simulate, seed)
    with serve(
        source, host=host, port=port, switches=faults, seed=seed, latency_s=max(latency_s, 0.0)
    ) as server:
        yield server


@needs("sandbox")
def fault_table() -> str:
    """Return a table of all faults that ``serve_openneuro`` knows, as Markdown.

    Example:
        >>> "html-504" in allbrains.fault_table()
        True
    """
    from allbrains.sandbox.faults import table

    return table()


def _source(folder: str | PathLike[str] | None, simulate: int | None, seed: int) -> Path | Archive:
    from allbrains.sandbox.simulated import SimulatedArchive

    if (folder is None) == (simulate is None):
        raise ConfigurationError("give a folder to serve, or simulate a number of datasets")
    if folder is not None:
        return Path(folder)
    archive = SimulatedArchive(simulate or 0, seed=seed)
    archive.prepare()
    return archive
