"""A child's work: ``python -m allbrains.dicom.planes LIST OUT``. GDCM decodes planes into an array.

LIST has a line a plane: index in the file, tab, path. OUT becomes an ``.npy`` of shape (plane, row, column).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from allbrains.records import Array


def main() -> None:
    """Decode; ends with an error where a file can't be decoded, or is not of one channel."""
    lines = Path(sys.argv[1]).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    planes, last, frames = [], "", np.zeros(0)
    for line in lines:
        index, _, path = line.partition("\t")
        if path != last:
            last, frames = path, _frames(path)
        planes.append(frames[int(index)])
    array = np.stack(planes)
    if array.dtype.kind == "f" and np.array_equal(array, np.rint(array)) and np.abs(array).max() < 2**15:
        array = array.astype(np.int16)
    np.save(sys.argv[2], array, allow_pickle=False)


def _frames(path: str) -> Array:
    """Return a file's planes, shape (frame, row, column), slope and intercept applied."""
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
