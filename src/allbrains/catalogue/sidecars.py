"""Which JSON files describe an image: BIDS' inheritance principle. Pure.

A JSON file describes an image when it has the image's suffix, lies in the image's folder or one above it,
and has no entity that the image's name lacks. Of several in one folder the one with the most entities
counts; what lies nearer to the image overrides what lies further up.

References:
    BIDS 1.11.1, "The inheritance principle".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from allbrains import bids
from allbrains.records import Scan


class Sidecars:
    """The JSON files of one dataset, ready to be asked."""

    def __init__(self, paths: Iterable[str], suffixes: Sequence[str]) -> None:
        """Sort out the JSON files of images with these suffixes."""
        endings = tuple(f"{suffix}.json" for suffix in suffixes)
        self._by_folder: Mapping[str, list[tuple[str, str, frozenset[tuple[str, str]]]]] = defaultdict(list)
        for path in paths:
            if path.endswith(endings):
                folder, _, name = path.rpartition("/")
                suffix, entities = _parts(name)
                self._by_folder[folder].append((path, suffix, entities))

    def of(self, scan: Scan) -> tuple[str, ...]:
        """Return the paths that describe a scan, furthest first."""
        folders = scan.path.split("/")[:-1]
        above = ["/".join(folders[:depth]) for depth in range(len(folders) + 1)]
        found = (self._in_folder(folder, scan) for folder in above if folder in self._by_folder)
        return tuple(path for path in found if path)

    def _in_folder(self, folder: str, scan: Scan) -> str:
        wanted = set(scan.entities)
        fitting = [
            (len(entities), path)
            for path, suffix, entities in self._by_folder[folder]
            if suffix == scan.suffix and entities <= wanted
        ]
        return max(fitting)[1] if fitting else ""


def _parts(name: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """Return suffix and entities of a JSON file's name; ``T1w.json`` has none of these."""
    try:
        parts = bids.parse(name)
    except bids.NotBids:
        stem = name.removesuffix(".json")
        return ("", frozenset()) if "_" in stem or name.startswith(".") else (stem, frozenset())
    return parts.suffix, frozenset(parts.entities)


def merged(contents: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """Return one mapping of several, the later ones overriding."""
    whole: dict[str, object] = {}
    for content in contents:
        whole |= content
    return whole
