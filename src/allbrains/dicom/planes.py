"""A child process: ``python -m allbrains.dicom.planes LIST OUT``. GDCM decodes planes into an array.

LIST has a line a plane: index in the file, tab, slope, tab, intercept, tab, path. OUT becomes an ``.npy`` of
shape (plane, row, column): stored numbers × slope + intercept, each plane with its own. GDCM would scale all
frames of a file by the first one's, so it is given a copy whose header scales nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from allbrains.records import Array

_SCALES = ("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence")


def main() -> None:
    """Decode; ends with an error where a file can't be decoded, or is not of one channel."""
    lines = Path(sys.argv[1]).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    planes, last, frames = [], "", np.zeros(0)
    for line in lines:
        index, slope, intercept, path = line.split("\t", 3)
        if path != last:
            last, frames = path, _stored(path)
        plane = frames[int(index)]
        unscaled = (float(slope), float(intercept)) == (1.0, 0.0)
        planes.append(plane if unscaled else plane * np.float64(slope) + float(intercept))
    array = np.stack(planes)
    if array.dtype.kind == "f" and np.array_equal(array, np.rint(array)) and np.abs(array).max() < 2**15:
        array = array.astype(np.int16)
    np.save(sys.argv[2], array, allow_pickle=False)


def _stored(path: str) -> Array:
    """Return a file's planes as they are stored, shape (frame, row, column)."""
    import pydicom

    dataset = pydicom.dcmread(path, force=True)
    if not _scales(dataset):
        return _frames(path)
    with TemporaryDirectory() as folder:
        copy = Path(folder, "copy.dcm")
        for place in _places(dataset):
            for name in _SCALES:
                if name in place:
                    del place[name]
            if "PixelValueTransformationSequence" in place:
                del place.PixelValueTransformationSequence
        dataset.save_as(copy)
        return _frames(str(copy))


def _scales(dataset: Any) -> bool:
    return any(
        name in place for place in _places(dataset) for name in (*_SCALES, "PixelValueTransformationSequence")
    )


def _places(dataset: Any) -> list[Any]:
    """Return what may hold a scale: the file itself and its functional groups."""
    shared = dataset.get("SharedFunctionalGroupsSequence") or ()
    return [dataset, *shared, *(dataset.get("PerFrameFunctionalGroupsSequence") or ())]


def _frames(path: str) -> Array:
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(path)
    image = reader.Execute()
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise SystemExit("more than one channel")
    array: Array = sitk.GetArrayFromImage(image)
    return array.reshape(-1, *array.shape[-2:])


if __name__ == "__main__":
    main()
