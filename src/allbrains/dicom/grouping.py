"""From files to series, and from a series to the volumes in it: as the images say. Pure.

Rules:
* What images show and where (contrast, matrix, orientation, place, echo, time) goes before the labels: some
  programs give one SeriesInstanceUID a slice, one SOPInstanceUID to all, or two UIDs to one scan.
* Labels are hints: where the images allow both, what has one SeriesInstanceUID is one series.
* Images of one place and equal voxels are copies, whatever their labels.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence

import numpy as np

from allbrains.dicom.geometry import SAME_DIRECTION, stack
from allbrains.dicom.instances import Instance, Plane, Series
from allbrains.dicom.refusal import Unsuitable

Digest = Callable[[Instance], bytes]
_FEW = 2  # planes; what is that small was parted by its labels, not by the scanner
_MOST_PARTS = 64  # sets that are compared pair by pair


def series_of(instances: Iterable[Instance], digest: Digest) -> list[Series]:
    """Return the series that files belong to, copies left out, in the order of their numbers.

    Args:
        instances: of one person.
        digest: of a file's voxels; asked for only where two files may be copies.
    """
    alike: defaultdict[Hashable, list[Instance]] = defaultdict(list)
    for one in _without_copies(instances, digest):
        alike[contrast_of(one)].append(one)
    groups = [group for instances in alike.values() for group in _groups(instances)]
    groups.sort(key=lambda group: min((one.number, one.series) for one in group))
    used: set[int] = set()
    out = []
    for group in groups:
        number = min(one.number for one in group)
        label = number if number >= 0 and number not in used else _next(used, len(groups))
        used.add(label)
        ordered = sorted(group, key=lambda one: (one.order, one.uid))
        out.append(Series(label=label, instances=tuple(ordered)))
    return out


def contrast_of(one: Instance) -> Hashable:
    """Return what images of one series have in common, however they are labelled."""
    times = tuple(f"{value:.3g}" for value in (one.tr_ms, one.ti_ms, one.flip_deg))
    what = (one.modality, one.sop_class, one.colour, one.contrast_agent, one.three_d)
    return (what, times, one.sequence, one.variant, one.words, one.rows, one.columns)


def volumes_of(series: Series) -> list[tuple[Plane, ...]]:
    """Return the planes of a series as the sets that may be volumes, the largest first.

    By direction, voxel size, echo and part of the signal, and where the same place is still seen twice, by
    the first of image type, b-value, time, packing and label that tells the two apart.
    """
    sets = _sets(series.planes, _frame_key())
    return sorted((part for one in sets for part in _told_apart(one)), key=lambda planes: -len(planes))


def _next(used: set[int], at_least: int) -> int:
    label = max([*used, at_least, 1000]) + 1
    used.add(label)
    return label


def _without_copies(instances: Iterable[Instance], digest: Digest) -> list[Instance]:
    """Leave out what is there twice; of two copies of which one is cut, the other stays."""
    kept: list[Instance] = []
    same: defaultdict[Hashable, list[Instance]] = defaultdict(list)
    everything = list(instances)
    studies = Counter(one.study for one in everything)
    # an image is in one examination only, unless a program gave each image an examination of its own
    whole_studies = min(studies.values(), default=0) > _FEW
    for one in everything:
        same[(one.study if whole_studies else "", _appearance(one))].append(one)
    for group in same.values():
        whole = [one for one in group if not one.stored.cut] or group[:1]
        if len(whole) == 1:
            kept.append(whole[0])
            continue
        different: dict[bytes, Instance] = {}
        for one in whole:
            different.setdefault(digest(one), one)
        kept.extend(different.values())
    return kept


def _appearance(one: Instance) -> Hashable:
    """Return all that copies have in common; what is no image is known by its UID."""
    if not one.frames:
        return (one.uid or str(one.path),)
    return (contrast_of(one), one.frames, _time(one))


def _time(one: Instance) -> float:
    """Return when an image was measured, as a key: NaN is no equal of itself."""
    known = one.examined_s if math.isnan(one.acquired_s) else one.acquired_s
    return -1.0 if math.isnan(known) else known


def _groups(instances: Sequence[Instance]) -> list[list[Instance]]:
    """Return images of one contrast as series: by their labels, then joined where the images say so."""
    labelled: defaultdict[Hashable, list[Instance]] = defaultdict(list)
    for one in instances:
        labelled[(one.series,) if one.series else (one.study, one.number)].append(one)
    groups = list(labelled.values())
    if len(groups) == 1 or not instances[0].frames:
        return groups
    like: defaultdict[Hashable, list[list[Instance]]] = defaultdict(list)
    for group in groups:
        like[_frames_key(group)].append(group)
    return [joined for same in like.values() for joined in _joined(same)]


def _joined(groups: list[list[Instance]]) -> list[list[Instance]]:
    """Join sets of images that complete each other to one volume, or were parted image by image."""
    small = [group for group in groups if len(_planes(group)) <= _FEW]
    large = [group for group in groups if len(_planes(group)) > _FEW] + _pieced_together(small)
    if len(large) > _MOST_PARTS:
        return large
    out: list[list[Instance]] = []
    for group in sorted(large, key=len, reverse=True):
        for other in out:
            if _complete_each_other(other, group):
                other.extend(group)
                break
        else:
            out.append(list(group))
    return out


def _pieced_together(groups: list[list[Instance]]) -> list[list[Instance]]:
    """Return images that have a label each as series: by number or by time, where several share these."""
    pieces = [one for group in groups for one in group]
    for key in (lambda one: one.number, _time, lambda _: 0):
        sets: defaultdict[Hashable, list[Instance]] = defaultdict(list)
        for one in pieces:
            sets[key(one)].append(one)
        least = min((len(_planes(one)) for one in sets.values()), default=0)
        if (least > _FEW or len(sets) == 1) and not any(map(_collide, sets.values())):
            return list(sets.values())
    return groups


def _complete_each_other(one: list[Instance], other: list[Instance]) -> bool:
    """Return whether two sets have no place twice and one number, or lie in one line without a gap."""
    both = [*one, *other]
    if _collide(both):
        return False
    return one[0].number == other[0].number >= 0 or _is_even(_planes(both))


def _is_even(planes: Sequence[Plane]) -> bool:
    try:
        stack(planes)
    except Unsuitable:
        return False
    return True


def _planes(instances: Sequence[Instance]) -> list[Plane]:
    return [Plane(instance=one, index=k) for one in instances for k in range(len(one.frames))]


def _collide(instances: Sequence[Instance]) -> bool:
    return _repeats(_planes(instances))


def _frames_key(group: Sequence[Instance]) -> Hashable:
    """Return what frames of joinable sets share: directions, voxel size, echoes and parts."""
    frames = [frame for one in group for frame in one.frames]
    first = frames[0]
    directions = tuple(round(x, 2) for x in first.orientation or ())
    spacing = tuple(round(x, 2) for x in first.spacing or ())
    echoes = frozenset(round(frame.te_ms, 1) for frame in frames)
    return (directions, spacing, echoes, frozenset(frame.part for frame in frames))


def _frame_key() -> Callable[[Plane], Hashable]:
    """Return a function that tells which planes may be of one volume; directions are told by likeness."""
    seen: list[np.ndarray[tuple[int], np.dtype[np.float64]]] = []

    def key(plane: Plane) -> Hashable:
        frame, one = plane.frame, plane.instance
        which = -1
        if frame.orientation is not None:
            direction = np.array(frame.orientation)
            near = (k for k, known in enumerate(seen) if np.abs(known - direction).max() <= SAME_DIRECTION)
            which = next(near, len(seen))
            if which == len(seen):
                seen.append(direction)
        spacing = tuple(round(x, 3) for x in frame.spacing or ())
        return (which, spacing, round(frame.te_ms, 1), frame.part, one.rows, one.columns)

    return key


def _told_apart(planes: tuple[Plane, ...]) -> list[tuple[Plane, ...]]:
    """Part planes that are no volume by the first difference that makes one of most of them.

    Where places are seen twice, none may be in any part.
    """
    doubled = _repeats(planes)
    if not doubled and _is_even(planes):
        return [planes]
    for key in _DIFFERENCES:
        sets = _sets(planes, key)
        most = max(sets, key=len)
        if len(sets) > 1 and (not any(map(_repeats, sets)) if doubled else _is_most(most, planes)):
            return sets
    return [planes]


def _is_most(part: Sequence[Plane], planes: Sequence[Plane]) -> bool:
    return 2 * len(part) > len(planes) and _is_even(part)


_DIFFERENCES: tuple[Callable[[Plane], Hashable], ...] = (
    lambda plane: plane.frame.tags,
    lambda plane: round(plane.frame.b_value),
    lambda plane: _time(plane.instance),
    lambda plane: plane.instance.syntax,
    lambda plane: (plane.instance.study, plane.instance.series),
    lambda plane: plane.frame.slope,
)


def _sets(planes: Iterable[Plane], key: Callable[[Plane], Hashable]) -> list[tuple[Plane, ...]]:
    sets: defaultdict[Hashable, list[Plane]] = defaultdict(list)
    for plane in planes:
        sets[key(plane)].append(plane)
    return [tuple(one) for one in sets.values()]


def _repeats(planes: Sequence[Plane]) -> bool:
    places = [tuple(round(x, 2) for x in plane.frame.position or ()) for plane in planes]
    return len(set(places)) < len(places)
