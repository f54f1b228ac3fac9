"""From a path to a person's series, and from the chosen one to a clean image file."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from allbrains.dicom.choose_series import Candidate, choose, consider
from allbrains.dicom.clean import write_clean, write_clean_image
from allbrains.dicom.collect_files import Opened, open_files
from allbrains.dicom.convert import convert
from allbrains.dicom.dicom_tags import read_header
from allbrains.dicom.grouping import series_of
from allbrains.dicom.instances import Instance
from allbrains.dicom.one_person import persons
from allbrains.dicom.refusal import Refusal, Unsuitable
from allbrains.dicom.sniff import FileKind
from allbrains.errors import ScanUnusable

_SEXES = {"F": "female", "M": "male"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What a path holds.

    Attributes:
        candidates: the series, in the scanner's order.
        images: NIfTI, MGH and NRRD files.
        unread: files that begin like DICOM and can't be read.
        people: how many, at least.
        age_years: NaN where the files don't say, or not the same.
        sex: ``female``, ``male``, or empty.
    """

    candidates: tuple[Candidate, ...]
    images: tuple[Path, ...]
    unread: int
    people: int
    age_years: float
    sex: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The image that goes on.

    Attributes:
        label: number of the series; 0 for an image file.
        reasons: why this one.
        way: what converted it: ``dcm2niix``, ``GDCM`` or ``read as it is``.
    """

    label: int
    reasons: tuple[str, ...]
    way: str


def examine(path: Path, workspace: Path) -> Examined:
    """Return the series in a folder, file or archive; nothing is converted yet.

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
    return Examined(
        candidates=tuple(consider(series) for series in series_of(instances)),
        images=opened.images,
        unread=len(read) - len(instances),
        people=persons(one.identity for one in instances),
        age_years=_one_age(instances),
        sex=_one_sex(instances),
    )


def take(found: Examined, workspace: Path, target: Path, *, label: int | None = None) -> Taken:
    """Write the chosen T1w as a clean NIfTI.

    Args:
        found: what there is.
        workspace: where ``examine`` worked.
        target: the NIfTI to write, not zipped.
        label: number of the series that the person wants; None for the best.

    Raises:
        Unsuitable: two people, or no usable T1w.
    """
    if found.people > 1:
        raise Unsuitable(
            Refusal.TWO_PEOPLE,
            f"the files are of {found.people} people, or say contradicting things about one",
        )
    if found.images and not found.candidates:
        return _take_image(found.images, target)
    chosen, reasons = choose(found.candidates, label)
    assert chosen.volume is not None  # what `choose` promises
    made = convert(chosen.volume, workspace)
    write_clean(made.volume, target)
    return Taken(label=chosen.series.label, reasons=reasons, way=made.way)


def _take_image(images: Sequence[Path], target: Path) -> Taken:
    named = [path for path in images if "t1w" in path.name.casefold()] if len(images) > 1 else list(images)
    if len(named) != 1:
        raise Unsuitable(
            Refusal.NO_T1W,
            f"there are {len(images)} image files and {len(named)} of them have T1w in their name; name the "
            "one file that is meant",
        )
    try:
        write_clean_image(named[0], target)
    except ScanUnusable as error:
        raise Unsuitable(Refusal.NOT_A_VOLUME, f"the image can't be used: {error.detail}") from error
    return Taken(label=0, reasons=("the only image file",), way="read as it is")


def _nothing(opened: Opened) -> Unsuitable:
    if pictures := opened.others[FileKind.PICTURE]:
        return Unsuitable(Refusal.PICTURES, f"there are only pictures ({pictures}: JPEG, PNG or the like)")
    if opened.dicom:
        return Unsuitable(Refusal.NOTHING, f"{len(opened.dicom)} files look like DICOM, and none can be read")
    return Unsuitable(
        Refusal.NOTHING, f"there is neither DICOM nor NIfTI among the {opened.others.total()} files"
    )


def _one_age(instances: Sequence[Instance]) -> float:
    """Return the age that all images agree on, within a year; a folder of two visits has no one age."""
    ages = [one.age_years for one in instances if not math.isnan(one.age_years)]
    return ages[0] if ages and max(ages) - min(ages) <= 1 else math.nan


def _one_sex(instances: Sequence[Instance]) -> str:
    known = {_SEXES.get(one.identity.sex, "") for one in instances} - {""}
    return known.pop() if len(known) == 1 else ""
