"""The law that a crawl through trouble must keep: the undisturbed catalogue, or each difference reported.

For authors of sources, and for the tests of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from allbrains import tables
from allbrains.catalogue.catalogue import Catalogue
from allbrains.sources.snapshot import Exclusion

# The dataset is gone from the catalogue, in words.
_GONE = frozenset({Exclusion.LISTING_FAILED, Exclusion.NOT_ACCESSIBLE, Exclusion.WITHDRAWN})
_WITH_DIGEST = frozenset({"scan_id", "digest", "digest_group", "copies"})
_PEOPLE = frozenset(tables.LABELS.names)
_SIDECARS = frozenset(tables.ACQUISITION.names)
_BY_THE_WAY = frozenset({"urls"})  # more than one address is right

Row = dict[str, Any]
Key = tuple[str, str]


def untold(undisturbed: Catalogue, found: Catalogue, *, altered: Iterable[str] = ()) -> list[str]:
    """Return how a catalogue differs from the undisturbed one without saying so; empty is good.

    Args:
        undisturbed: crawled while nothing was wrong.
        found: crawled in trouble.
        altered: columns of scans in which the source itself told something else.
    """
    told = _Told(found)
    honest, there = _by_key(undisturbed), _by_key(found)
    return [
        *_lost(honest, there, told),
        *(
            f"{key}: not in the undisturbed catalogue"
            for key in there.keys() - honest.keys()
            if not told.says(key, Exclusion.LISTED_BY_BUCKET)
        ),
        *_different(honest, there, told, frozenset(altered)),
    ]


def silent(undisturbed: Catalogue, found: Catalogue) -> bool:
    """Return whether scans lack though the catalogue calls itself complete.

    Datasets that their owners withdrew are not missing: they are not there any more.
    """
    told = _Told(found)
    lost = _by_key(undisturbed).keys() - _by_key(found).keys()
    return not found.missing and any(not told.says(key, Exclusion.WITHDRAWN) for key in lost)


class _Told:
    """What a catalogue says of its own gaps."""

    def __init__(self, found: Catalogue) -> None:
        rows = found.exclusions.to_pylist()
        self._rows = {(row["dataset"], row["path"], row["reason"]) for row in rows}
        self.unnamed = sum(
            int(row["evidence"].split()[0])
            for row in rows
            if not row["dataset"] and row["reason"] == Exclusion.LISTING_FAILED
        )

    def says(self, key: Key, reason: Exclusion) -> bool:
        """Return whether there is a row for the dataset, the file, or all of the source."""
        places = (key, (key[0], ""), ("", ""))
        return any((*place, reason) in self._rows for place in places)

    def names_text(self, key: Key) -> bool:
        """Return whether a small file of the dataset is named that could not be read."""
        reasons = (Exclusion.TEXT_FAILED, Exclusion.TEXT_UNAVAILABLE)
        return any(dataset == key[0] and path and reason in reasons for dataset, path, reason in self._rows)


def _by_key(one: Catalogue) -> dict[Key, Row]:
    return {(row["dataset"], row["path"]): row for row in one.scans.to_pylist()}


def _lost(honest: dict[Key, Row], there: dict[Key, Row], told: _Told) -> Iterator[str]:
    lost = honest.keys() - there.keys()
    reasons = (*_GONE, Exclusion.LISTING_TRUNCATED)
    unnamed = {key for key in lost if not any(told.says((key[0], key[1]), reason) for reason in reasons)}
    if told.unnamed and len({dataset for dataset, _ in lost}) <= told.unnamed:
        return  # the source counts so many datasets more than it lists: there is no name to tell
    yield from (f"{key}: lost" for key in sorted(unnamed))


def _different(
    honest: dict[Key, Row], there: dict[Key, Row], told: _Told, altered: frozenset[str]
) -> Iterator[str]:
    for key in sorted(honest.keys() & there.keys()):
        columns = {name for name, value in honest[key].items() if there[key][name] != value}
        columns -= _BY_THE_WAY | altered
        if told.says(key, Exclusion.LISTED_BY_BUCKET) or told.says(key, Exclusion.LISTING_TRUNCATED):
            columns -= _WITH_DIGEST
        if told.names_text(key):
            columns -= _PEOPLE | _SIDECARS
        if told.says(key, Exclusion.API_CHANGED):
            columns -= _PEOPLE | _SIDECARS | {"size"}
        if columns:
            yield f"{key}: {', '.join(sorted(columns))} differ"
