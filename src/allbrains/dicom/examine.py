"""From a path to a person's series, and from the chosen one to a clean image file."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from allbrains.dicom.choose_series import Candidate, choose, consider
from allbrains.dicom.clean import write_clean, write_clean_image
from allbrains.dicom.collect_files import Opened, open_files
from allbrains.dicom.convert import convert
from allbrains.dicom.dicom_tags import read_header
from allbrains.dicom.grouping import series_of
from allbrains.dicom.image_files import SUFFIXES, ImageCandidate, candidates_of, choose_image
from allbrains.dicom.instances import Instance
from allbrains.dicom.one_person import persons
from allbrains.dicom.refusal import Refusal, Unsuitable
from allbrains.dicom.series_kind import SeriesKind
from allbrains.dicom.sniff import UNOPENED, FileKind
from allbrains.dicom.stored import digest_of
from allbrains.errors import ScanUnusable

_SEXES = {"F": "female", "M": "male"}
READ = "read as it is"
_MR_IMAGES = ("1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1")  # classic and enhanced


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What a path holds.

    Attributes:
        candidates: the series, in the scanner's order.
        images: NIfTI, MGH and NRRD files, numbered after the series.
        people: how many, at least.
        age_years: that all series agree on; NaN where the files don't say, or not the same.
        sex: ``female``, ``male``, or empty.
        notes: what was passed over, in words.
    """

    candidates: tuple[Candidate, ...]
    images: tuple[ImageCandidate, ...]
    people: int
    age_years: float
    sex: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToTry:
    """A series or image file that may be the T1w.

    Attributes:
        candidate: what it is.
        reasons: why it is tried.
    """

    candidate: Candidate | ImageCandidate
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The image that goes on.

    Attributes:
        label: number of the series, or of the image file.
        reasons: why this one.
        way: what converted it: ``dcm2niix``, ``GDCM`` or ``read as it is``.
        what: a person calls it: ``series`` or ``image``.
        age_years: NaN where the series' files don't say, or not the same.
        sex: ``female``, ``male``, or empty.
    """

    label: int
    reasons: tuple[str, ...]
    way: str
    what: str = "series"
    age_years: float = math.nan
    sex: str = ""


def examine(path: Path, workspace: Path) -> Examined:
    """Return the series and image files in a folder, file or archive; nothing is converted yet.

    Args:
        path: what the person has.
        workspace: an empty folder of ours, for what archives hold.

    Raises:
        ConfigurationError: there is no such path.
        Unsuitable: an archive is damaged, or there is no image in it.
    """
    os.makedirs(workspace / "files")
    opened = open_files(path, workspace / "files")
    read = [read_header(file) for file in opened.dicom]
    instances = [one for one in read if one is not None]
    if not instances and not opened.images:
        raise _nothing(opened)
    candidates = consider(series_of(instances, digest_of))
    return Examined(
        candidates=tuple(candidates),
        images=candidates_of(opened.images, [one.label for one in candidates]),
        people=persons(one.identity for one in instances),
        age_years=_one_age(instances),
        sex=_one_sex(instances),
        notes=_notes(opened, len(read) - len(instances), instances),
    )


def shortlist(found: Examined, *, label: int | None = None, one_person: bool = False) -> list[ToTry]:
    """Return what to try as the T1w, best first.

    Args:
        found: what there is.
        label: number of the series or image file that the person wants; None for the best.
        one_person: the person says that all files are theirs.

    Raises:
        Unsuitable: two people, or no usable T1w.
    """
    wanted = [image for image in found.images if image.label == label]
    if wanted:
        if wanted[0].fault is not None:
            raise wanted[0].fault
        return [ToTry(candidate=wanted[0], reasons=("chosen with --series",))]
    if found.people > 1 and not one_person:
        raise Unsuitable(
            Refusal.TWO_PEOPLE,
            f"the files are of {found.people} people, or say contradicting things about one",
        )
    if label is not None or _series_decide(found):
        try:
            return [ToTry(candidate=c, reasons=why) for c, why in choose(found.candidates, label)]
        except Unsuitable as error:
            if error.refusal is not Refusal.MISSING_SLICES or not found.notes:
                raise
            told = "; ".join((error.sentence, *found.notes))
            raise Unsuitable(error.refusal, told) from None
    return [ToTry(candidate=c, reasons=why) for c, why in choose_image(found.images, one_person=one_person)]


def _series_decide(found: Examined) -> bool:
    """Return whether the T1w is looked for among the series: one can be it, or no image claims to."""
    if not found.candidates:
        return False
    named = any(one.is_usable and one.judged.kind is SeriesKind.T1W for one in found.images)
    return not named or any(one.is_usable for one in found.candidates)


def write_choice(choice: ToTry, workspace: Path, target: Path) -> Taken:
    """Write a series or image file as a clean NIfTI.

    Args:
        choice: of the shortlist.
        workspace: where ``examine`` worked.
        target: the NIfTI to write, not zipped.

    Raises:
        Unsuitable: it can't be converted.
    """
    one = choice.candidate
    if isinstance(one, ImageCandidate):
        try:
            write_clean_image(one.file.path, target)
        except ScanUnusable as error:
            raise Unsuitable(Refusal.NOT_A_VOLUME, f"the image can't be used: {error.detail}") from error
        return Taken(label=one.label, reasons=choice.reasons, way=READ, what=one.what)
    assert one.volume is not None  # what `choose` promises
    made = convert(one.volume, workspace)
    write_clean(made.volume, target)
    instances = one.series.instances
    return Taken(
        label=one.label,
        reasons=(*choice.reasons, *made.notes, *_second_opinion(one.judged.kind, made.guess)),
        way=made.way,
        age_years=_one_age(instances),
        sex=_one_sex(instances),
    )


def _second_opinion(kind: SeriesKind, guess: str) -> tuple[str, ...]:
    """Return what dcm2niix takes the series for, where it has an opinion.

    Raises:
        Unsuitable: nothing else tells the contrast, and dcm2niix tells another than T1w.
    """
    if not guess:
        return ()
    if SUFFIXES[guess] is SeriesKind.T1W:
        return (f"dcm2niix guesses {guess}, too",)
    if kind is SeriesKind.UNKNOWN:
        raise Unsuitable(Refusal.NO_T1W, f"nothing tells its contrast but dcm2niix, which guesses {guess}")
    return (f"dcm2niix guesses {guess}, against the above",)


def take(
    found: Examined, workspace: Path, target: Path, *, label: int | None = None, one_person: bool = False
) -> Taken:
    """Write the first T1w of the shortlist that can be converted as a clean NIfTI; see ``shortlist``.

    Raises:
        Unsuitable: two people, or no usable T1w.
    """
    faults: list[tuple[int, Unsuitable]] = []
    for choice in shortlist(found, label=label, one_person=one_person):
        try:
            taken = write_choice(choice, workspace, target)
        except Unsuitable as error:
            faults.append((choice.candidate.label, error))
            continue
        return replace(
            taken, reasons=(*taken.reasons, *(f"series {n} came before it: {e.sentence}" for n, e in faults))
        )
    raise faults[0][1]


def _notes(opened: Opened, unread: int, instances: Sequence[Instance]) -> tuple[str, ...]:
    notes = [f"{count} × {kind} beside them: not opened" for kind, count in _unopened(opened)]
    if empty := opened.others[FileKind.EMPTY]:
        notes.append("1 file is empty" if empty == 1 else f"{empty} files are empty")
    if cut := sum(one.stored.cut or _lost_its_image(one) for one in instances):
        notes.append("1 DICOM file is cut short" if cut == 1 else f"{cut} DICOM files are cut short")
    if unread:
        notes.append(f"{unread} × a file that begins like DICOM and can't be read")
    return tuple(notes)


def _lost_its_image(one: Instance) -> bool:
    """Return whether a file of MR images ends before it says what size they have."""
    return one.sop_class in _MR_IMAGES and not one.frames


def _unopened(opened: Opened) -> list[tuple[FileKind, int]]:
    return [(kind, count) for kind, count in sorted(opened.others.items()) if kind in UNOPENED]


def _nothing(opened: Opened) -> Unsuitable:
    if unopened := _unopened(opened):
        told = ", ".join(f"{count} × {kind}" for kind, count in unopened)
        disc = {kind for kind, _ in unopened} <= {FileKind.DISC, FileKind.APPLE_DISC}
        return Unsuitable(
            Refusal.DISC_IMAGE if disc else Refusal.UNKNOWN_ARCHIVE,
            f"there is {told}, which is not opened here, and no DICOM or NIfTI beside it",
        )
    if pictures := opened.others[FileKind.PICTURE]:
        return Unsuitable(Refusal.PICTURES, f"there are only pictures ({pictures}: JPEG, PNG or the like)")
    if opened.dicom:
        return Unsuitable(Refusal.NOTHING, f"{len(opened.dicom)} files look like DICOM, and none can be read")
    return Unsuitable(
        Refusal.NOTHING, f"there is neither DICOM nor NIfTI among the {opened.others.total()} files"
    )


def _one_age(instances: Sequence[Instance]) -> float:
    """Return the age that all images agree on, within a year."""
    ages = [one.age_years for one in instances if not math.isnan(one.age_years)]
    return ages[0] if ages and max(ages) - min(ages) <= 1 else math.nan


def _one_sex(instances: Sequence[Instance]) -> str:
    known = {_SEXES.get(one.identity.sex, "") for one in instances} - {""}
    return known.pop() if len(known) == 1 else ""
