"""The only downloader: one pooled client, and files that exist only when their digest is right."""

from allbrains.transfer.client import OPENNEURO_ORIGINS, Client, Network, Reply, file_root, origin_of
from allbrains.transfer.delivery import fetch

__all__ = [
    "OPENNEURO_ORIGINS",
    "Client",
    "Network",
    "Reply",
    "fetch",
    "file_root",
    "origin_of",
]
