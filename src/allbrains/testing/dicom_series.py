"""DICOM series made from volumes: classic and enhanced, whole and broken. For tests and benches.

The files hold only what is asked for, so a test can leave out any tag, or put a canary into every text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from allbrains.records import Volume

MR, ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1"
SECONDARY, REPORT = "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.88.11"
ROOT = "1.2.826.0.1.3680043.8.498."  # pydicom's own, under which it makes names
_LITTLE = "1.2.840.10008.1.2.1"
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

T1W: Mapping[str, Any] = {
    "Modality": "MR",
    "ImageType": ["ORIGINAL", "PRIMARY", "M", "NORM"],
    "ScanningSequence": ["GR", "IR"],
    "MRAcquisitionType": "3D",
    "RepetitionTime": 2300.0,
    "EchoTime": 2.98,
    "InversionTime": 900.0,
    "FlipAngle": 9.0,
    "SeriesDescription": "t1_mprage_sag",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """How a series is made.

    Attributes:
        number: SeriesNumber.
        tags: by pydicom's keyword; a value of None leaves the tag out.
        sop_class: of the files.
        tilt_mm: by how much each slice is shifted along its columns against the one before.
        missing: indices of slices that are left out.
        bare: without preamble and file meta, as old archives have them.
        suffix: of the file names.
        seed: of the UIDs.
    """

    number: int = 1
    tags: Mapping[str, Any] = field(default_factory=lambda: T1W)
    sop_class: str = MR
    tilt_mm: float = 0.0
    missing: tuple[int, ...] = ()
    bare: bool = False
    suffix: str = ".dcm"
    seed: str = "series"


def write_series(folder: Path, volume: Volume, making: Making | None = None) -> list[Path]:
    """Write a volume as a classic series, a file a plane along its third axis; return the files.

    Args:
        folder: made where there is none.
        volume: whole numbers from 0 to 32767.
        making: how.
    """
    how = making or Making()
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for k in range(volume.array.shape[2]):
        if k in how.missing:
            continue
        dataset = _dataset(how, f"{how.seed}{how.number}-{k}")
        _place(dataset, volume, k, how.tilt_mm)
        dataset.InstanceNumber = k + 1
        _voxels(dataset, volume.array[:, :, k].T)
        _put(dataset, path := folder / f"{how.number:03d}_{k:04d}{how.suffix}", how)
        paths.append(path)
    return paths


def write_enhanced(folder: Path, volume: Volume, making: Making | None = None) -> Path:
    """Write a volume as one enhanced multi-frame file; return it."""
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    how = making or Making(sop_class=ENHANCED_MR)
    folder.mkdir(parents=True, exist_ok=True)
    dataset = _dataset(how, f"{how.seed}{how.number}")
    frames, plane = [], Dataset()
    for k in range(volume.array.shape[2]):
        _place(plane, volume, k, 0.0)
        group, position, content = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient = plane.ImagePositionPatient
        content.DimensionIndexValues, content.StackID, content.InStackPositionNumber = [1, k + 1], "1", k + 1
        group.PlanePositionSequence, group.FrameContentSequence = Sequence([position]), Sequence([content])
        frames.append(group)
    shared, measures, orientation = Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient = plane.ImageOrientationPatient
    measures.PixelSpacing, measures.SliceThickness = plane.PixelSpacing, plane.SliceThickness
    measures.SpacingBetweenSlices = plane.SliceThickness
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = (
        Sequence([orientation]),
        Sequence([measures]),
    )
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    dataset.NumberOfFrames = len(frames)
    _voxels(dataset, volume.array.transpose(2, 1, 0))
    _put(dataset, path := folder / f"{how.number:03d}{how.suffix}", how)
    return path


def write_object(folder: Path, making: Making) -> Path:
    """Write a file without an image, such as a report; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{making.number:03d}_object{making.suffix}"
    _put(_dataset(making, f"{making.seed}{making.number}"), path, making)
    return path


def _dataset(how: Making, unique: str) -> Any:
    from pydicom.dataset import Dataset
    from pydicom.uid import generate_uid

    dataset = Dataset()
    dataset.SOPClassUID = how.sop_class
    dataset.SOPInstanceUID = generate_uid(prefix=ROOT, entropy_srcs=["object", unique])
    dataset.SeriesInstanceUID = generate_uid(prefix=ROOT, entropy_srcs=["series", f"{how.seed}{how.number}"])
    dataset.StudyInstanceUID = generate_uid(prefix=ROOT, entropy_srcs=["study", how.seed])
    dataset.FrameOfReferenceUID = generate_uid(prefix=ROOT, entropy_srcs=["frame", how.seed])
    dataset.SeriesNumber, dataset.InstanceNumber = how.number, 1
    for keyword, value in how.tags.items():
        if value is not None:
            setattr(dataset, keyword, value)
    return dataset


def _place(dataset: Any, volume: Volume, k: int, tilt_mm: float) -> None:
    """Say where plane ``k`` lies: LPS+ mm, rows along the first axis of the volume."""
    lps = _LPS_TO_RAS @ volume.affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    along, down = lps[:3, 0] / spacing[0], lps[:3, 1] / spacing[1]
    position = lps[:3, 3] + lps[:3, 2] * k + down * tilt_mm * k
    dataset.ImagePositionPatient = [_decimal(x) for x in position]
    dataset.ImageOrientationPatient = [_decimal(x) for x in (*along, *down)]
    dataset.PixelSpacing = [_decimal(spacing[1]), _decimal(spacing[0])]
    dataset.SliceThickness = _decimal(spacing[2])


def _decimal(value: float) -> str:
    """Return a number as DICOM's decimal string, which has sixteen characters at most."""
    return f"{float(value):.10g}"[:16]


def _voxels(dataset: Any, planes: Any) -> None:
    *_, dataset.Rows, dataset.Columns = planes.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.PixelData = np.ascontiguousarray(planes.astype("<u2")).tobytes()


def _put(dataset: Any, path: Path, how: Making) -> None:
    import pydicom
    from pydicom.dataset import FileMetaDataset

    if how.bare:
        pydicom.dcmwrite(path, dataset, implicit_vr=True, little_endian=True, enforce_file_format=False)
        return
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = how.sop_class, dataset.SOPInstanceUID
    meta.TransferSyntaxUID = _LITTLE
    dataset.file_meta = meta
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)
