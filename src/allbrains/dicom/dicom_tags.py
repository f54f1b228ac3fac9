"""From a DICOM file to what is known of it. The one place that reads tags."""

from __future__ import annotations

import math
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from allbrains.dicom.frames import PRIVATE, frames_of
from allbrains.dicom.instances import Identity, Instance, Stored
from allbrains.dicom.quiet import pydicom_quietly
from allbrains.dicom.safe_words import contrast_words, known_words, name_words, region_of
from allbrains.dicom.stored import stored_at
from allbrains.dicom.values import FileTags, integer, number, text, texts

DIRECTORY = "1.2.840.10008.1.3.10"
_TEXTS = ("SeriesDescription", "ProtocolName", "SequenceName", "PulseSequenceName", "ScanOptions")
_TAGS = (
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "SeriesNumber", "InstanceNumber", "Modality"),
    *("StudyInstanceUID", "StudyTime", "SeriesTime", "AcquisitionTime", "AcquisitionDateTime"),
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "PatientAge", "StudyDate", "SeriesDate"),
    *("AcquisitionDate", "ImageType", "PhotometricInterpretation", "SamplesPerPixel", "Rows", "Columns"),
    *("NumberOfFrames", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"),
    *("ScanningSequence", "SequenceVariant", "MRAcquisitionType", "RepetitionTime", "EchoTime"),
    *("InversionTime", "FlipAngle", "AngioFlag", "MagnetizationTransfer", "BodyPartExamined"),
    *("ContrastBolusAgent", "DiffusionBValue", "PulseSequenceName", "EchoPulseSequence", "InversionRecovery"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "EchoPlanarPulseSequence"),
    *("BitsAllocated", "BitsStored", "PixelRepresentation", "RescaleSlope", "RescaleIntercept"),
    *("ComplexImageComponent", "ImagesInAcquisition", "TimeOfFlightContrast"),
    *("InversionTimes", "AnatomicRegionSequence", "AcquisitionContrast"),
    *_TEXTS,
)
_TIMES = (("AcquisitionDate", "AcquisitionTime"), ("SeriesDate", "SeriesTime"))
_TRANSFER = ("ON_RESONANCE", "OFF_RESONANCE")
_OLDEST = 120.0
_PLACEHOLDER_YEAR = 1900


def read_header(path: Path) -> Instance | None:
    """Return what a DICOM file says; None where it can't be read, or is a DICOMDIR.

    Voxels are not read, and tags that aren't needed are skipped.
    """
    with pydicom_quietly() as (pydicom, errors):
        try:
            with path.open("rb") as stream:
                dataset = pydicom.dcmread(
                    stream, stop_before_pixels=True, force=True, specific_tags=_wanted()
                )
                meta = dataset.file_meta
                if str(meta.get("MediaStorageSOPClassUID", "")) == DIRECTORY:
                    return None
                syntax = str(meta.get("TransferSyntaxUID", ""))
                header = FileTags(dataset, _by_keyword())
                return _instance(path, header, syntax, stored_at(stream, header, syntax))
        except errors:
            return None


@cache
def _wanted() -> list[Any]:
    """Return the tags that are read, as pydicom has them; looked up once, not once a file."""
    from pydicom.tag import Tag

    return [Tag(name) for name in (*_TAGS, *PRIVATE)]


@cache
def _by_keyword() -> dict[str, int]:
    return {name: int(tag) for name, tag in zip(_TAGS, _wanted(), strict=False)}


def _instance(path: Path, dataset: Any, syntax: str, stored: Stored) -> Instance | None:
    modality, sop_class = text(dataset, "Modality").upper(), text(dataset, "SOPClassUID")
    if not modality and not sop_class:
        return None
    words = known_words([piece for name in _TEXTS for piece in texts(dataset, name)]) | _contrast(dataset)
    acquired = _acquired(dataset)
    return Instance(
        path=path,
        uid=text(dataset, "SOPInstanceUID"),
        series=text(dataset, "SeriesInstanceUID"),
        study=text(dataset, "StudyInstanceUID"),
        examined_s=_first_known(_clock(dataset, ("StudyDate", "StudyTime")), acquired),
        acquired_s=acquired,
        number=integer(dataset, "SeriesNumber", -1),
        order=integer(dataset, "InstanceNumber", 0),
        identity=identity_of(dataset),
        modality=modality,
        sop_class=sop_class,
        syntax=syntax,
        colour=integer(dataset, "SamplesPerPixel", 1) > 1
        or text(dataset, "PhotometricInterpretation").startswith(("RGB", "YBR", "PALETTE")),
        rows=integer(dataset, "Rows", 0),
        columns=integer(dataset, "Columns", 0),
        frames=frames_of(dataset),
        stored=stored,
        sequence=_sequence(dataset),
        variant=frozenset(piece.strip().upper() for piece in texts(dataset, "SequenceVariant")),
        three_d={"3D": True, "2D": False}.get(text(dataset, "MRAcquisitionType").upper()),
        tr_ms=_timing(dataset, "MRTimingAndRelatedParametersSequence", "RepetitionTime"),
        ti_ms=_timing(dataset, "MRModifierSequence", "InversionTime", "InversionTimes"),
        flip_deg=_timing(dataset, "MRTimingAndRelatedParametersSequence", "FlipAngle"),
        words=words,
        region=region_of(_examined(dataset), words),
        angiography=text(dataset, "AngioFlag").upper() == "Y"
        or text(dataset, "TimeOfFlightContrast").upper() == "YES",
        transfer=text(dataset, "MagnetizationTransfer").upper() in _TRANSFER,
        promised=integer(dataset, "ImagesInAcquisition", 0),
        contrast_agent=bool(text(dataset, "ContrastBolusAgent").strip()),
        age_years=age_of(dataset),
    )


def _acquired(dataset: Any) -> float:
    whole = text(dataset, "AcquisitionDateTime").strip()
    if math.isfinite(at := _seconds(whole[:8], whole[8:].split("+")[0].split("-")[0])):
        return at
    return _first_known(*(_clock(dataset, names) for names in _TIMES))


def _first_known(*times: float) -> float:
    return next((at for at in times if math.isfinite(at)), math.nan)


def _clock(dataset: Any, names: tuple[str, str]) -> float:
    return _seconds(text(dataset, names[0]), text(dataset, names[1]))


def _seconds(day: str, time: str) -> float:
    """Return a date and a time as seconds since some day long ago; NaN where there is no date."""
    on = _date(day)
    if on is None:
        return math.nan
    digits = time.strip().replace(":", "").split(".")[0].ljust(6, "0")
    hours, minutes, seconds = (digits[k : k + 2] for k in (0, 2, 4))
    passed = 3600 * int(hours) + 60 * int(minutes) + int(seconds) if digits[:6].isdecimal() else 0
    return on.toordinal() * 86400.0 + passed


def identity_of(dataset: Any) -> Identity:
    """Return the person of a file; a birth date that programs put where they took one away is none."""
    born = _date(text(dataset, "PatientBirthDate"))
    return Identity(
        number=text(dataset, "PatientID").strip().casefold().lstrip("0"),
        name=name_words(text(dataset, "PatientName")),
        born=born.isoformat() if born and born.year > _PLACEHOLDER_YEAR else "",
        sex=text(dataset, "PatientSex").strip().upper()[:1],
    )


def age_of(dataset: Any) -> float:
    """Return the age at the examination, years: from PatientAge, else from the two dates; NaN if unknown.

    A stated age of 0 is what de-identifying programs leave, so it says nothing.
    """
    from allbrains.participants.ages import DICOM_UNITS, PER_YEAR, Form, parse

    told = parse(text(dataset, "PatientAge").strip())
    if told.form in (Form.NUMBER, Form.DICOM, Form.WITH_UNIT):
        unit = DICOM_UNITS.get(told.unit, told.unit) or "years"
        years = told.values[0] / PER_YEAR[unit]
        if 0 < years <= _OLDEST:
            return years
    born = _date(text(dataset, "PatientBirthDate"))
    for tag in ("StudyDate", "SeriesDate", "AcquisitionDate"):
        seen = _date(text(dataset, tag))
        if born and seen and 0 < (seen - born).days / 365.25 <= _OLDEST:
            return (seen - born).days / 365.25
    return math.nan


def _date(value: str) -> date | None:
    digits = value.strip().replace(".", "").replace("-", "")
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return None


def _contrast(dataset: Any) -> frozenset[str]:
    """Return what AcquisitionContrast says, of the file or of its shared or first frame."""
    groups = (dataset.get("SharedFunctionalGroupsSequence") or ())[:1]
    groups = [*groups, *(dataset.get("PerFrameFunctionalGroupsSequence") or ())[:1]]
    kinds = [item for group in groups for item in (group.get("MRImageFrameTypeSequence") or ())[:1]]
    return contrast_words(text(place, "AcquisitionContrast").strip().upper() for place in (dataset, *kinds))


def _examined(dataset: Any) -> str:
    """Return the part of the body: BodyPartExamined, or what the anatomic code means."""
    if told := text(dataset, "BodyPartExamined").strip():
        return told
    shared = (dataset.get("SharedFunctionalGroupsSequence") or ())[:1]
    frame = [item for group in shared for item in (group.get("FrameAnatomySequence") or ())[:1]]
    for place in (dataset, *frame):
        for code in (place.get("AnatomicRegionSequence") or ())[:1]:
            return text(code, "CodeMeaning")
    return ""


def _sequence(dataset: Any) -> frozenset[str]:
    found = {piece.strip().upper() for piece in texts(dataset, "ScanningSequence")}
    echo = text(dataset, "EchoPulseSequence").upper()
    found |= {"GR"} if "GRADIENT" in echo else set()
    found |= {"SE"} if "SPIN" in echo else set()
    found |= {"EP"} if text(dataset, "EchoPlanarPulseSequence").upper() == "YES" else set()
    found |= {"IR"} if text(dataset, "InversionRecovery").upper() == "YES" else set()
    return frozenset(found & {"SE", "GR", "EP", "IR", "RM"})


def _timing(dataset: Any, sequence: str, *names: str) -> float:
    """Return a number of the file, or of its shared or first functional group; 0 where there is none."""
    for name in names:
        if (found := number(dataset, name)) > 0:
            return found
    groups = dataset.get("SharedFunctionalGroupsSequence") or ()
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or ()
    for group in (*groups[:1], *per_frame[:1]):
        for item in (group.get(sequence) or ())[:1]:
            for name in names:
                if (found := number(item, name)) > 0:
                    return found
    return 0.0
