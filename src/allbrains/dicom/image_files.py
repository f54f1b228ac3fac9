"""NIfTI, MGH and NRRD files as candidates: what their names' known words and their headers say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from allbrains.dicom.geometry import edges_in_words
from allbrains.dicom.refusal import Refusal, Unsuitable
from allbrains.dicom.safe_words import known_words
from allbrains.dicom.series_kind import Doubt, Judged, SeriesKind
from allbrains.errors import ScanUnusable
from allbrains.images.image_file import promise_of
from allbrains.images.promise import START_BYTES

# BIDS' suffixes of what a head is scanned for, and what each shows
SUFFIXES = {
    "T1w": SeriesKind.T1W,
    "UNIT1": SeriesKind.T1W,
    "T2w": SeriesKind.T2W,
    "FLAIR": SeriesKind.FLAIR,
    "PDw": SeriesKind.PROTON,
    "PDT2": SeriesKind.PROTON,
    "MTw": SeriesKind.TRANSFER,
    "T2star": SeriesKind.SUSCEPTIBILITY,
    "T2starw": SeriesKind.SUSCEPTIBILITY,
    "MEGRE": SeriesKind.SUSCEPTIBILITY,
    "swi": SeriesKind.SUSCEPTIBILITY,
    "angio": SeriesKind.ANGIOGRAPHY,
    "inplaneT1": SeriesKind.DERIVED,
    "bold": SeriesKind.FUNCTIONAL,
    "sbref": SeriesKind.FUNCTIONAL,
    "dwi": SeriesKind.DIFFUSION,
    "asl": SeriesKind.PERFUSION,
    "m0scan": SeriesKind.PERFUSION,
    "T1map": SeriesKind.DERIVED,
    "T2map": SeriesKind.DERIVED,
    "MP2RAGE": SeriesKind.INVERSION,
    "VFA": SeriesKind.PROTON,
    "RB1COR": SeriesKind.RECEIVE_FIELD,
    "TB1TFL": SeriesKind.FIELD_MAP,
    "epi": SeriesKind.FIELD_MAP,
    "fieldmap": SeriesKind.FIELD_MAP,
    "phasediff": SeriesKind.FIELD_MAP,
    "magnitude": SeriesKind.FIELD_MAP,
    "magnitude1": SeriesKind.FIELD_MAP,
    "magnitude2": SeriesKind.FIELD_MAP,
    "mask": SeriesKind.DERIVED,
    "dseg": SeriesKind.DERIVED,
    "probseg": SeriesKind.DERIVED,
    "defacemask": SeriesKind.DERIVED,
}
# meanings of known words, in the order in which they deny the ones below
_MEANINGS = {
    "segmentation": SeriesKind.DERIVED,
    "localiser": SeriesKind.LOCALISER,
    "diffusion": SeriesKind.DIFFUSION,
    "functional": SeriesKind.FUNCTIONAL,
    "perfusion": SeriesKind.PERFUSION,
    "field map": SeriesKind.FIELD_MAP,
    "map": SeriesKind.DERIVED,
    "inversion": SeriesKind.INVERSION,
    "angiography": SeriesKind.ANGIOGRAPHY,
    "t2star": SeriesKind.SUSCEPTIBILITY,
    "flair": SeriesKind.FLAIR,
    "t2": SeriesKind.T2W,
    "pd": SeriesKind.PROTON,
    "transfer": SeriesKind.TRANSFER,
    "t1": SeriesKind.T1W,
    "uniform": SeriesKind.T1W,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFile:
    """An image file, and what its name says; the name itself is not kept.

    Attributes:
        path: where it is.
        kind: by its name; ``UNKNOWN`` where that has no known word.
        person: BIDS' label of the subject; for comparing only. Empty where the name has none.
    """

    path: Path = field(repr=False)
    kind: SeriesKind
    person: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageCandidate:
    """An image file as it is listed.

    Attributes:
        label: number for people.
        file: the file.
        judged: what it shows, by its name.
        shape: voxels along the stored axes; empty where the header can't be read.
        spacing: mm along the stored axes.
        edges: the same in words, across, along and up the head.
        fault: why it can't be used, though its kind could.
    """

    label: int
    file: ImageFile
    judged: Judged
    shape: tuple[int, ...]
    spacing: tuple[float, ...]
    edges: str
    fault: Unsuitable | None

    @property
    def what(self) -> str:
        """What a person calls it."""
        return "image"

    @property
    def is_usable(self) -> bool:
        """Whether it could be the T1w."""
        return self.fault is None and self.judged.kind in (SeriesKind.T1W, SeriesKind.UNKNOWN)

    @property
    def size(self) -> str:
        """Its voxels, for a person."""
        return "×".join(map(str, self.shape)) or "-"

    @property
    def why(self) -> tuple[str, ...]:
        """Why it is of its kind, and why it can't be used."""
        return (*self.judged.reasons, *((self.fault.sentence,) if self.fault else ()))


def image_file(path: Path, name: str) -> ImageFile:
    """Return an image file with what its name says.

    Args:
        path: where it is, maybe under a number of ours.
        name: as the person has it; the part after the last ``/`` counts.
    """
    stem = re.sub(r"(\.(nii|gz|mgz|mgh|nrrd|hdr|img))+$", "", re.split(r"[/\\]", name)[-1], flags=re.I)
    person = re.match(r"sub-([a-zA-Z0-9]+)_", stem)
    return ImageFile(path=path, kind=_kind_of(stem), person=person[1] if person else "")


def _kind_of(stem: str) -> SeriesKind:
    if found := SUFFIXES.get(stem.rsplit("_", maxsplit=1)[-1]):
        return found
    words = known_words([stem])
    return next((kind for meaning, kind in _MEANINGS.items() if meaning in words), SeriesKind.UNKNOWN)


def candidates_of(files: Sequence[ImageFile], taken: Sequence[int]) -> tuple[ImageCandidate, ...]:
    """Return image files as candidates.

    Args:
        files: in the order in which they are listed.
        taken: labels that series have.
    """
    first = max(taken, default=0) + 1
    return tuple(_candidate(file, first + k, len(files)) for k, file in enumerate(files))


def _candidate(file: ImageFile, label: int, count: int) -> ImageCandidate:
    shape: tuple[int, ...] = ()
    spacing: tuple[float, ...] = ()
    edges, fault = "-", None
    try:
        with file.path.open("rb") as stream:
            promise = promise_of(stream.read(START_BYTES))
        shape, affine = promise.shape, promise.affine
        lengths = np.linalg.norm(affine[:3, :3], axis=0)
        spacing = (float(lengths[0]), float(lengths[1]), float(lengths[2]))
        edges = edges_in_words(affine)
    except ScanUnusable as error:
        fault = Unsuitable(Refusal.NOT_A_VOLUME, f"the image can't be used: {error.detail}")
    reason = (
        "its name says so" if file.kind is not SeriesKind.UNKNOWN else "its name has no word for a contrast"
    )
    if count == 1:
        reason = f"the only image file; {reason}"
    doubt = Doubt.MUCH if file.kind is SeriesKind.UNKNOWN else Doubt.SOME
    judged = Judged(kind=file.kind, reasons=(reason,), doubt=doubt)
    return ImageCandidate(
        label=label, file=file, judged=judged, shape=shape, spacing=spacing, edges=edges, fault=fault
    )


def choose_image(
    candidates: Sequence[ImageCandidate], *, one_person: bool
) -> list[tuple[ImageCandidate, tuple[str, ...]]]:
    """Return the image files to try as the T1w, best first, each with the reasons.

    Raises:
        Unsuitable: none can be it, several people's can, or nothing tells which.
    """
    known = [one for one in candidates if one.is_usable and one.judged.kind is SeriesKind.T1W]
    found = known or [one for one in candidates if one.is_usable]
    if not found:
        faults = [one.fault for one in candidates if one.fault is not None]
        raise (
            faults[0]
            if len(faults) == len(candidates)
            else Unsuitable(Refusal.NO_T1W, f"none of the {len(candidates)} image files is a T1w by its name")
        )
    people = {one.file.person for one in found}
    if len(people) > 1 and not one_person:
        raise Unsuitable(
            Refusal.TWO_PEOPLE, f"there are T1w images of {len(people)} people by the files' names"
        )
    if len(found) > 1 and (not known or people == {""}):
        raise Unsuitable(
            Refusal.SEVERAL_IMAGES, f"{len(found)} of the {len(candidates)} image files may be the T1w"
        )
    ranked = sorted(found, key=lambda one: (round(max(one.spacing), 1), one.label))
    return [(one, (*one.judged.reasons, *_before(ranked[k:]))) for k, one in enumerate(ranked)]


def _before(ranked: Sequence[ImageCandidate]) -> tuple[str, ...]:
    if len(ranked) < 2:
        return ()
    finer = round(max(ranked[0].spacing), 1) < round(max(ranked[1].spacing), 1)
    return (
        f"before image {ranked[1].label}: {'smaller voxels' if finer else 'first in the order of names'}",
    )
