"""The only downloader: one pooled client, and files that exist only when their digest is right."""

from allbrains.transfer.client import OPENNEURO_ORIGINS, Client, Network, Reply, file_root, origin_of
from allbrains.transfer.delivery import Unavailable, fetch, read, read_start

__all__ = [
    "OPENNEURO_ORIGINS",
    "Client",
    "Network",
    "Reply",
    "Unavailable",
    "fetch",
    "file_root",
    "origin_of",
    "read",
    "read_start",
]
