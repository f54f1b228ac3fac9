"""DICOMDIR: the table of contents of a disc."""

from __future__ import annotations

from pathlib import Path

from allbrains.dicom.quiet import pydicom_quietly

_DIRECTORY = "1.2.840.10008.1.3.10"
_IMAGE_RECORDS = frozenset({"IMAGE", "PRIVATE", "MULTIFRAME"})


def listed(path: Path) -> tuple[Path, ...]:
    """Return the image files that a DICOMDIR lists and that are there; none where it is no DICOMDIR.

    Only files inside its own folder count, whatever it says. Case is not asked: discs are written in
    capitals, and some systems show them small.
    """
    with pydicom_quietly() as (pydicom, errors):
        try:
            meta = pydicom.filereader.read_file_meta_info(path)
            if str(meta.get("MediaStorageSOPClassUID", "")) != _DIRECTORY:
                return ()
            records = pydicom.dcmread(path).get("DirectoryRecordSequence") or ()
            named = [
                record.get("ReferencedFileID")
                for record in records
                if str(record.get("DirectoryRecordType", "")).upper() in _IMAGE_RECORDS
            ]
        except errors:
            return ()
    root = path.resolve().parent
    names = {str(file.relative_to(root)).casefold(): file for file in root.rglob("*") if file.is_file()}
    wanted = ("/".join([part] if isinstance(part, str) else map(str, part)) for part in named if part)
    found = (names.get(name.replace("\\", "/").casefold()) for name in wanted)
    return tuple(dict.fromkeys(file for file in found if file is not None))
