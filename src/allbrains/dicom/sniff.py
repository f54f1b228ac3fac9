"""What kind of file it is, by its first bytes; its name is not asked. Pure."""

from __future__ import annotations

from enum import StrEnum

from allbrains.images import mgh, nifti, nrrd

START_BYTES = 600  # a NIfTI-2 header is 540, tar's mark is at 257, DICOM's at 128
DISC_BYTES = 43_024  # a disc's marks are in its sectors 16 to 20, of 2,048 bytes or, raw, of 2,352


class FileKind(StrEnum):
    """Kinds of files."""

    DICOM = "dicom"
    IMAGE = "image"  # NIfTI, MGH, NRRD
    PICTURE = "picture"  # JPEG, PNG and their like
    ZIP = "zip"
    TAR = "tar"
    GZIP = "gzip"  # of what, only unpacking tells
    XZ = "xz"
    BZIP2 = "bzip2"
    # what is named and not opened
    DISC = "disc image (ISO or UDF)"
    APPLE_DISC = "disc image (DMG)"
    SEVEN_ZIP = "7z archive"
    RAR = "RAR archive"
    ZSTANDARD = "Zstandard archive (zst)"
    LZ4 = "LZ4 archive"
    LZIP = "lzip archive"
    CABINET = "cabinet (CAB) archive"
    COMPRESS = "compress (Z) archive"
    LHA = "LHA archive"
    ARJ = "ARJ archive"
    CPIO = "cpio archive"
    SPLIT_ZIP = "part of a split zip"
    EMPTY = "empty file"
    OTHER = "other"


ARCHIVES = frozenset({FileKind.ZIP, FileKind.TAR, FileKind.GZIP, FileKind.XZ, FileKind.BZIP2})
UNOPENED = frozenset(
    {
        FileKind.DISC,
        FileKind.APPLE_DISC,
        FileKind.SEVEN_ZIP,
        FileKind.RAR,
        FileKind.ZSTANDARD,
        FileKind.LZ4,
        FileKind.LZIP,
    }
    | {FileKind.CABINET, FileKind.COMPRESS, FileKind.LHA, FileKind.ARJ, FileKind.CPIO, FileKind.SPLIT_ZIP}
)

_STARTS = {
    b"PK\x03\x04": FileKind.ZIP,
    b"PK\x05\x06": FileKind.ZIP,
    b"PK\x07\x08": FileKind.SPLIT_ZIP,
    b"PK00PK\x03\x04": FileKind.ZIP,  # written as parts, and all fitted into one
    b"\x1f\x8b": FileKind.GZIP,
    b"\xfd7zXZ\x00": FileKind.XZ,
    b"BZh": FileKind.BZIP2,
    b"7z\xbc\xaf'\x1c": FileKind.SEVEN_ZIP,
    b"Rar!\x1a\x07": FileKind.RAR,
    b"\x28\xb5\x2f\xfd": FileKind.ZSTANDARD,
    b"\x04\x22\x4d\x18": FileKind.LZ4,
    b"LZIP": FileKind.LZIP,
    b"MSCF\0\0\0\0": FileKind.CABINET,
    b"\x1f\x9d": FileKind.COMPRESS,
    b"\x60\xea": FileKind.ARJ,
    b"070701": FileKind.CPIO,
    b"\xff\xd8\xff": FileKind.PICTURE,
    b"\x89PNG\r\n": FileKind.PICTURE,
    b"GIF8": FileKind.PICTURE,
    b"BM": FileKind.PICTURE,
    b"II*\x00": FileKind.PICTURE,
    b"MM\x00*": FileKind.PICTURE,
}
_VALUE_KINDS = frozenset({b"UL", b"OB", b"UI", b"CS", b"SH", b"LO", b"DA", b"TM"})
_DISC_MARKS = (b"CD001", b"NSR02", b"NSR03", b"BEA01")  # ISO 9660; ECMA 167, on which UDF stands
_DISC_PLACES = (
    *(n * 2048 + 1 for n in range(16, 21)),
    *(n * 2352 + 17 for n in range(16, 18)),
    16 * 2352 + 25,
)
_APPLE_TRAILER = b"koly"  # the first bytes of the last 512


def kind_of(start: bytes) -> FileKind:
    """Return what a file is that begins so.

    Args:
        start: the first ``START_BYTES`` bytes, fewer where the file is shorter. With ``DISC_BYTES``, discs
            are known too.
    """
    if not start:
        return FileKind.EMPTY
    if start[128:132] == b"DICM" or _bare(start):
        return FileKind.DICOM
    if (nifti.length(start) and len(start) >= 348) or start.startswith((mgh.MAGIC, nrrd.MAGIC)):
        return FileKind.IMAGE
    if start[257:262] == b"ustar":
        return FileKind.TAR
    found = next((kind for mark, kind in _STARTS.items() if start.startswith(mark)), FileKind.OTHER)
    if found is FileKind.OTHER and _is_skippable_zstandard(start):
        return FileKind.ZSTANDARD
    if found is FileKind.OTHER and start[2:5] == b"-lh" and start[6:7] == b"-":
        return FileKind.LHA
    if found is FileKind.OTHER and any(start[at : at + 5] in _DISC_MARKS for at in _DISC_PLACES):
        return FileKind.DISC
    return found


def is_apple_disc(end: bytes) -> bool:
    """Return whether a file with these last 512 bytes is a disc image of macOS."""
    return len(end) == 512 and end.startswith(_APPLE_TRAILER)


def _is_skippable_zstandard(start: bytes) -> bool:
    return len(start) >= 4 and start[0] & 0xF0 == 0x50 and start[1:4] == b"\x2a\x4d\x18"


def _bare(start: bytes) -> bool:
    """Return whether it begins like DICOM without preamble: group 2 or 8, a low element, a sane length."""
    if len(start) < 16 or start[:2] not in (b"\x02\x00", b"\x08\x00") or start[3] != 0 or start[2] > 0x20:
        return False
    if start[4:6] in _VALUE_KINDS:
        return True
    return int.from_bytes(start[4:8], "little") < 128
