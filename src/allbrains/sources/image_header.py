"""What the header of a NIfTI file promises, and whether a head scan can be behind it. Pure.

The same rules serve the whole file (``image_file``) and its first bytes (``headers``): a header that the
catalogue calls ok is one that a build does not reject.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from allbrains.errors import Reason, ScanUnusable
from allbrains.records import Affine

MAX_BYTES = 2 << 30  # of voxels; the largest raw T1w on OpenNeuro has 384 MB in its file
MAX_SIDE = 2048  # voxels along an axis
HEADER_BYTES = 544  # of the unpacked file: a NIfTI-2 header and the flags for what follows it
FIRST_VOXEL = 352  # byte at which voxels start at the earliest
SLACK = 64 << 10  # bytes before the first or after the last voxel that a writer may leave
GZIP = b"\x1f\x8b"
_LENGTHS = {348: "NIfTI-1", 540: "NIfTI-2"}


def unpacked_start(start: bytes) -> bytes:
    """Return the first ``HEADER_BYTES`` of what a file holds, from its first few kB, gzipped or not.

    Raises:
        ScanUnusable: the gzip stream is damaged.
    """
    if not start.startswith(GZIP):
        return start[:HEADER_BYTES]
    try:
        return zlib.decompressobj(wbits=31).decompress(start, HEADER_BYTES)
    except zlib.error as error:
        raise ScanUnusable(Reason.CORRUPT, f"the gzip stream is damaged ({error})") from error


def header_of(start: bytes) -> Any:
    """Return nibabel's header from the first ``HEADER_BYTES`` of an unpacked file.

    Raises:
        ScanUnusable: there is none.
    """
    import nibabel

    size = int.from_bytes(start[:4], "little"), int.from_bytes(start[:4], "big")
    kind = next((_LENGTHS[n] for n in size if n in _LENGTHS), "")
    classes = {"NIfTI-1": nibabel.Nifti1Header, "NIfTI-2": nibabel.Nifti2Header}
    if not kind:
        what = "empty" if not start else f"begins with {start[:16]!r}"
        raise ScanUnusable(Reason.UNREADABLE, f"not a NIfTI file: {what}")
    length = 348 if kind == "NIfTI-1" else 540
    if len(start) < length:
        raise ScanUnusable(Reason.TRUNCATED, f"expected a header of {length} bytes, found {len(start)}")
    magic = start[344:348] if kind == "NIfTI-1" else start[4:8]
    if not magic.startswith((b"n+1", b"n+2")):
        raise ScanUnusable(Reason.UNREADABLE, f"not a single-file NIfTI: its magic is {magic!r}")
    return classes[kind](start[:length], check=False)


def sides_of(header: Any) -> tuple[int, ...]:
    """Return the shape as written, whatever it is."""
    return tuple(int(n) for n in header["dim"][1 : 1 + max(0, min(int(header["dim"][0]), 7))])


def shape_of(header: Any) -> tuple[int, int, int]:
    """Return the shape of a 3-D image; trailing axes of length 1 don't count.

    Raises:
        ScanUnusable: it is none, or larger than any head scan.
    """
    sides = list(sides_of(header))
    while len(sides) > 3 and sides[-1] == 1:
        sides.pop()
    if len(sides) != 3 or min(sides) < 2:
        raise ScanUnusable(Reason.NOT_3D, f"expected three dimensions, found shape {tuple(sides)}")
    if max(sides) > MAX_SIDE:
        raise ScanUnusable(Reason.TOO_LARGE, f"shape {tuple(sides)}; expected at most {MAX_SIDE} a side")
    return (sides[0], sides[1], sides[2])


def dtype_of(header: Any) -> np.dtype[Any]:
    """Return the stored number type.

    Raises:
        ScanUnusable: it is no real number, or there would be more than ``MAX_BYTES`` of them.
    """
    code = int(header["datatype"])
    try:
        dtype: np.dtype[Any] = header.get_data_dtype()
    except (KeyError, ValueError) as error:
        raise ScanUnusable(Reason.UNREADABLE, f"unknown data type code {code}") from error
    if dtype.kind not in "iuf":
        raise ScanUnusable(Reason.COMPLEX_OR_RGB, f"voxels are {dtype}; expected one real number each")
    if int(np.prod(shape_of(header), dtype=object)) * dtype.itemsize > MAX_BYTES:
        raise ScanUnusable(Reason.TOO_LARGE, f"shape {shape_of(header)} of {dtype} is over {MAX_BYTES} bytes")
    return dtype


def offset_of(header: Any) -> int:
    """Return where the voxels start in the unpacked file, bytes.

    Raises:
        ScanUnusable: so far behind the header that a file can't be meant.
    """
    offset = float(header["vox_offset"])
    if not offset <= FIRST_VOXEL + SLACK:  # NaN too
        raise ScanUnusable(Reason.CORRUPT, f"voxels would start at byte {offset:g}")
    return max(int(offset), FIRST_VOXEL)


def affine_of(header: Any) -> Affine:
    """Return voxel → RAS+ mm: the sform if it is set, else the qform, as nibabel chooses.

    Raises:
        ScanUnusable: it is not finite, singular, or its voxels have an absurd size.
    """
    with np.errstate(all="ignore"):  # a stranger's numbers: what becomes of them is looked at below
        try:
            affine = np.asarray(header.get_best_affine(), np.float64)
        except ValueError as error:  # a quaternion that is none
            raise ScanUnusable(Reason.BAD_AFFINE, f"the header has no affine: {error}") from error
        if not np.isfinite(affine).all():
            raise ScanUnusable(Reason.BAD_AFFINE, "the affine has NaN or infinity in it")
        spacing = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
        volume = abs(float(np.linalg.det(affine[:3, :3])))
    # a sheared or flat frame encloses much less than the product of its edges
    if not (spacing > 0).all() or volume < 0.2 * float(spacing.prod()):
        raise ScanUnusable(Reason.BAD_AFFINE, f"the affine is singular: voxel edges {spacing.tolist()} mm")
    if spacing.min() < 0.05 or spacing.max() > 20:
        raise ScanUnusable(Reason.BAD_AFFINE, f"voxels of {np.round(spacing, 3).tolist()} mm")
    return affine
