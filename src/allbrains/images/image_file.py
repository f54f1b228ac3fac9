"""Read an untrusted image file: every promise of its header is checked before memory is spent.

nibabel accepts a gzip stream with a wrong checksum and hundreds of MB of trailing bytes, and a small
file may unpack to many GB. So the stream is unpacked here, to its very end, with a cap that comes
from the header; what follows the gzip stream is counted, not unpacked.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from allbrains.case import Case
from allbrains.errors import Reason, ScanUnusable
from allbrains.images import mgh, nifti, nrrd
from allbrains.images.gunzip import MAGIC, Gunzip, Readable
from allbrains.images.promise import START_BYTES, Promise, voxels
from allbrains.records import Volume


def read_image(path: Path) -> Volume:
    """Return the image of a file; see ``read_case``."""
    return read_case(path).images["t1w"]


def read_case(path: Path) -> Case:
    """Return the image of a NIfTI, MGH or NRRD file, whatever its name says, zipped or not.

    A 4-D image with one frame is a 3-D image.

    Returns:
        A case with ``t1w``, float32; the texts ``orientation_from``: which part of the header said where
        left is, ``header_doubts``: why the header is not to be believed, where it isn't, and
        ``file_warning``: what is odd about the file and harms nothing, where there is something; and the
        numbers ``orientation_unknown``, ``side_unknown``, ``spacing_unknown`` and
        ``header_axes_conflict``, 0 or 1.

    Raises:
        ScanUnusable: with the reason code for each way in which the file can be bad.
    """
    try:
        with path.open("rb") as file:
            zipped = file.read(len(MAGIC)) == MAGIC
            file.seek(0)
            return _read_zipped(file) if zipped else _read(file)
    except EOFError as error:
        raise ScanUnusable(Reason.TRUNCATED, "the gzip stream ends early") from error
    except zlib.error as error:
        raise ScanUnusable(Reason.CORRUPT, f"the gzip stream is damaged ({error})") from error


def _read_zipped(file: Readable) -> Case:
    stream = Gunzip(file)
    case = _read(stream)
    if not stream.leftover:
        return case
    warning = f"{stream.leftover} bytes after the end of the gzip stream were passed over"
    return case.plus(texts={"file_warning": warning})


def _read(stream: Readable) -> Case:
    start = stream.read(START_BYTES)
    with np.errstate(over="ignore", invalid="ignore"):  # absurd numbers are judged, not warned of
        promise = promise_of(start)
    doubts = {"header_doubts": promise.doubts} if promise.doubts else {}
    return Case(
        images={"t1w": Volume(array=voxels(promise, start, stream), affine=promise.affine)},
        texts={"orientation_from": promise.orientation_from, **doubts},
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
