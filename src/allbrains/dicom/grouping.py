"""From files to series, and from a series to the volumes in it. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from allbrains.dicom.instances import Instance, Plane, Series


def series_of(instances: Iterable[Instance]) -> list[Series]:
    """Return the series that files belong to, copies left out, in the order of their numbers.

    A file without a series is grouped with those that have its number and size.
    """
    groups: defaultdict[tuple[object, ...], dict[str, Instance]] = defaultdict(dict)
    for one in instances:
        key: tuple[object, ...] = (one.series,) if one.series else (one.number, one.rows, one.columns)
        # the same object twice, as on a disc with a viewer's cache, counts once
        groups[(*key, one.modality)].setdefault(one.uid or str(one.path), one)
    found = sorted(groups.values(), key=lambda group: min((i.number, i.series) for i in group.values()))
    used: set[int] = set()
    out = []
    for group in found:
        number = min(one.number for one in group.values())
        label = number if number >= 0 and number not in used else _next(used, len(found))
        used.add(label)
        ordered = sorted(group.values(), key=lambda one: (one.order, one.uid))
        out.append(Series(label=label, instances=tuple(ordered)))
    return out


def _next(used: set[int], at_least: int) -> int:
    label = max([*used, at_least, 1000]) + 1
    used.add(label)
    return label


def volumes_of(series: Series) -> list[tuple[Plane, ...]]:
    """Return the planes of a series as the sets that may be volumes: by size, echo and image type.

    One set where no place is seen twice.
    """
    planes = series.planes
    if not _repeats(planes) and len({_size(plane) for plane in planes}) == 1:
        return [planes]
    sets: defaultdict[tuple[object, ...], list[Plane]] = defaultdict(list)
    for plane in planes:
        tags = tuple(sorted(plane.frame.tags))
        sets[(_size(plane), round(plane.frame.te_ms, 2), tags)].append(plane)
    return [tuple(group) for _, group in sorted(sets.items(), key=lambda item: -len(item[1]))]


def _size(plane: Plane) -> tuple[int, int]:
    return (plane.instance.rows, plane.instance.columns)


def _repeats(planes: Sequence[Plane]) -> bool:
    places = [tuple(round(x, 2) for x in plane.frame.position or ()) for plane in planes]
    return len(set(places)) < len(places)
