"""From options to a source: OpenNeuro by its endpoints, or a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from allbrains.sources.bids_folder import BidsFolder
from allbrains.sources.listing import Source
from allbrains.sources.openneuro import Endpoints, OpenNeuro
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
) -> Place:
    """Return where scans come from.

    Args:
        endpoints: of OpenNeuro.
        bids: a BIDS dataset or a folder of them, read in OpenNeuro's stead.
        datasets: to read; empty means all.
        cache: folder for OpenNeuro's listings and small files.
        contact: for the User-Agent.

    Raises:
        ConfigurationError: an endpoint is not a URL, or the folder holds no BIDS dataset.
    """
    if bids is not None:
        network = Network(origins=(), roots=(file_root(bids),))
        return Place(source=BidsFolder(bids, datasets=datasets), network=network)
    network = endpoints.network(contact=contact)
    source = OpenNeuro(Client(network), endpoints, cache=cache, datasets=datasets)
    return Place(source=source, network=network)
