"""OpenNeuro as a source: its API lists datasets and files, its bucket holds the bytes."""

from allbrains.sources.openneuro.addresses import API, BUCKET, Endpoints
from allbrains.sources.openneuro.openneuro import OpenNeuro

__all__ = ["API", "BUCKET", "Endpoints", "OpenNeuro"]
