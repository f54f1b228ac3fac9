"""All series of a person, what each is, and which T1w is taken. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from allbrains.dicom.geometry import Stack, see_that_it_is_a_head, stack
from allbrains.dicom.grouping import volumes_of
from allbrains.dicom.instances import Series
from allbrains.dicom.refusal import Refusal, Unsuitable
from allbrains.dicom.series_kind import Judged, SeriesKind, judge

_ISOTROPIC = 1.3  # longest edge over shortest


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A series as it is listed.

    Attributes:
        series: its files.
        judged: what it shows.
        volume: its planes as a volume; None where they aren't one.
        fault: why it can't be used, though its kind could; None where it can, or its kind can't.
    """

    series: Series
    judged: Judged
    volume: Stack | None
    fault: Unsuitable | None

    @property
    def is_usable(self) -> bool:
        """Whether it could be the T1w: by its kind, or because nothing tells its kind."""
        return self.volume is not None and self.fault is None and _may_be_t1w(self.judged.kind)

    @property
    def why(self) -> tuple[str, ...]:
        """Why it is of its kind; and where that could be the T1w, why it can't be used."""
        faults = (self.fault.sentence,) if self.fault and _may_be_t1w(self.judged.kind) else ()
        return (*self.judged.reasons, *faults)


def consider(series: Series) -> Candidate:
    """Return a series with what it is and whether it can be used."""
    judged = judge(series)
    volume, fault = None, None
    if series.planes:
        try:
            volume = _volume(series)
            see_that_it_is_a_head(volume)
        except Unsuitable as error:
            fault = error
    return Candidate(series=series, judged=judged, volume=volume, fault=fault)


def _volume(series: Series) -> Stack:
    """Return the first of a series' volumes that is one; of several echoes that is the shortest.

    Raises:
        Unsuitable: none is; says why of the largest.
    """
    faults = []
    for planes in sorted(volumes_of(series), key=lambda p: (-len(p), p[0].frame.te_ms)):
        try:
            return stack(planes)
        except Unsuitable as error:
            faults.append(error)
    raise faults[0]


def choose(candidates: Sequence[Candidate], label: int | None = None) -> tuple[Candidate, tuple[str, ...]]:
    """Return the T1w to take and the reasons.

    Args:
        candidates: all of a person's.
        label: of the one that the person wants; None for the best.

    Raises:
        Unsuitable: there is none, or what there is can't be used.
    """
    if label is not None:
        return _wanted(candidates, label), ("chosen with --series",)
    usable = sorted((c for c in candidates if c.is_usable), key=rank)
    if usable:
        return usable[0], (*_merits(usable[0]), *_rivals(usable))
    near = [c for c in candidates if c.judged.kind is SeriesKind.T1W and c.fault is not None]
    if near and near[0].fault is not None:
        raise near[0].fault
    kinds = Counter(str(c.judged.kind) for c in candidates)
    told = ", ".join(f"{n} × {kind}" for kind, n in sorted(kinds.items()))
    raise Unsuitable(Refusal.NO_T1W, f"none of the {len(candidates)} series is a T1-weighted image ({told})")


def _wanted(candidates: Sequence[Candidate], label: int) -> Candidate:
    found = [c for c in candidates if c.series.label == label]
    if not found:
        raise Unsuitable(Refusal.NO_SUCH_SERIES, f"there is no series {label}")
    if found[0].fault is not None:
        raise found[0].fault
    if found[0].volume is None:
        raise Unsuitable(Refusal.NOT_A_VOLUME, f"series {label} is no image")
    if found[0].judged.kind in (SeriesKind.NOT_MR, SeriesKind.SCREENSHOT):
        raise Unsuitable(Refusal.NO_T1W, f"series {label} is no MR image")
    return found[0]


def rank(candidate: Candidate) -> tuple[object, ...]:
    """Return what candidates are ordered by, best first: see ``_merits`` for the words."""
    volume = candidate.volume
    assert volume is not None
    return (
        candidate.judged.kind is not SeriesKind.T1W,
        _has_agent(candidate),
        "DERIVED" in candidate.series.tags,
        "uniform" in candidate.series.words,
        round(max(volume.spacing), 1),
        "NORM" not in candidate.series.tags,
        -volume.shape[2],
        candidate.series.label,
    )


def _may_be_t1w(kind: SeriesKind) -> bool:
    return kind in (SeriesKind.T1W, SeriesKind.UNKNOWN)


def _has_agent(candidate: Candidate) -> bool:
    return candidate.series.first.contrast_agent or "contrast agent" in candidate.series.words


def _merits(best: Candidate) -> tuple[str, ...]:
    volume = best.volume
    assert volume is not None
    edges = " × ".join(f"{mm:.2f}" for mm in volume.spacing)
    reasons = [*best.judged.reasons, f"{volume.shape[2]} slices without gaps, voxels {edges} mm"]
    if max(volume.spacing) / min(volume.spacing) > _ISOTROPIC:
        reasons.append("its voxels are longer in one direction than in the others")
    if "DERIVED" in best.series.tags:
        reasons.append("marked as derived, as exports and defaced images are")
    if _has_agent(best):
        reasons.append("with contrast agent, which brightens vessels: volumes may be off")
    return tuple(reasons)


def _rivals(usable: Sequence[Candidate]) -> tuple[str, ...]:
    if len(usable) == 1:
        return ("the only series that can be used",)
    best, second = usable[0], usable[1]
    words = (
        "its contrast is known",
        "without contrast agent",
        "as measured, not derived",
        "less noise around",
    )
    more = ("smaller voxels", "evened-out brightness", "more slices", "first in the order of the scanner")
    differ = [a != b for a, b in zip(rank(best), rank(second), strict=True)]
    return (f"before series {second.series.label}: {(*words, *more)[differ.index(True)]}",)
