"""T1w images with digests that are known without making the images.

An image is a NIfTI header, a texture, zeros, and 64 bytes of its own: one file differs from the next
in length (how many blocks of texture) and in its end. So the hash over all but the end is that of a few
hundred beginnings, kept, and an image costs one hash of some 80 bytes. Any part of it can be written.

In a .nii.gz the texture is stored and the zeros are run lengths, written out here bit by bit: the same
bytes whatever zlib is installed.

References:
    RFC 1951 (deflate), sections 3.2.4 and 3.2.6; RFC 1952 (gzip). NIfTI-1.1 header, nifti1.h.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from threading import Lock

import numpy as np

from allbrains.sandbox.archive import object_hash

HEADER = 352  # bytes before the first voxel
BLOCK = 65_534  # bytes of texture in a block: an even number, as a voxel has two
OWN = 64  # bytes at the end that make an image itself
JITTER = 16  # so many lengths does a dataset's images have
_GZIP = bytes([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255])
_POLYNOMIAL = 0xEDB88320  # CRC-32, reflected
_CHUNK = 1 << 20
_GROWING = Lock()  # held while the hashes of beginnings are made: requests come in threads

# (voxels, spacing in mm) of common T1w protocols
PROTOCOLS: tuple[tuple[tuple[int, int, int], tuple[float, float, float]], ...] = (
    ((128, 128, 90), (2.0, 2.0, 2.0)),
    ((160, 192, 192), (1.2, 1.2, 1.2)),
    ((256, 256, 124), (0.94, 0.94, 1.5)),
    ((256, 256, 150), (0.94, 0.94, 1.2)),
    ((160, 256, 256), (1.0, 1.0, 1.0)),
    ((176, 256, 256), (1.0, 1.0, 1.0)),
    ((192, 256, 256), (1.0, 1.0, 1.0)),
    ((208, 300, 320), (0.8, 0.8, 0.8)),
    ((240, 320, 320), (0.7, 0.7, 0.7)),
    ((512, 512, 176), (0.5, 0.5, 1.0)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageKind:
    """What the images of a dataset have in common.

    Attributes:
        protocol: index into ``PROTOCOLS``.
        gzipped: .nii.gz rather than .nii.
    """

    protocol: int
    gzipped: bool

    @property
    def voxel_bytes(self) -> int:
        """Bytes of the voxels, 16 bits each."""
        x, y, z = PROTOCOLS[self.protocol][0]
        return 2 * x * y * z

    @property
    def most_blocks(self) -> int:
        """How many blocks of texture fit in."""
        return (self.voxel_bytes - OWN) // BLOCK

    def zeros(self, blocks: int) -> int:
        """Return how many zero bytes follow ``blocks`` blocks of texture."""
        return self.voxel_bytes - OWN - blocks * BLOCK

    def size(self, blocks: int) -> int:
        """Return the bytes of a file with so much texture."""
        if not self.gzipped:
            return HEADER + self.voxel_bytes
        runs = sum(count * len(piece) for piece, count in _zero_pieces(self.zeros(blocks)))
        return len(_GZIP) + 5 + HEADER + blocks * (5 + BLOCK) + runs + 5 + OWN + 8


def kind_for(size: float, *, gzipped: bool) -> tuple[ImageKind, int]:
    """Return the kind with images near a size, and the least number of texture blocks.

    All ``JITTER`` sizes from that number on have equally many decimal digits.
    """
    kinds = [ImageKind(protocol=index, gzipped=gzipped) for index in range(len(PROTOCOLS))]
    if not gzipped:
        return min(kinds, key=lambda kind: abs(kind.voxel_bytes - size)), 64 // JITTER
    # about half of a compressed head is background
    kind = min(kinds, key=lambda kind: abs(np.log(0.45 * kind.voxel_bytes / size)))
    blocks = int(min(max(size // (BLOCK + 5), 1), kind.most_blocks - JITTER))
    while len(str(kind.size(blocks))) < len(str(kind.size(blocks + JITTER - 1))):
        blocks -= 1
    return kind, blocks


def own_bytes(name: str) -> bytes:
    """Return the end of the image with this name."""
    return hashlib.sha512(name.encode()).digest()


def digest(kind: ImageKind, blocks: int, own: bytes, algorithm: str) -> hashlib._Hash:
    """Return the hash of an image, by its algorithm's name."""
    state = _beginning_hash(kind, blocks, algorithm).copy()
    state.update(_end(kind, blocks, own))
    return state


def annex_digest(dataset: str, kind: ImageKind, blocks: int, own: bytes) -> hashlib._Hash:
    """Return the hash that goes into an image's annex key."""
    return digest(kind, blocks, own, object_hash(dataset, ".nii", 0).name)


def read(kind: ImageKind, blocks: int, own: bytes, start: int, stop: int) -> Iterator[bytes]:
    """Yield an image's bytes from ``start`` up to, not including, ``stop``."""
    at = 0
    for piece, count in [*_beginning(kind, blocks), (_end(kind, blocks, own), 1)]:
        length = len(piece) * count
        first, last = max(start - at, 0), min(stop - at, length)
        at += length
        while first < last:
            # whole pieces while they last, at most a megabyte at a time
            step = min(last - first, max(_CHUNK, len(piece)))
            skip = first % len(piece)
            copies = -(-(skip + step) // len(piece))
            yield (piece * copies)[skip : skip + step]
            first += step


def _beginning(kind: ImageKind, blocks: int) -> list[tuple[bytes, int]]:
    """Return all but an image's end: pieces, and how often each comes."""
    if not kind.gzipped:
        zeros = kind.zeros(blocks)
        return [(_header(kind.protocol), 1), (_texture(), blocks), (bytes(BLOCK), zeros // BLOCK),
                (bytes(zeros % BLOCK or 1), int(zeros % BLOCK > 0))]  # fmt: skip
    head = _GZIP + _stored(_header(kind.protocol))
    return [(head, 1), (_stored(_texture()), blocks), *_zero_pieces(kind.zeros(blocks))]


def _end(kind: ImageKind, blocks: int, own: bytes) -> bytes:
    if not kind.gzipped:
        return own
    crc = zlib.crc32(own, _beginning_crc(kind, blocks))
    length = HEADER + kind.voxel_bytes
    return _stored(own, final=True) + struct.pack("<II", crc, length)


def _stored(content: bytes, *, final: bool = False) -> bytes:
    return struct.pack("<BHH", final, len(content), len(content) ^ 0xFFFF) + content


@cache
def _zero_pieces(count: int) -> tuple[tuple[bytes, int], ...]:
    """Return deflate blocks for so many zero bytes, each ending on a whole byte."""
    whole, rest = divmod(count, BLOCK)
    return ((_zero_run(BLOCK), whole), (_zero_run(rest) if rest else b"\0", int(rest > 0)))


@cache
def _zero_run(count: int) -> bytes:
    """Return a block with fixed codes for ``count`` zeros, filled up to a byte by an empty stored one."""
    matches, literals = divmod(count - 1, 258)
    literal, match = "00110000", "11000101" + "00000"  # byte 0; length 258, distance 1
    bits = "010" + literal * (1 + literals) + match * matches + "0000000" + "000"
    packed = np.packbits(np.frombuffer(bits.encode(), np.uint8) - ord("0"), bitorder="little")
    return packed.tobytes() + b"\0\0\xff\xff"


@cache
def _texture() -> bytes:
    # any fixed noise will do: 10 bits, as a scanner has them
    voxels = np.random.Generator(np.random.PCG64(0)).integers(0, 1024, BLOCK // 2, dtype=np.uint16)
    return voxels.astype("<i2").tobytes()


@cache
def _header(protocol: int) -> bytes:
    shape, spacing = PROTOCOLS[protocol]
    header = bytearray(HEADER)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *shape, 1, 1, 1, 1)
    struct.pack_into("<hh", header, 70, 4, 16)  # int16
    struct.pack_into("<8f", header, 76, 1, *spacing, 0, 0, 0, 0)
    struct.pack_into("<fff", header, 108, HEADER, 1, 0)  # offset of the voxels, slope, intercept
    header[123] = 2 | 8  # mm, s
    header[148:168] = b"a made-up head, none"
    struct.pack_into("<hh", header, 252, 1, 1)  # qform and sform: scanner coordinates
    origin = [-length * step / 2 for length, step in zip(shape, spacing, strict=True)]
    struct.pack_into("<3f", header, 268, *origin)
    for axis in range(3):
        row = [spacing[axis] if axis == column else 0.0 for column in range(3)]
        struct.pack_into("<4f", header, 280 + 16 * axis, *row, origin[axis])
    header[344:348] = b"n+1\0"
    return bytes(header)


@cache
def _beginning_hash(kind: ImageKind, blocks: int, algorithm: str) -> hashlib._Hash:
    # texture is shared by all lengths of a kind; what follows it isn't
    _, texture, *zeros = _beginning(kind, blocks)
    known = _texture_hashes(kind, algorithm)
    with _GROWING:
        while len(known) <= blocks:
            state = known[-1].copy()
            state.update(texture[0])
            known.append(state)
    state = known[blocks].copy()
    for piece, count in zeros:
        state.update(piece * count)
    return state


@cache
def _texture_hashes(kind: ImageKind, algorithm: str) -> list[hashlib._Hash]:
    (head, _), *_ = _beginning(kind, 0)
    return [hashlib.new(algorithm, head, usedforsecurity=False)]


@cache
def _beginning_crc(kind: ImageKind, blocks: int) -> int:
    known = _texture_crcs(kind.protocol)
    with _GROWING:
        while len(known) <= blocks:
            known.append(zlib.crc32(_texture(), known[-1]))
    return _after_zeros(known[blocks], kind.zeros(blocks))


@cache
def _texture_crcs(protocol: int) -> list[int]:
    return [zlib.crc32(_header(protocol))]


def _after_zeros(crc: int, count: int) -> int:
    """Return a CRC-32 after ``count`` more zero bytes: its register times x to the 8·count."""
    power, square, bits = 1 << 31, 1 << 30, 8 * count  # 1 and x; the highest bit is x to the 0
    while bits:
        if bits & 1:
            power = _times(power, square)
        square = _times(square, square)
        bits >>= 1
    return _times(power, crc ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def _times(one: int, other: int) -> int:
    """Return the product of two polynomials over two elements, modulo the CRC's."""
    product = 0
    for bit in range(31, -1, -1):
        if one >> bit & 1:
            product ^= other
        other = other >> 1 ^ (_POLYNOMIAL if other & 1 else 0)
    return product
