"""A NIfTI that says where its voxels lie, and nothing else."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np

from allbrains.errors import Reason, ScanUnusable
from allbrains.images import nifti
from allbrains.images.image_file import read_case, read_image
from allbrains.records import Array, Volume

_SCANNER, _MM = 1, 2  # NIfTI's codes
_TEXT_FIELDS = ("data_type", "db_name", "descrip", "aux_file", "intent_name")


def write_clean(volume: Volume, path: Path) -> None:
    """Write a volume as NIfTI-1 with a header of its shape, type and place; nothing else is in it."""
    import nibabel

    # 64-bit integers are what a few scanners' slopes make; no reader of ours needs them
    array = volume.array.astype(np.float32) if volume.array.dtype.itemsize > 4 else volume.array
    image = nibabel.Nifti1Image(array, volume.affine, dtype=array.dtype)
    image.set_sform(volume.affine, _SCANNER)
    image.set_qform(volume.affine, _SCANNER)
    image.header.set_xyzt_units(_MM)
    image.header.set_slope_inter(1, 0)
    nibabel.save(image, path)


def write_clean_image(source: Path, path: Path) -> Volume:
    """Write an image file's voxels and place as NIfTI; its texts and extensions stay behind.

    A NIfTI keeps what its header says about its place, also that it says nothing: which side is left is
    then judged as for everybody else's scan.

    Returns:
        The image.

    Raises:
        ScanUnusable: the file can't be used.
    """
    case = read_case(source)
    volume = case.images["t1w"]
    write_clean(volume, path)
    if case.texts.get("orientation_from") in ("sform", "qform", "nothing"):
        _keep_placement(source, path)
        if not np.allclose(read_image(path).affine, volume.affine, atol=1e-3):
            raise ScanUnusable(Reason.BAD_AFFINE, "the image's place can't be written again")
    return volume


def _keep_placement(source: Path, path: Path) -> None:
    """Copy both forms and their codes from one NIfTI's header to another's."""
    import nibabel

    original = _header(source)
    image = nibabel.load(path, mmap=False)  # read, not mapped: the file is written over below
    array: Array = np.asarray(image.dataobj)
    header = image.header.copy()
    for name in ("qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d"):
        header[name] = original[name]
    for name in ("qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z"):
        header[name] = original[name]
    header["pixdim"][:4] = original["pixdim"][:4]
    units = int(original["xyzt_units"]) & 0b111
    header["xyzt_units"] = units
    fresh = nibabel.Nifti1Image(array, None, header)
    for name in _TEXT_FIELDS:
        fresh.header[name] = b""
    nibabel.save(fresh, path)


def _header(source: Path) -> Any:
    """Return a NIfTI's header; the file's name needs no ending, and it may be zipped."""
    import nibabel

    with source.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
    with gzip.open(source, "rb") if zipped else source.open("rb") as stream:
        start = stream.read(nibabel.Nifti2Header.sizeof_hdr)
    kind = nibabel.Nifti2Header if nifti.length(start) == len(start) else nibabel.Nifti1Header
    return kind(binaryblock=start[: kind.sizeof_hdr], check=False)
