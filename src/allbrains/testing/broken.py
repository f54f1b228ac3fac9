"""One dataset of everything that is broken, and what a pipeline must say of each scan."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from allbrains.errors import Reason
from allbrains.testing.datasets import gzipped, nifti_bytes, write_about
from allbrains.testing.phantoms import Acquisition, phantom

if TYPE_CHECKING:
    from allbrains.records import Affine, Array

COARSE = Acquisition(spacing=(3.0, 3.0, 3.0))
FORM_CODES_AT, SROW_Y_AT, DIM_AT = 252, 296, 40  # byte offsets in a NIfTI-1 header

Breaking = Callable[["Array", "Affine"], bytes]


def write_bad_inputs(folder: Path, *, seed: int = 0) -> Mapping[str, Reason]:
    """Write a BIDS dataset of one good scan, ``sub-good``, and one for each thing that can be wrong.

    All but ``sub-empty`` have more than 100 kB, so that a catalogue takes them for scans.

    Args:
        folder: of the dataset; made if it isn't there.
        seed: of the head that they all show.

    Returns:
        path inside the dataset → why it must be rejected; the good one is not among them.
    """
    scan = phantom(seed, COARSE).t1w
    array = np.rint(scan.array).astype(np.int16)
    good = {"sub-good/anat/sub-good_T1w.nii.gz": gzipped(nifti_bytes(array, scan.affine))}
    bad = {_path(name): breaking(array, scan.affine) for name, (breaking, _) in BROKEN.items()}
    labels = (name.partition(".")[0] for name in ("good", *BROKEN))
    write_about(folder, "Computed heads: broken files", dict.fromkeys(labels, ("40", "female")))
    for path, data in (good | bad).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return {_path(name): reason for name, (_, reason) in BROKEN.items()}


def _path(name: str) -> str:
    label, _, extension = name.partition(".")
    return f"sub-{label}/anat/sub-{label}_T1w.{extension}"


def _truncated(array: Array, affine: Affine) -> bytes:
    data = gzipped(nifti_bytes(array, affine))
    return data[: len(data) * 6 // 10]


def _short(array: Array, affine: Affine) -> bytes:
    return nifti_bytes(array, affine)[: array.nbytes * 6 // 10]


def _empty(array: Array, affine: Affine) -> bytes:
    return b""


def _crc(array: Array, affine: Affine) -> bytes:
    data = bytearray(gzipped(nifti_bytes(array, affine)))
    data[-8] ^= 0xFF  # the last eight bytes are the checksum and the length of the content
    return bytes(data)


def _junk(array: Array, affine: Affine) -> bytes:
    return gzipped(nifti_bytes(array, affine) + b"\x17 bytes of another file" * 4000)


def _page(array: Array, affine: Affine) -> bytes:
    # what a proxy delivers under any name, at the size of a scan
    return b"<!DOCTYPE html><html><body>" + b"<p>503 Service Unavailable</p>\n" * 5000


def _constant(array: Array, affine: Affine) -> bytes:
    return nifti_bytes(np.full_like(array, 100), affine)


def _frames(array: Array, affine: Affine) -> bytes:
    return gzipped(nifti_bytes(np.stack([array, array // 2], axis=-1), affine))


def _plane(array: Array, affine: Affine) -> bytes:
    plane = np.kron(array[array.shape[0] // 2], np.ones((6, 6), np.int16))  # wide enough for 100 kB
    return nifti_bytes(plane[None], affine)


def _nan(array: Array, affine: Affine) -> bytes:
    return nifti_bytes(np.full(array.shape, np.nan, np.float32), affine)


def _singular(array: Array, affine: Affine) -> bytes:
    data = bytearray(nifti_bytes(array, affine))
    struct.pack_into("<hh", data, FORM_CODES_AT, 0, 1)  # only the sform counts
    struct.pack_into("<4f", data, SROW_Y_AT, 0, 0, 0, 0)
    return gzipped(bytes(data))


def _rgb(array: Array, affine: Affine) -> bytes:
    grey = np.clip(array // 4, 0, 255).astype(np.uint8)
    colours = np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")])
    return gzipped(nifti_bytes(np.stack([grey] * 3, axis=-1).view(colours)[..., 0], affine))


def _complex(array: Array, affine: Affine) -> bytes:
    return gzipped(nifti_bytes(array * np.complex64(1 + 0.5j), affine))


def _absurd(array: Array, affine: Affine) -> bytes:
    data = bytearray(nifti_bytes(array, affine))
    struct.pack_into("<4h", data, DIM_AT, 3, 30000, 30000, 30000)  # 54 TB
    return bytes(data)


BROKEN: Mapping[str, tuple[Breaking, Reason]] = {
    "truncated.nii.gz": (_truncated, Reason.TRUNCATED),
    "short.nii": (_short, Reason.TRUNCATED),
    "empty.nii.gz": (_empty, Reason.TRUNCATED),
    "crc.nii.gz": (_crc, Reason.CORRUPT),
    "junk.nii.gz": (_junk, Reason.CORRUPT),
    "page.nii.gz": (_page, Reason.UNREADABLE),
    "absurd.nii": (_absurd, Reason.TOO_LARGE),
    "frames.nii.gz": (_frames, Reason.NOT_3D),
    "plane.nii": (_plane, Reason.NOT_3D),
    "rgb.nii.gz": (_rgb, Reason.COMPLEX_OR_RGB),
    "complex.nii.gz": (_complex, Reason.COMPLEX_OR_RGB),
    "singular.nii.gz": (_singular, Reason.BAD_AFFINE),
    "nan.nii": (_nan, Reason.NON_FINITE),
    "constant.nii": (_constant, Reason.CONSTANT),
}
