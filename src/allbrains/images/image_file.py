"""Read an image file from a stranger: every promise of its header is checked before memory is spent.

nibabel accepts a gzip stream with a wrong checksum and hundreds of MB of trailing bytes, and a small
file may unpack to many GB. So the stream is unpacked here, to its very end, with a cap that comes
from the header.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np

from allbrains.case import Case
from allbrains.errors import Reason, ScanUnusable
from allbrains.images import mgh, nifti, nrrd
from allbrains.images.promise import START_BYTES, Promise, Readable, voxels
from allbrains.records import Volume


def read_image(path: Path) -> Volume:
    """Return the image of a file; see ``read_case``."""
    return read_case(path).images["t1w"]


def read_case(path: Path) -> Case:
    """Return the image of a NIfTI, MGH or NRRD file, whatever its name says, zipped or not.

    A 4-D image with one frame is a 3-D image.

    Returns:
        A case with ``t1w``, float32; the text ``orientation_from``: which part of the header said where
        left is; and the numbers ``orientation_unknown`` and ``header_axes_conflict``, 0 or 1.

    Raises:
        ScanUnusable: with the reason code for each way in which the file can be bad.
    """
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path, "rb") if zipped else path.open("rb") as stream:
            return _read(stream)
    except EOFError as error:
        raise ScanUnusable(Reason.TRUNCATED, "the gzip stream ends early") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ScanUnusable(Reason.CORRUPT, f"the gzip stream is damaged ({error})") from error


def _read(stream: Readable) -> Case:
    start = stream.read(START_BYTES)
    with np.errstate(over="ignore", invalid="ignore"):  # absurd numbers are judged, not warned of
        promise = promise_of(start)
    return Case(
        images={"t1w": Volume(array=voxels(promise, start, stream), affine=promise.affine)},
        texts={"orientation_from": promise.orientation_from},
        numbers=promise.numbers,
    )


def promise_of(start: bytes) -> Promise:
    """Return what the first bytes of an unpacked file promise of the rest.

    Raises:
        ScanUnusable: with the reason code for each way in which they can be bad.
    """
    if nifti.length(start):
        return nifti.promise(start)
    if start.startswith(mgh.MAGIC):
        return mgh.promise(start)
    if start.startswith(nrrd.MAGIC):
        return nrrd.promise(start)
    if not start:
        raise ScanUnusable(Reason.TRUNCATED, "the file is empty")
    raise ScanUnusable(Reason.UNREADABLE, f"not NIfTI, MGH or NRRD: begins with {start[:16]!r}")
