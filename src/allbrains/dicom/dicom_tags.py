"""From a DICOM file to what is known of it. The one place that reads tags."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from typing import Any

from allbrains.dicom.frames import frames_of
from allbrains.dicom.instances import Identity, Instance
from allbrains.dicom.quiet import pydicom_quietly
from allbrains.dicom.safe_words import known_words, name_words
from allbrains.dicom.values import integer, number, text, texts

DIRECTORY = "1.2.840.10008.1.3.10"
_TEXTS = ("SeriesDescription", "ProtocolName", "SequenceName", "PulseSequenceName", "ScanOptions")
_TAGS = (
    *("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "SeriesNumber", "InstanceNumber", "Modality"),
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "PatientAge", "StudyDate", "SeriesDate"),
    *("AcquisitionDate", "ImageType", "PhotometricInterpretation", "SamplesPerPixel", "Rows", "Columns"),
    *("NumberOfFrames", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"),
    *("ScanningSequence", "MRAcquisitionType", "RepetitionTime", "EchoTime", "InversionTime", "FlipAngle"),
    *("ContrastBolusAgent", "DiffusionBValue", "PulseSequenceName", "EchoPulseSequence", "InversionRecovery"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "EchoPlanarPulseSequence"),
    *_TEXTS,
)
_PRIVATE = (0x0019100C, 0x00431039)  # b-values of Siemens and GE
_OLDEST = 120.0


def read_header(path: Path) -> Instance | None:
    """Return what a DICOM file says; None where it can't be read, or is a DICOMDIR.

    Voxels are not read, and tags that aren't needed are skipped.
    """
    with pydicom_quietly() as (pydicom, errors):
        try:
            dataset = pydicom.dcmread(
                path, stop_before_pixels=True, force=True, specific_tags=[*_TAGS, *_PRIVATE]
            )
            meta = dataset.file_meta
            if str(meta.get("MediaStorageSOPClassUID", "")) == DIRECTORY:
                return None
            return _instance(path, dataset, str(meta.get("TransferSyntaxUID", "")))
        except errors:
            return None


def _instance(path: Path, dataset: Any, syntax: str) -> Instance | None:
    modality, sop_class = text(dataset, "Modality").upper(), text(dataset, "SOPClassUID")
    if not modality and not sop_class:
        return None
    frames = frames_of(dataset)
    return Instance(
        path=path,
        uid=text(dataset, "SOPInstanceUID"),
        series=text(dataset, "SeriesInstanceUID"),
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
        frames=frames,
        sequence=_sequence(dataset),
        three_d={"3D": True, "2D": False}.get(text(dataset, "MRAcquisitionType").upper()),
        tr_ms=_timing(dataset, "MRTimingAndRelatedParametersSequence", "RepetitionTime"),
        ti_ms=_timing(dataset, "MRModifierSequence", "InversionTime", "InversionTimes"),
        flip_deg=_timing(dataset, "MRTimingAndRelatedParametersSequence", "FlipAngle"),
        words=known_words([piece for name in _TEXTS for piece in texts(dataset, name)]),
        contrast_agent=bool(text(dataset, "ContrastBolusAgent").strip()),
        age_years=age_of(dataset),
    )


def identity_of(dataset: Any) -> Identity:
    """Return whose file it is."""
    return Identity(
        number=text(dataset, "PatientID").strip().casefold(),
        name=name_words(text(dataset, "PatientName")),
        born=text(dataset, "PatientBirthDate").strip(),
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
