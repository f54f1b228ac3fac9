"""Why a person's files can't be used, and what to do about it. Pure."""

from __future__ import annotations

from enum import StrEnum

from allbrains.errors import SourceError


class Refusal(StrEnum):
    """What is wrong with the files."""

    NOTHING = "nothing"  # no file that any reader here knows
    PICTURES = "pictures"  # JPEG, PNG and their like
    TWO_PEOPLE = "two_people"
    NO_T1W = "no_t1w"
    NO_SUCH_SERIES = "no_such_series"
    GANTRY_TILT = "gantry_tilt"
    MISSING_SLICES = "missing_slices"
    MIXED_ORIENTATIONS = "mixed_orientations"
    THICK_SLICES = "thick_slices"
    TOO_FEW_SLICES = "too_few_slices"
    NOT_A_VOLUME = "not_a_volume"
    NO_PLACE = "no_place"
    NOT_CONVERTED = "not_converted"
    TOO_MUCH = "too_much"
    NO_ROOM = "no_room"
    DAMAGED_ARCHIVE = "damaged_archive"
    UNKNOWN_ARCHIVE = "unknown_archive"  # a kind that is not opened here
    DISC_IMAGE = "disc_image"
    CUT_FILES = "cut_files"
    FOREIGN_SLICES = "foreign_slices"
    SEVERAL_IMAGES = "several_images"


NEXT: dict[Refusal, str] = {
    Refusal.NOTHING: "ask the centre where you were scanned for the images as DICOM, on disc or by download",
    Refusal.PICTURES: (
        "ask the centre for the DICOM files: pictures have lost the third dimension and the millimetres"
    ),
    Refusal.TWO_PEOPLE: (
        "put the files of one person into a folder of their own and name that folder; if they are one "
        "person's, say so with --one-person"
    ),
    Refusal.NO_T1W: (
        "ask the centre for a 3-D T1-weighted series (MPRAGE, SPGR, BRAVO, TFE); if you know that one of "
        "these is it, choose it with --series"
    ),
    Refusal.NO_SUCH_SERIES: "look at the numbers with --dry-run",
    Refusal.GANTRY_TILT: (
        "ask the centre for a series without tilt: slices that are shifted against each other can't be put "
        "upright without inventing voxels"
    ),
    Refusal.MISSING_SLICES: "copy the disc again, or ask the centre for the complete series",
    Refusal.MIXED_ORIENTATIONS: "choose a series with slices in one direction with --series",
    Refusal.THICK_SLICES: (
        "ask whether a 3-D series with voxels of about 1 mm was taken too; thick slices leave out the tissue "
        "that volumes are measured from"
    ),
    Refusal.TOO_FEW_SLICES: "copy the disc again, or choose another series with --series",
    Refusal.NOT_A_VOLUME: "choose another series with --series",
    Refusal.NO_PLACE: "ask the centre for the original DICOM files, not for an export of the viewer",
    Refusal.NOT_CONVERTED: "ask the centre for the files uncompressed (Explicit VR Little Endian)",
    Refusal.NO_ROOM: "make room on the disk of temporary files, or set TMPDIR to another one",
    Refusal.TOO_MUCH: "name the folder or archive of one examination",
    Refusal.CUT_FILES: "copy the disc again: the files on it may be whole",
    Refusal.FOREIGN_SLICES: "ask the centre for the series again, or choose another one with --series",
    Refusal.SEVERAL_IMAGES: "look at the numbers with --dry-run, and choose one with --series",
    Refusal.UNKNOWN_ARCHIVE: "unpack it yourself, for example with 7-Zip, and name the folder",
    Refusal.DISC_IMAGE: (
        "mount it (a double click, or `mount -o loop`) or unpack it, for example with 7-Zip, and name the "
        "folder"
    ),
    Refusal.DAMAGED_ARCHIVE: "download or copy the archive again, or unpack it yourself and name the folder",
}


class Unsuitable(SourceError):
    """A person's files can't become a brain among the others.

    Attributes:
        refusal: the code.
        sentence: what is wrong, without anything that the files say about the person.
        next_step: what the person can do.
    """

    def __init__(self, refusal: Refusal, sentence: str) -> None:
        self.refusal, self.sentence, self.next_step = refusal, sentence, NEXT[refusal]
        super().__init__(f"{sentence}. Next: {self.next_step}")
