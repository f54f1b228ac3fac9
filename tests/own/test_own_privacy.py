"""A canary in every text of every header, in every file's name: none may come out anywhere.

One scan goes the whole road, by the command line as a person uses it: archive → series → sample → page.
"""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import warnings
import zipfile
import zlib
from functools import cache
from pathlib import Path

import nibabel
import numpy as np
import pyarrow.parquet as pq
import pytest

import allbrains
from allbrains.records import Volume
from allbrains.testing.dicom_series import ROOT, T1W, Making, write_series
from allbrains.testing.phantoms import Acquisition, phantom

QUICK = Path(__file__).parents[1] / "e2e" / "quick.toml"
CANARY = "Kanarienvogel"
DATE, DATE_SPELT, TIME = "19510307", "1951-03-07", "031415.926535"
# a text that a person may have typed, whatever the tag; not of voxels' form or of the sequence
_VALUES = {"DA": DATE, "TM": TIME, "DT": DATE + TIME, "AS": "034Y", "UI": ROOT + "4711", "CS": CANARY.upper()}
_TEXTS = frozenset({"AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
_KEPT = frozenset(
    {
        "SOPClassUID",
        "SOPInstanceUID",
        "SeriesInstanceUID",
        "ScanningSequence",
        "MRAcquisitionType",
        "Modality",
    }
    | {"ImageType", "PhotometricInterpretation", "PatientSex", "SeriesDescription", "PatientAge"}
    # how texts are coded, and which other way there is to keep voxels
    | {"SpecificCharacterSet", "PixelDataProviderURL", "TransferSyntaxUID", "MediaStorageSOPClassUID"}
)


@cache
def drawn():
    return phantom(3, Acquisition(spacing=(2.5, 2.5, 2.5), orientation="PSR"))


def canaries():
    """Every text, name, date, time and UID that DICOM's dictionary knows, at the top of a file."""
    from pydicom.datadict import DicomDictionary

    found = {}
    for tag, (kind, _, _, retired, keyword) in DicomDictionary.items():
        group, element = tag >> 16, tag & 0xFFFF
        usable = keyword and not retired and 0x0008 <= group < 0x7FE0 and group != 0x0028 and element != 0
        if usable and keyword not in _KEPT and (kind in _TEXTS or kind in _VALUES):
            found[keyword] = _VALUES.get(kind, f"{CANARY}^{kind}"[:16])
    return found


@pytest.fixture(scope="module")
def stick(tmp_path_factory):
    """A zip of a phantom's T1w as DICOM, without names' endings, canaries everywhere."""
    scan = drawn().t1w
    whole = Volume(array=np.clip(np.rint(scan.array), 0, 32767).astype(np.uint16), affine=scan.affine)
    folder = tmp_path_factory.mktemp("stick") / CANARY
    tags = {**canaries(), **T1W, "PatientSex": "F", "PatientAge": "034Y"}
    tags["ImageType"] = ["ORIGINAL", "PRIMARY", "M", "ND"]
    tags["SeriesDescription"] = f"t1_mprage {CANARY}"
    assert len(tags) > 800
    # as a T2w shows it, in a series whose header makes it the better T1w: only its contrast tells
    other = Volume(array=1000 - np.minimum(whole.array, 1000), affine=whole.affine)
    other.array[whole.array < 150] = 10
    better = {**tags, "ImageType": ["ORIGINAL", "PRIMARY", "M", "NORM"], "BodyPartExamined": "HEAD"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom has doubts about the canaries
        files = write_series(folder, whole, Making(tags=tags, suffix="", seed=CANARY))
        files += write_series(folder, other, Making(number=2, tags=better, suffix="", seed=CANARY))
    path = folder.parent / f"{CANARY}_{DATE}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in files:
            archive.write(file, f"{CANARY}/{DATE}/{file.name}")
    return path, whole


@pytest.fixture(scope="module")
def told(stick, tmp_path_factory):
    """What the command left behind: its folder, and all that it said."""
    out = tmp_path_factory.mktemp("result") / "own"
    command = [
        sys.executable,
        "-m",
        "allbrains",
        "scan",
        str(stick[0]),
        "--out",
        str(out),
        "--recipe",
        str(QUICK),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return out, done


def every_text(folder):
    """Yield name and bytes of each file, unpacked where it is packed."""
    for path in sorted(folder.rglob("*")):
        yield str(path.relative_to(folder)), str(path.relative_to(folder)).encode()
        if path.is_file():
            data = path.read_bytes()
            yield path.name, data
            if data[:2] == b"\x1f\x8b":
                yield path.name, gzip.decompress(data)
            if path.suffix == ".parquet":
                table = pq.read_table(path)
                yield path.name, repr(table.schema.metadata).encode()
                texts = [c for c in table.schema if str(c.type) in ("string", "large_string")]
                yield path.name, json.dumps(table.select([c.name for c in texts]).to_pylist()).encode()


def signs():
    uid = ROOT.encode() + b"4711"
    words = [CANARY.encode(), CANARY.upper().encode(), CANARY.encode("utf-16-le")]
    return [*words, DATE.encode(), DATE_SPELT.encode(), TIME.encode(), uid, ROOT.encode()]


def test_no_canary_is_in_any_file_or_name_or_in_what_was_said(told):
    out, done = told
    said = done.stdout.encode() + done.stderr.encode()
    seen = 0
    for name, data in [("stdout and stderr", said), *every_text(out)]:
        seen += 1
        for sign in signs():
            assert sign not in data, (name, sign)
    assert seen > 15


def test_the_search_for_canaries_finds_one_that_is_there(stick, tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(stick[0].read_bytes()[:100_000]))
    found = [sign for _, data in every_text(tmp_path) for sign in signs() if sign in data]
    assert CANARY.encode() in found


def test_the_result_is_a_sample_as_everybodys(told):
    (brain,) = allbrains.open(told[0])
    assert brain.t1w.shape == (80, 96, 80)
    assert brain.row["dataset"] == "own"
    truth = drawn().volumes_ml
    assert brain.row["brain_mask_ml"] == pytest.approx(truth["brain"], rel=0.1)
    assert "age_years" not in brain.row
    assert "sex" not in brain.row


def test_the_exported_head_has_the_scans_voxels_but_no_face(told, stick):
    exported = nibabel.load(told[0] / "head_defaced.nii.gz")
    whole = stick[1]
    flips = np.rint(np.linalg.inv(exported.affine) @ whole.affine).astype(int)
    index = np.indices(whole.array.shape).reshape(3, -1)
    there = flips[:3, :3] @ index + flips[:3, 3:]
    values = np.asarray(exported.dataobj)[tuple(there)].reshape(whole.array.shape)
    gone = (values == 0) & (whole.array > 0)
    assert 0.05 < gone.mean() < 0.5
    np.testing.assert_array_equal(values[~gone], whole.array[~gone])
    brain = drawn().brain_mask
    assert not (gone & (brain.array > 0)).mean() > 1e-4
    for field in ("descrip", "aux_file", "db_name", "intent_name", "data_type"):
        assert not bytes(exported.header[field]).strip(b"\0")
    assert not exported.header.extensions


def test_a_series_that_does_not_look_like_a_t1w_is_refused_and_the_next_is_taken_and_told(told):
    out, done = told
    assert "taken: series 1" in done.stderr
    assert "series 2 was tried first" in done.stderr
    assert "Series 2 was tried first" in (out / "brain.html").read_text()


def test_all_of_it_is_for_the_person_alone(told):
    for path in (told[0], *told[0].rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path.name


def test_the_same_command_again_processes_nothing_and_tells_the_same(told, stick):
    out, _ = told
    before = {path: path.stat().st_mtime_ns for path in (out / "shards").rglob("*.parquet")}
    command = [sys.executable, "-m", "allbrains", "scan", str(stick[0]), "--out", str(out)]
    done = subprocess.run([*command, "--recipe", str(QUICK)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert {path: path.stat().st_mtime_ns for path in (out / "shards").rglob("*.parquet")} == before
    assert "Series 2 was tried first" in (out / "brain.html").read_text()


def test_the_page_and_the_surface_are_there(told):
    text = (told[0] / "brain.html").read_text()
    assert "woman, 34 years" in text
    assert "No centile: No corpus was given" in text
    assert len((told[0] / "brain.stl").read_bytes()) > 100_000


def test_another_scan_is_not_put_into_the_same_folder(told, tmp_path):
    other = phantom(4, Acquisition(spacing=(3.0, 3.0, 3.0))).t1w
    image = nibabel.Nifti1Image(other.array.astype(np.int16), other.affine)
    nibabel.save(image, tmp_path / "T1w.nii.gz")
    command = [sys.executable, "-m", "allbrains", "scan", str(tmp_path / "T1w.nii.gz"), "--out", str(told[0])]
    done = subprocess.run([*command, "--recipe", str(QUICK)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 2
    assert "holds another scan" in done.stderr


def test_two_people_are_refused_and_not_named(tmp_path):
    block = Volume(array=np.ones((54, 56, 58), np.uint16), affine=np.diag([2.0, 2.0, 2.0, 1.0]))
    for number, name in enumerate((f"{CANARY}^Jane", f"{CANARY}^John"), 1):
        tags = {**T1W, "PatientName": name, "PatientID": str(number)}
        write_series(tmp_path / str(number), block, Making(number=number, tags=tags))
    command = [sys.executable, "-m", "allbrains", "scan", str(tmp_path), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert "2 people" in done.stderr
    assert "folder of their own" in done.stderr
    assert CANARY not in done.stdout + done.stderr
    assert not (tmp_path / "out").exists()


def test_a_niftis_own_texts_stay_behind(tmp_path):
    from allbrains.dicom.clean import write_clean_image

    image = nibabel.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.diag([2.0, 3.0, 4.0, 1.0]))
    for field in ("descrip", "aux_file", "db_name", "intent_name"):
        image.header[field] = CANARY
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", CANARY.encode()))
    nibabel.save(image, tmp_path / "in.nii.gz")
    volume = write_clean_image(tmp_path / "in.nii.gz", tmp_path / "out.nii")
    data = (tmp_path / "out.nii").read_bytes()
    assert CANARY.encode() not in data
    assert CANARY.encode() in zlib.decompress((tmp_path / "in.nii.gz").read_bytes(), 47)
    back = nibabel.load(tmp_path / "out.nii")
    np.testing.assert_array_equal(np.asarray(back.dataobj), volume.array)
    np.testing.assert_allclose(back.affine, image.affine)
