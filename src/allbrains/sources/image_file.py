"""Read an image file from a stranger: every promise of its header is checked before memory is spent.

nibabel accepts a gzip stream with a wrong checksum and hundreds of MB of trailing bytes, and a small
file may unpack to many GB. So the stream is unpacked here, to its very end, with a cap that comes
from the header.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from allbrains.errors import Reason, ScanUnusable
from allbrains.records import Affine, Array, Volume

MAX_BYTES = 2 << 30  # of voxels; the largest raw T1w on OpenNeuro has 384 MB in its file
MAX_SIDE = 2048  # voxels along an axis
_HEADER_BYTES = {348: "NIfTI-1", 540: "NIfTI-2"}
_SLACK = 64 << 10  # bytes after the last voxel that a writer may leave


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


def read_image(path: Path) -> Volume:
    """Return the image of a NIfTI file, ``.nii`` or ``.nii.gz`` whatever its name says.

    The affine is the sform if it is set, else the qform, as nibabel chooses. A 4-D image with one
    frame is a 3-D image.

    Raises:
        ScanUnusable: with the reason code for each way in which the file can be bad.
    """
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
    try:
        if zipped:
            with gzip.open(path, "rb") as stream:
                header, data = _read(stream)
        else:
            with path.open("rb") as plain:
                header, data = _read(plain)
    except EOFError as error:
        raise ScanUnusable(Reason.TRUNCATED, "the gzip stream ends early") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ScanUnusable(Reason.CORRUPT, f"the gzip stream is damaged ({error})") from error
    affine = _affine(header)
    return Volume(array=_scaled(data, header), affine=affine)


def _read(stream: _Readable) -> tuple[Any, Array]:
    """Return the header and the stored voxels, having read the stream to its end."""
    start = stream.read(544)
    header = _header(start)
    shape, dtype = _shape(header), _dtype(header)
    offset = max(int(header["vox_offset"]), 352)
    wanted = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if offset > _SLACK + 352:
        raise ScanUnusable(Reason.CORRUPT, f"voxels would start at byte {offset}")
    skipped = start + stream.read(max(offset - len(start), 0))
    voxels = skipped[offset:] + stream.read(max(wanted - len(skipped[offset:]), 0))
    if len(voxels) < wanted:
        raise ScanUnusable(Reason.TRUNCATED, f"expected {wanted} bytes of voxels, found {len(voxels)}")
    rest = len(stream.read(_SLACK + 1))  # to the end of the stream, where its checksum stands
    if rest > _SLACK:
        raise ScanUnusable(Reason.CORRUPT, f"more than {_SLACK} bytes follow the last voxel")
    return header, np.frombuffer(voxels, dtype, count=wanted // dtype.itemsize).reshape(shape, order="F")


def _header(start: bytes) -> Any:
    import nibabel

    size = int.from_bytes(start[:4], "little"), int.from_bytes(start[:4], "big")
    kind = next((_HEADER_BYTES[n] for n in size if n in _HEADER_BYTES), "")
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


def _shape(header: Any) -> tuple[int, int, int]:
    sides = [int(n) for n in header["dim"][1 : 1 + max(0, min(int(header["dim"][0]), 7))]]
    while len(sides) > 3 and sides[-1] == 1:
        sides.pop()
    if len(sides) != 3 or min(sides) < 2:
        raise ScanUnusable(Reason.NOT_3D, f"expected three dimensions, found shape {tuple(sides)}")
    if max(sides) > MAX_SIDE:
        raise ScanUnusable(Reason.TOO_LARGE, f"shape {tuple(sides)}; expected at most {MAX_SIDE} a side")
    return (sides[0], sides[1], sides[2])


def _dtype(header: Any) -> np.dtype[Any]:
    code = int(header["datatype"])
    try:
        dtype: np.dtype[Any] = header.get_data_dtype()
    except (KeyError, ValueError) as error:
        raise ScanUnusable(Reason.UNREADABLE, f"unknown data type code {code}") from error
    if dtype.kind not in "iuf":
        raise ScanUnusable(Reason.COMPLEX_OR_RGB, f"voxels are {dtype}; expected one real number each")
    if int(np.prod(_shape(header), dtype=object)) * dtype.itemsize > MAX_BYTES:
        raise ScanUnusable(Reason.TOO_LARGE, f"shape {_shape(header)} of {dtype} is over {MAX_BYTES} bytes")
    return dtype


def _affine(header: Any) -> Affine:
    affine = np.asarray(header.get_best_affine(), np.float64)
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


def _scaled(data: Array, header: Any) -> Array:
    """Return the voxels as float32 with slope and intercept applied; slope 0 or NaN means none."""
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    out = data.astype(np.float32)
    if np.isfinite(slope) and slope != 0 and (slope, intercept) != (1.0, 0.0):
        out *= np.float32(slope)
        if np.isfinite(intercept):
            out += np.float32(intercept)
    return out
