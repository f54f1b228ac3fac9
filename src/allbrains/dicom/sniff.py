"""What kind of file it is, by its first bytes; its name is not asked. Pure."""

from __future__ import annotations

from enum import StrEnum

from allbrains.images import mgh, nifti, nrrd

START_BYTES = 600  # a NIfTI-2 header is 540, tar's mark is at 257, DICOM's at 128


class FileKind(StrEnum):
    """Kinds that are told apart."""

    DICOM = "dicom"
    IMAGE = "image"  # NIfTI, MGH, NRRD
    PICTURE = "picture"  # JPEG, PNG and their like
    ZIP = "zip"
    TAR = "tar"
    GZIP = "gzip"  # of what, only unpacking tells
    XZ = "xz"
    BZIP2 = "bzip2"
    OTHER = "other"


ARCHIVES = frozenset({FileKind.ZIP, FileKind.TAR, FileKind.GZIP, FileKind.XZ, FileKind.BZIP2})

_STARTS = {
    b"PK\x03\x04": FileKind.ZIP,
    b"PK\x05\x06": FileKind.ZIP,
    b"\x1f\x8b": FileKind.GZIP,
    b"\xfd7zXZ\x00": FileKind.XZ,
    b"BZh": FileKind.BZIP2,
    b"\xff\xd8\xff": FileKind.PICTURE,
    b"\x89PNG\r\n": FileKind.PICTURE,
    b"GIF8": FileKind.PICTURE,
    b"BM": FileKind.PICTURE,
    b"II*\x00": FileKind.PICTURE,
    b"MM\x00*": FileKind.PICTURE,
}
_VALUE_KINDS = frozenset({b"UL", b"OB", b"UI", b"CS", b"SH", b"LO", b"DA", b"TM"})


def kind_of(start: bytes) -> FileKind:
    """Return what a file is that begins so.

    Args:
        start: the first ``START_BYTES`` bytes, fewer where the file is shorter.
    """
    if start[128:132] == b"DICM" or _bare(start):
        return FileKind.DICOM
    if (nifti.length(start) and len(start) >= 348) or start.startswith((mgh.MAGIC, nrrd.MAGIC)):
        return FileKind.IMAGE
    if start[257:262] == b"ustar":
        return FileKind.TAR
    return next((kind for mark, kind in _STARTS.items() if start.startswith(mark)), FileKind.OTHER)


def _bare(start: bytes) -> bool:
    """Return whether it begins like DICOM without preamble: group 2 or 8, a low element, a sane length."""
    if len(start) < 16 or start[:2] not in (b"\x02\x00", b"\x08\x00") or start[3] != 0 or start[2] > 0x20:
        return False
    if start[4:6] in _VALUE_KINDS:
        return True
    return int.from_bytes(start[4:8], "little") < 128
