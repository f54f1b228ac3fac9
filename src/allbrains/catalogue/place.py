"""From options to a source: OpenNeuro by its endpoints, or a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from allbrains.errors import ConfigurationError
from allbrains.sources.bids_folder import BidsFolder
from allbrains.sources.openneuro import Endpoints, OpenNeuro
from allbrains.sources.pins import Pin, load
from allbrains.sources.snapshot import Source
from allbrains.transfer import Client, Network, file_root


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A source, and the network that fetches its scans: plain values that can go to a child process.

    Attributes:
        source: lists the scans.
        network: ``Client(network)`` fetches them, in any process.
    """

    source: Source
    network: Network


def place(
    *,
    endpoints: Endpoints,
    bids: Path | None,
    datasets: Sequence[str],
    cache: Path,
    contact: str = "",
    suffixes: Sequence[str] = ("T1w",),
    lock: Path | None = None,
) -> Place:
    """Return where scans come from.

    Args:
        endpoints: of OpenNeuro.
        bids: a BIDS dataset or a folder of them, read in OpenNeuro's stead.
        datasets: to read; empty means all.
        cache: folder for OpenNeuro's listings and small files.
        contact: for the User-Agent.
        suffixes: BIDS suffixes of the images that count.
        lock: a lock file: its datasets, in its versions, and no others.

    Raises:
        ConfigurationError: an endpoint is not a URL, the folder holds no BIDS dataset, or the lock file is
            none or lacks a named dataset.
    """
    if bids is not None:
        if lock is not None:
            raise ConfigurationError("a folder has no versions: a lock file can't be used with it")
        network = Network(origins=(), roots=(file_root(bids),))
        return Place(source=BidsFolder(bids, datasets=datasets, suffixes=suffixes), network=network)
    network = endpoints.network(contact=contact)
    pins = () if lock is None else _pins(lock, datasets)
    source = OpenNeuro(Client(network), endpoints, cache=cache, datasets=datasets, pins=pins)
    return Place(source=source, network=network)


def _pins(lock: Path, datasets: Sequence[str]) -> tuple[Pin, ...]:
    pins = load(lock)
    if unknown := sorted(set(datasets) - {pin.dataset for pin in pins}):
        raise ConfigurationError(f"{', '.join(unknown)} not in {lock}")
    return tuple(pin for pin in pins if not datasets or pin.dataset in datasets)
