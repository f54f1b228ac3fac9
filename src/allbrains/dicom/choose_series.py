"""All series of a person, what each is, and in which order they are tried as the T1w. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from allbrains.dicom.geometry import Stack, see_that_it_is_a_head, stack
from allbrains.dicom.grouping import volumes_of
from allbrains.dicom.instances import Plane, Series
from allbrains.dicom.refusal import Refusal, Unsuitable
from allbrains.dicom.series_kind import REFORMATTED, Doubt, Judged, SeriesKind, judge

_ISOTROPIC = 1.3  # longest edge over shortest
_COARSE_MM = 1.5  # beyond it a voxel holds several tissues of the cortex, which is 2.5 mm thick
_FAR_MM = 120.0  # up or down from the isocentre, which is put to the eyes; the neck is 150 and more below
_WHOLE_HEAD_MM = 140.0  # along the shortest side; an adult's brain is 130 to 150 mm wide


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A series as it is listed.

    Attributes:
        series: its files.
        judged: what it shows.
        volume: its planes as a volume; None where they aren't one.
        left_out: what is in the series and not in the volume, in words.
        fault: why it can't be used, though its kind could; None where it can, or its kind can't.
    """

    series: Series
    judged: Judged
    volume: Stack | None
    left_out: tuple[str, ...]
    fault: Unsuitable | None

    @property
    def what(self) -> str:
        """What a person calls it."""
        return "series"

    @property
    def label(self) -> int:
        """Its number for people."""
        return self.series.label

    @property
    def size(self) -> str:
        """Its voxels, for a person."""
        planes, one = len(self.series.planes), self.series.first
        return f"{one.columns}×{one.rows}×{planes}" if planes else "-"

    @property
    def edges(self) -> str:
        """Its voxels' edges in words."""
        return self.volume.edges if self.volume else "-"

    @property
    def is_usable(self) -> bool:
        """Whether it can be the T1w: by its kind, or because its kind is unknown."""
        return self.volume is not None and self.fault is None and _may_be_t1w(self.judged.kind)

    @property
    def why(self) -> tuple[str, ...]:
        """Why it is of its kind; and where that could be the T1w, why it can't be used."""
        faults = (self.fault.sentence,) if self.fault and _may_be_t1w(self.judged.kind) else ()
        return (*self.judged.reasons, *faults, *self.left_out)

    @property
    def tags(self) -> frozenset[str]:
        """Words of the image type that the volume's planes share; the whole series' where it is none."""
        if self.volume is None:
            return self.series.tags
        return frozenset.intersection(*(plane.frame.tags for plane in self.volume.planes))


def consider(everything: Sequence[Series]) -> list[Candidate]:
    """Return each series with what it is and whether it can be used.

    A reformatted T1w is one only where its original is missing.
    """
    found = [_considered(series, everything) for series in everything]
    originals = {c.series.first.study for c in found if c.is_usable and not c.tags & REFORMATTED}
    return [_behind_original(one, originals) for one in found]


def _considered(series: Series, everything: Sequence[Series]) -> Candidate:
    judged = judge(series, everything)
    volume, fault = None, None
    left_out: tuple[str, ...] = ()
    if series.planes:
        try:
            volume, left_out = _volume(series)
            see_that_it_is_a_head(volume)
        except Unsuitable as error:
            fault = error
    return Candidate(series=series, judged=judged, volume=volume, left_out=left_out, fault=fault)


def _behind_original(one: Candidate, originals: set[str]) -> Candidate:
    if one.judged.kind is not SeriesKind.T1W or not one.tags & REFORMATTED:
        return one
    if one.series.first.study in originals:
        reason = "it was reformatted from a series that is here too"
        return replace(one, judged=Judged(kind=SeriesKind.DERIVED, reasons=(reason,)))
    return one


def _volume(series: Series) -> tuple[Stack, tuple[str, ...]]:
    """Return the volume of a series and what was left out of it: magnitude, the shortest of several echoes.

    Raises:
        Unsuitable: there is none; says why of the largest part.
    """
    parts = volumes_of(series)
    wanted = [planes for planes in parts if planes[0].frame.part in ("", "M")] or parts
    largest = max(map(len, wanted))
    # a scout's few slices beside a scan's many; echoes are as many each
    whole = [planes for planes in wanted if 2 * len(planes) >= largest]
    if len({planes[0].frame.orientation for planes in whole}) > 1 and largest * 2 <= len(series.planes):
        raise Unsuitable(
            Refusal.MIXED_ORIENTATIONS, "the slices of the series point into different directions"
        )
    faults = []
    for planes in sorted(whole, key=lambda planes: (planes[0].frame.te_ms, -len(planes))):
        try:
            made = stack(planes)
        except Unsuitable as error:
            faults.append(_explained(error, planes, parts))
        else:
            _see_that_it_is_whole(planes)
            return made, _left_out(planes, parts)
    raise faults[0]


def _see_that_it_is_whole(planes: Sequence[Plane]) -> None:
    cut = [plane for plane in planes if plane.instance.stored.cut]
    if cut:
        numbers = ", ".join(str(plane.instance.order) for plane in cut[:5])
        raise Unsuitable(
            Refusal.CUT_FILES,
            f"{len(cut)} of the {len(planes)} slices are in files that are cut short (instance {numbers})",
        )


def _left_out(planes: tuple[Plane, ...], parts: Sequence[tuple[Plane, ...]]) -> tuple[str, ...]:
    counts = Counter[str]()
    for other in parts:
        if other is not planes:
            counts[_difference(planes[0], other[0])] += len(other)
    return tuple(f"{count} slices {difference} were left out" for difference, count in counts.items())


def _difference(one: Plane, other: Plane) -> str:
    """Return in words by what the planes of two parts of a series differ."""
    if other.frame.part in ("P", "R", "I"):
        return "of phase or another part of the signal"
    if (one.instance.rows, one.instance.columns) != (other.instance.rows, other.instance.columns):
        return "of another size"
    if one.frame.orientation != other.frame.orientation:
        return "of other directions, as of a scout,"
    if round(one.frame.te_ms, 1) != round(other.frame.te_ms, 1):
        return "of later echoes"
    return "of another image at the same places"


def _explained(fault: Unsuitable, planes: Sequence[Plane], parts: Sequence[tuple[Plane, ...]]) -> Unsuitable:
    """Return the fault, with where the missing slices are where the series has something else there."""
    others = [plane for part in parts for plane in part if plane.frame.part in ("P", "R", "I")]
    if fault.refusal is not Refusal.MISSING_SLICES or not others or len(others) >= len(planes):
        return fault
    return Unsuitable(
        fault.refusal,
        f"{fault.sentence}: {len(others)} slices of the series show phase or another part of the signal",
    )


def choose(
    candidates: Sequence[Candidate], label: int | None = None
) -> list[tuple[Candidate, tuple[str, ...]]]:
    """Return the series to try as the T1w, best first, each with the reasons.

    Args:
        candidates: all of a person's.
        label: of the one that the person wants; None for the best.

    Raises:
        Unsuitable: there is none, or what there is can't be used.
    """
    if label is not None:
        return [(_wanted(candidates, label), ("chosen with --series",))]
    usable = sorted((c for c in candidates if c.is_usable), key=rank)
    if usable:
        newest = max((examined_s(c) for c in candidates if not math.isnan(examined_s(c))), default=math.nan)
        exams = _exams(candidates)
        return [
            (one, (*_merits(one), *_exam(one, exams, newest), *_rivals(usable[k:], alone=len(usable) == 1)))
            for k, one in enumerate(usable)
        ]
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


# what candidates are ordered by, best first, and in words why one goes before the next
_MERITS = (
    "its contrast is known",
    "without contrast agent",
    "as measured, not reformatted",
    "its times say more surely that it is a T1w",
    "it covers the whole head",
    "it is said to show the head",
    "it lies where the scanner was centred",
    "as measured, not derived",
    "one echo, or all of them in one image",
    "less noise around",
    "voxels of 1.5 mm at most",
    "evened-out brightness",
    "it is of the newer examination",
    "smaller voxels",
    "more slices",
    "first in the order of the scanner",
)


def rank(candidate: Candidate) -> tuple[object, ...]:
    """Return what candidates are ordered by, best first: ``_MERITS`` are the words."""
    volume = candidate.volume
    assert volume is not None
    tags = candidate.tags
    return (
        candidate.judged.kind is not SeriesKind.T1W,
        _has_agent(candidate),
        bool(tags & REFORMATTED),
        candidate.judged.doubt,
        _narrowest_mm(volume) < _WHOLE_HEAD_MM,
        candidate.series.first.region != "head",
        abs(volume.centre_mm[2]) > _FAR_MM,
        "DERIVED" in tags and "MEAN" not in tags,
        len({plane.frame.te_ms for plane in candidate.series.planes}) > 1,
        bool(candidate.series.words & {"uniform", "mp2rage"}) or "UNI" in tags,
        max(volume.spacing) > _COARSE_MM,
        "NORM" not in tags,
        -(0.0 if math.isnan(examined_s(candidate)) else examined_s(candidate)),
        round(max(volume.spacing), 1),
        -volume.shape[2],
        candidate.series.label,
    )


def examined_s(candidate: Candidate) -> float:
    """Return when the examination was, seconds of some clock; NaN where the files don't say."""
    return candidate.series.first.examined_s


def _narrowest_mm(volume: Stack) -> float:
    return min(n * mm for n, mm in zip(volume.shape, volume.spacing, strict=True))


def _may_be_t1w(kind: SeriesKind) -> bool:
    return kind in (SeriesKind.T1W, SeriesKind.UNKNOWN)


def _has_agent(candidate: Candidate) -> bool:
    if "no agent" in candidate.series.words:
        return False
    return candidate.series.first.contrast_agent or "contrast agent" in candidate.series.words


def _merits(best: Candidate) -> tuple[str, ...]:
    volume = best.volume
    assert volume is not None
    reasons = [*best.judged.reasons, f"{volume.shape[2]} slices without gaps, voxels {volume.edges}"]
    if max(volume.spacing) / min(volume.spacing) > _ISOTROPIC:
        reasons.append("its voxels are longer in one direction than in the others")
    if best.tags & REFORMATTED:
        reasons.append("reformatted from a series that is not here")
    elif "DERIVED" in best.tags:
        reasons.append("marked as derived, as exports and defaced images are")
    if _has_agent(best):
        reasons.append("with contrast agent, which brightens vessels: volumes may be off")
    if best.judged.doubt is Doubt.MUCH:
        reasons.append("whether it is a T1w, only its own contrast can tell")
    return (*reasons, *best.left_out, *_incomplete(best.series))


def _incomplete(series: Series) -> tuple[str, ...]:
    """Return that images at an end of a series may be missing: between the first and the last none is."""
    here, first = len(series.planes), min(one.order for one in series.instances)
    if series.first.promised > here:
        return (f"the scanner says that it took {series.first.promised} images, and {here} are here",)
    if first > 1 and len(series.instances) > 1:
        return (f"its images are numbered from {first}: those before may be missing",)
    return ()


def _exam(one: Candidate, exams: int, newest: float) -> tuple[str, ...]:
    """Return that there are several examinations, and of which one the series is."""
    if exams < 2:
        return ()
    if math.isnan(newest) or math.isnan(examined_s(one)):
        return (f"of one of the {exams} examinations that are here; their dates are not known",)
    which = "the newest" if examined_s(one) >= newest else "an older one"
    return (f"of {which} of the {exams} examinations that are here",)


def _exams(candidates: Sequence[Candidate]) -> int:
    """Return how many examinations these are; a program that gives one UID an image says nothing of that."""
    studies = [{one.study for one in c.series.instances} for c in candidates if c.series.planes]
    return len(set().union(*studies)) if all(len(one) == 1 for one in studies) else 1


def _rivals(usable: Sequence[Candidate], *, alone: bool) -> tuple[str, ...]:
    if len(usable) == 1:
        return ("no other series can be used",) if alone else ()
    best, second = usable[0], usable[1]
    differ = [a != b for a, b in zip(rank(best), rank(second), strict=True)]
    return (f"before series {second.series.label}: {_MERITS[differ.index(True)]}",)
