"""Which scans are of one person: everything that links two scans, followed to its end. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

_ACCESSION = re.compile(r"(?P<kind>[a-z]+)0*(?P<number>\d+)(?:[_.-].*)?\Z", re.IGNORECASE)


class Link(StrEnum):
    """Why two scans belong together."""

    SUBJECT = "subject"  # the same label in the same dataset
    DIGEST = "digest"  # the same bytes, whatever they are called
    BRAIN = "brain"  # images that are alike as only one person's are
    DATASET = "dataset"  # only where whole datasets are kept on one side


Key = tuple[Link, str]


def accession(dataset: str) -> str:
    """Return one spelling for all of an accession's: ``ds011``, ``DS000011`` and ``ds000011_R2.0.1`` are one.

    A name of another form is its own.
    """
    match = _ACCESSION.match(dataset)
    return f"{match['kind'].lower()}{int(match['number']):06d}" if match else dataset


def keys_of(row: Mapping[str, str], *, whole_datasets: bool = False) -> list[Key]:
    """Return what a scan shares with all others of its person, as far as its row says.

    Args:
        row: with ``dataset``, ``subject`` and ``digest``; an empty one links to nothing.
        whole_datasets: link all scans of a dataset.
    """
    keys = []
    if row.get("dataset") and row.get("subject"):
        keys.append((Link.SUBJECT, f"{accession(row['dataset'])}\0{row['subject']}"))
    if row.get("digest"):
        keys.append((Link.DIGEST, row["digest"]))
    if whole_datasets and row.get("dataset"):
        keys.append((Link.DATASET, accession(row["dataset"])))
    return keys


def groups(
    keys: Sequence[Iterable[tuple[Link, str]]], alike: Iterable[tuple[int, int]] = ()
) -> list[list[int]]:
    """Return the places of the scans that belong together, each once, by their first place.

    Args:
        keys: of each scan; scans that share one belong together, and so on from scan to scan.
        alike: pairs of places that belong together for another reason.
    """
    parent = list(range(len(keys)))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = place = parent[parent[place]]
        return place

    first: dict[Key, int] = {}
    for place, own in enumerate(keys):
        for key in own:
            parent[root(place)] = root(first.setdefault(key, place))
    for one, other in alike:
        parent[root(one)] = root(other)
    found: dict[int, list[int]] = defaultdict(list)
    for place in range(len(keys)):
        found[root(place)].append(place)
    return sorted(found.values())
