"""Laws of the datasets: the same bytes from the same seed, valid BIDS names, and what is broken is broken."""

import gzip
import hashlib
import json
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from allbrains import bids
from allbrains.errors import Reason
from allbrains.testing.broken import BROKEN, write_bad_inputs
from allbrains.testing.datasets import gzipped, write_demo, write_scan
from allbrains.testing.phantoms import Acquisition, phantom


def digests(folder: Path) -> dict[str, str]:
    return {
        str(p.relative_to(folder)): hashlib.md5(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("demo")
    write_demo(root)
    return root


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Reason]]:
    folder = tmp_path_factory.mktemp("bad") / "ds900009"
    return folder, dict(write_bad_inputs(folder))


def test_the_demo_holds_the_five_scans_that_it_promises(demo: Path):
    scans = sorted(str(p.relative_to(demo)) for p in demo.rglob("*.nii*"))
    assert scans == [
        "ds900001/sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz",
        "ds900001/sub-01/ses-b/anat/sub-01_ses-b_T1w.nii.gz",
        "ds900002/sub-01/anat/sub-01_T1w.nii",
        "ds900002/sub-02/anat/sub-02_T1w.nii.gz",
        "ds900002/sub-03/anat/sub-03_T1w.nii.gz",
    ]
    for name in scans:
        assert (demo / name).stat().st_size > 100_000, name
        assert str(bids.parse(name)) == name
        assert (demo / (name.partition(".")[0] + ".json")).is_file()
    odd = nib.load(demo / scans[3])
    assert odd.header.get_zooms() == pytest.approx((3, 3, 3))
    assert nib.aff2axcodes(odd.affine) == ("P", "I", "L")
    assert np.abs(odd.affine[:3, :3]).min(axis=0).max() < 3 < np.abs(odd.affine[:3, :3]).sum(axis=0).max()


def test_a_file_says_in_the_world_where_its_voxels_are(tmp_path: Path):
    volume = phantom(1, Acquisition(spacing=(4.0, 4.0, 4.0), orientation="PSR", oblique_deg=9.0)).t1w
    write_scan(tmp_path / "sub-1_T1w.nii.gz", volume)
    image = nib.load(tmp_path / "sub-1_T1w.nii.gz")
    assert image.affine == pytest.approx(volume.affine, abs=1e-4)
    assert image.get_qform() == pytest.approx(volume.affine, abs=1e-3)
    assert np.abs(image.get_fdata() - volume.array).max() <= 0.5
    assert image.get_data_dtype() == np.int16


def test_tables_name_exactly_the_subjects_that_there_are(demo: Path):
    for dataset in sorted(demo.iterdir()):
        header, *rows = (dataset / "participants.tsv").read_text().splitlines()
        assert header.split("\t") == ["participant_id", "age", "sex"]
        assert [row.split("\t")[0] for row in rows] == sorted(p.name for p in dataset.glob("sub-*"))
        description = json.loads((dataset / "dataset_description.json").read_text())
        assert description["License"] == "CC0"
        assert {p.name for p in dataset.iterdir()} >= {"README", "CHANGES", "participants.json"}


def test_the_same_seed_writes_the_same_bytes(bad: tuple[Path, dict[str, Reason]], tmp_path: Path):
    write_bad_inputs(tmp_path / "again")
    assert digests(tmp_path / "again") == digests(bad[0])


def test_gzip_carries_neither_name_nor_time():
    data = gzipped(b"brain")
    assert gzip.decompress(data) == b"brain"
    flags, seconds = data[3], data[4:8]
    assert (flags, seconds) == (0, bytes(4))


def test_one_bad_scan_for_each_kind_and_one_good(bad: tuple[Path, dict[str, Reason]]):
    folder, reasons = bad
    scans = {str(p.relative_to(folder)) for p in folder.rglob("*.nii*")}
    assert scans - set(reasons) == {"sub-good/anat/sub-good_T1w.nii.gz"}
    assert set(reasons) <= scans
    assert len(reasons) == len(BROKEN)
    small = {name for name in scans if (folder / name).stat().st_size < 100_000}
    assert small == {"sub-empty/anat/sub-empty_T1w.nii.gz"}


def test_what_is_truncated_or_corrupt_can_not_be_read_to_its_end(bad: tuple[Path, dict[str, Reason]]):
    folder, reasons = bad
    for name, reason in reasons.items():
        path = folder / name
        if name.startswith("sub-junk/"):
            image = nib.load(path)
            whole = image.dataobj.offset + np.prod(image.shape) * image.get_data_dtype().itemsize
            assert len(gzip.decompress(path.read_bytes())) > whole + (64 << 10)
        elif reason in (Reason.TRUNCATED, Reason.CORRUPT) and path.suffix == ".gz" and path.stat().st_size:
            with pytest.raises((EOFError, OSError, zlib.error)):
                gzip.decompress(path.read_bytes())
        elif reason in (Reason.TRUNCATED, Reason.CORRUPT) and path.stat().st_size:
            with pytest.raises(OSError, match="Expected"):
                np.asarray(nib.load(path).dataobj)


def test_the_other_broken_scans_are_broken_as_they_say(bad: tuple[Path, dict[str, Reason]]):
    folder, reasons = bad
    loaded = {name: nib.load(folder / name) for name, why in reasons.items() if why in LOADABLE}
    assert {reasons[name] for name in loaded} == set(LOADABLE)
    for name, image in loaded.items():
        assert LOADABLE[reasons[name]](image), name


def test_the_good_one_is_good(bad: tuple[Path, dict[str, Reason]]):
    image = nib.load(bad[0] / "sub-good/anat/sub-good_T1w.nii.gz")
    assert image.shape == (64, 80, 80)
    assert np.isfinite(image.get_fdata()).all()
    assert image.get_fdata().std() > 50


def pixels(image: nib.Nifti1Image) -> np.ndarray:
    return np.asarray(image.dataobj)


LOADABLE = {
    Reason.TOO_LARGE: lambda image: np.prod(image.shape, dtype=float) > 1e13,
    Reason.NOT_3D: lambda image: len(image.shape) != 3 or min(image.shape) == 1,
    Reason.COMPLEX_OR_RGB: lambda image: image.get_data_dtype().kind in "cV",
    Reason.BAD_AFFINE: lambda image: np.linalg.det(image.affine) == 0,
    Reason.NON_FINITE: lambda image: np.isnan(pixels(image)).all(),
    Reason.CONSTANT: lambda image: pixels(image).min() == pixels(image).max(),
}
