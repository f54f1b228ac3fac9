"""What a header promises, checked before memory is spent, and the reading of exactly that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from allbrains.errors import Reason, ScanUnusable
from allbrains.images.gunzip import Gunzip, Readable
from allbrains.records import Affine, Array

MAX_BYTES = 2 << 30  # of voxels; the largest raw T1w on OpenNeuro has 384 MB in its file
MAX_SIDE = 2048  # voxels along an axis
START_BYTES = 64 << 10  # what a format is shown; no header of one image is longer
_SLACK = 64 << 10  # bytes after the last voxel that a writer may leave
_CHUNK = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What a header says of the voxels that follow it.

    Attributes:
        shape: voxels along x, y, z; x runs fastest in the file.
        dtype: of a voxel, with its byte order.
        offset: byte where the voxels start.
        affine: shape (4, 4), voxel → RAS+ mm.
        slope, intercept: ``value = stored * slope + intercept``.
        packed: the voxels are a gzip stream of their own.
        orientation_from: what said where left is: ``sform``, ``qform``, ``mgh``, ``nrrd`` or ``nothing``.
        numbers: what else the header said that judges the scan.
        doubts: why directions or edges are not to be believed, in words; empty where they are.
    """

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    offset: int
    affine: Affine
    slope: float = 1.0
    intercept: float = 0.0
    packed: bool = False
    orientation_from: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    doubts: str = ""

    def __post_init__(self) -> None:
        """Refuse what no head scan has.

        Raises:
            ScanUnusable: too many voxels, or voxels that are not one real number.
        """
        if max(self.shape) > MAX_SIDE:
            raise ScanUnusable(Reason.TOO_LARGE, f"shape {self.shape}; expected at most {MAX_SIDE} a side")
        if self.dtype.kind not in "iuf":
            raise ScanUnusable(
                Reason.COMPLEX_OR_RGB, f"voxels are {self.dtype}; expected one real number each"
            )
        if self.size > MAX_BYTES:
            raise ScanUnusable(
                Reason.TOO_LARGE, f"shape {self.shape} of {self.dtype} is over {MAX_BYTES} bytes"
            )

    @property
    def size(self) -> int:
        """Bytes of all voxels."""
        return int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize


def three_sides(sides: Sequence[int]) -> tuple[int, int, int]:
    """Return the sides of a 3-D image; further axes of one frame are passed over.

    Raises:
        ScanUnusable: several frames, a plane or a line.
    """
    shape = list(sides)
    while len(shape) > 3 and shape[-1] in (0, 1):  # some writers count no frame where there is one
        shape.pop()
    if len(shape) != 3 or min(shape) < 2:
        raise ScanUnusable(Reason.NOT_3D, f"expected three dimensions, found shape {tuple(sides)}")
    return cast(tuple[int, int, int], tuple(shape))


def voxels(promise: Promise, start: bytes, stream: Readable) -> Array:
    """Return the values, float32, having read the stream to its end, where its checksum stands.

    Args:
        promise: of the header.
        start: what was read of the stream before.
        stream: the rest.

    Raises:
        ScanUnusable: the stream ends early or goes on for long.
        EOFError, zlib.error: a gzip stream is cut or damaged.
    """
    source: Readable = _Joined(start[promise.offset :], stream)
    if len(start) < promise.offset:
        source.read(promise.offset - len(start))
    data = _exactly(promise.size, Gunzip(source) if promise.packed else source)
    stored = np.frombuffer(data, promise.dtype).reshape(promise.shape, order="F")
    with np.errstate(over="ignore", invalid="ignore"):  # what doesn't fit becomes infinite and is judged so
        values = stored.astype(np.float32)
        if (promise.slope, promise.intercept) != (1.0, 0.0):
            values *= np.float32(promise.slope)
            values += np.float32(promise.intercept)
    return values


def _exactly(wanted: int, source: Readable) -> bytearray:
    """Return the promised bytes; memory grows with what really comes, not with what was promised."""
    data = bytearray()
    while len(data) < wanted:
        chunk = source.read(min(_CHUNK, wanted - len(data)))
        if not chunk:
            raise ScanUnusable(Reason.TRUNCATED, f"expected {wanted} bytes of voxels, found {len(data)}")
        data += chunk
    # to the end, where the checksum stands
    if len(source.read(_SLACK + 1)) > _SLACK:
        raise ScanUnusable(Reason.CORRUPT, f"more than {_SLACK} bytes follow the last voxel")
    return data


class _Joined:
    """What was read of a stream already, and then the stream."""

    def __init__(self, start: bytes, rest: Readable) -> None:
        self._start = start
        self._rest = rest

    def read(self, size: int = -1, /) -> bytes:
        """Return up to ``size`` bytes; fewer only at the end."""
        taken, self._start = self._start[:size], self._start[size:]
        return taken + self._rest.read(size - len(taken)) if len(taken) < size else taken
