"""Datasets of phantoms on disk: five scans for the demo; and how any such file is written.

The same seed writes the same bytes, with the same NumPy and SciPy: no clock and no file name gets in.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np

from allbrains.records import Volume
from allbrains.testing.bottle import bottle
from allbrains.testing.phantoms import Acquisition, phantom

if TYPE_CHECKING:
    from allbrains.records import Array

BIDS_VERSION = "1.10.0"
VISITS = Acquisition(spacing=(1.3, 1.3, 1.3))
PLAIN = Acquisition(spacing=(1.5, 1.5, 1.5))
ODD = Acquisition(spacing=(3.0, 3.0, 3.0), orientation="PIL", oblique_deg=12.0)


def write_demo(root: Path, *, seed: int = 0) -> tuple[Path, Path]:
    """Write two BIDS datasets, five scans, below ``root`` and return their folders.

    ``ds900001`` is one person seen twice. ``ds900002`` holds an uncompressed scan, one of 3 mm voxels in an
    odd, oblique orientation, and one of a bottle.

    Args:
        root: made if it isn't there; files of the same name are overwritten.
        seed: of all persons and scans.
    """
    visits, mixed = root / "ds900001", root / "ds900002"
    write_about(visits, "Computed heads: one person, two visits", {"01": ("34", "female")})
    for session, name in enumerate(("a", "b")):
        scan = phantom(seed, VISITS, session=session).t1w
        write_scan(visits / f"sub-01/ses-{name}/anat/sub-01_ses-{name}_T1w.nii.gz", scan)
    people = {"01": ("27", "male"), "02": ("71", "female"), "03": ("n/a", "n/a")}
    write_about(mixed, "Computed heads: what an archive holds", people)
    write_scan(mixed / "sub-01/anat/sub-01_T1w.nii", phantom(seed + 1, PLAIN).t1w)
    write_scan(mixed / "sub-02/anat/sub-02_T1w.nii.gz", phantom(seed + 2, ODD).t1w)
    write_scan(mixed / "sub-03/anat/sub-03_T1w.nii.gz", bottle(seed + 3))
    return visits, mixed


def write_scan(path: Path, volume: Volume) -> None:
    """Write a volume as int16 NIfTI, compressed if its name ends in ``.gz``, and its sidecar beside it."""
    data = nifti_bytes(np.rint(volume.array).astype(np.int16), volume.affine)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzipped(data) if path.suffix == ".gz" else data)
    sidecar = {"Manufacturer": "allbrains.testing", "Modality": "MR", "MagneticFieldStrength": 3}
    _write_json(path.with_name(path.name.partition(".")[0] + ".json"), sidecar)


def nifti_bytes(array: Array, affine: Array) -> bytes:
    """Return an uncompressed NIfTI-1 file in the array's own type, millimetres and scanner coordinates."""
    image = nib.Nifti1Image(array, affine)
    image.header.set_xyzt_units("mm", "sec")
    image.set_qform(affine, code=1)
    image.set_sform(affine, code=1)
    data: bytes = image.to_bytes()
    return data


def gzipped(data: bytes) -> bytes:
    """Return the bytes as a gzip stream without name and time."""
    stream = io.BytesIO()
    # noise hardly shrinks: level 3 takes a third of level 6's time for a file one per cent smaller
    with gzip.GzipFile(filename="", mode="wb", compresslevel=3, fileobj=stream, mtime=0) as file:
        file.write(data)
    return stream.getvalue()


def write_about(folder: Path, name: str, people: Mapping[str, tuple[str, str]]) -> None:
    """Write what every BIDS dataset has: description, participants, README and CHANGES.

    Args:
        folder: of the dataset.
        name: its title.
        people: age in years and sex, as written in the table, by subject label.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(
        folder / "dataset_description.json",
        {
            "Name": name,
            "BIDSVersion": BIDS_VERSION,
            "DatasetType": "raw",
            "License": "CC0",
            "Authors": ["allbrains.testing"],
        },
    )
    rows = [f"sub-{label}\t{age}\t{sex}" for label, (age, sex) in people.items()]
    _write_text(folder / "participants.tsv", "\n".join(["participant_id\tage\tsex", *rows]))
    _write_json(
        folder / "participants.json",
        {
            "age": {"Description": "Age at the first visit", "Units": "year"},
            "sex": {"Description": "Made up, like the age", "Levels": {"female": "female", "male": "male"}},
        },
    )
    _write_text(folder / "README", f"{name}.\n\nNobody was scanned: computed heads, by allbrains.testing.")
    _write_text(folder / "CHANGES", "1.0.0 2026-01-01\n  - First version.")


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    _write_text(path, json.dumps(content, indent=2))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
