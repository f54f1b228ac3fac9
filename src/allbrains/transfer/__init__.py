"""The only downloader: one pooled client, and files that exist only when their digest is right."""

from allbrains.transfer.fetch_file import Unavailable, fetch, read, read_start
from allbrains.transfer.http_client import OPENNEURO_ORIGINS, Client, Network, Reply, file_root, origin_of

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
