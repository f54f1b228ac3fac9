"""Folders, archives and discs: whatever is in them, nothing is written outside our own folder."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import os
import tarfile
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allbrains.dicom.budget import Budget
from allbrains.dicom.collect_files import open_files
from allbrains.dicom.examine import examine
from allbrains.dicom.medium import listed
from allbrains.dicom.refusal import Refusal, Unsuitable
from allbrains.dicom.sniff import FileKind, kind_of
from allbrains.errors import ConfigurationError
from allbrains.records import Volume
from allbrains.testing.dicom_series import Making, write_series


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    block = Volume(array=np.zeros((8, 8, 6), np.uint16), affine=affine)
    return write_series(tmp_path_factory.mktemp("series"), block)


def tar_of(files, mode="w"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for number, file in enumerate(files):
            tar.add(file, f"../../../tmp/escaped/{number}")
    return buffer.getvalue()


def zip_of(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return buffer.getvalue()


def packings(files):
    plain = [(f"../../{n}", file.read_bytes()) for n, file in enumerate(files)]
    yield "zip", zip_of(plain)
    yield "tar", tar_of(files)
    yield "tar.xz", tar_of(files, "w:xz")
    yield "tar.gz", tar_of(files, "w:gz")
    yield "tar.bz2", bz2.compress(tar_of(files))
    yield "tar in zip", zip_of([("inner", tar_of(files, "w:gz"))])


def opened(data, tmp_path, **options):
    (tmp_path / "work").mkdir()
    (tmp_path / "given").write_bytes(data)
    return open_files(tmp_path / "given", tmp_path / "work", **options)


@pytest.mark.parametrize("how", range(6))
def test_every_packing_gives_the_same_files_inside_our_folder(how, series, tmp_path):
    name, data = list(packings(series))[how]
    found = opened(data, tmp_path)
    assert sorted(p.read_bytes() for p in found.dicom) == sorted(p.read_bytes() for p in series), name
    assert {path.parent for path in found.dicom} == {tmp_path / "work"}
    assert sorted(os.listdir(tmp_path)) == ["given", "work"]


def test_links_and_devices_in_archives_are_passed_over(series, tmp_path):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for kind, target in (
            (tarfile.SYMTYPE, "/etc/passwd"),
            (tarfile.LNKTYPE, "/etc/passwd"),
            (tarfile.FIFOTYPE, ""),
        ):
            info = tarfile.TarInfo("a link")
            info.type, info.linkname = kind, target
            tar.addfile(info)
        tar.add(series[0], "good")
    found = opened(buffer.getvalue(), tmp_path)
    assert [p.read_bytes() for p in found.dicom] == [series[0].read_bytes()]
    assert not any(p.is_symlink() for p in (tmp_path / "work").iterdir())


def test_a_link_in_a_zip_is_no_file(series, tmp_path):
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    found = opened(zip_of([(info, b"/etc/passwd"), ("x", series[0].read_bytes())]), tmp_path)
    assert len(found.dicom) == 1
    assert not found.others


@pytest.mark.parametrize("pack", ["zip", "tar", "gzip"])
def test_a_bomb_is_stopped_by_what_it_unpacks_to(pack, tmp_path):
    big = bytes(128) + b"DICM" + bytes(30_000_000)
    if pack == "zip":
        data = zip_of([("bomb", big)])
    elif pack == "tar":
        (tmp_path / "big").write_bytes(big)
        data = tar_of([tmp_path / "big"], "w:gz")
    else:
        data = gzip.compress(big)
    assert len(data) < 100_000
    with pytest.raises(Unsuitable) as caught:
        opened(data, tmp_path, budget=Budget(bytes_left=3_000_000))
    assert caught.value.refusal is Refusal.TOO_MUCH
    assert sum(p.stat().st_size for p in (tmp_path / "work").iterdir()) <= 4_000_000


def test_too_many_members_are_too_much(tmp_path):
    with pytest.raises(Unsuitable) as caught:
        opened(zip_of([(str(n), b"x") for n in range(20)]), tmp_path, budget=Budget(files_left=10))
    assert caught.value.refusal is Refusal.TOO_MUCH


def test_archives_in_archives_end_somewhere(series, tmp_path):
    data = series[0].read_bytes()
    for _ in range(10):
        data = zip_of([("inner", data)])
    assert opened(data, tmp_path).others[FileKind.ZIP] == 1


@pytest.mark.parametrize("cut", [0.3, 0.7])
def test_a_cut_archive_is_refused_and_names_nothing(cut, series, tmp_path):
    data = zip_of([(f"DOE^JANE/{n}", p.read_bytes()) for n, p in enumerate(series)])
    broken = tar_of(series, "w:gz")
    for number, whole in enumerate((data, broken)):
        (tmp_path / str(number)).mkdir()
        with pytest.raises(Unsuitable) as caught:
            opened(whole[: int(len(whole) * cut)], tmp_path / str(number))
        assert caught.value.refusal in (Refusal.DAMAGED_ARCHIVE,)
        assert "DOE" not in str(caught.value)


def test_a_wrong_checksum_is_damage(series, tmp_path):
    data = bytearray(zip_of([("x", bytes(128) + b"DICM" + os.urandom(5000))]))
    data[3000] ^= 1
    with pytest.raises(Unsuitable) as caught:
        opened(bytes(data), tmp_path)
    assert caught.value.refusal is Refusal.DAMAGED_ARCHIVE


def test_pictures_alone_are_refused_by_name(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(b"\xff\xd8\xff\xe0" + bytes(700))
    with pytest.raises(Unsuitable) as caught:
        examine(tmp_path, tmp_path / "work")
    assert caught.value.refusal is Refusal.PICTURES
    assert "ask the centre for the DICOM files" in str(caught.value)


def test_nothing_at_all_is_said_so(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(Unsuitable) as caught:
        examine(tmp_path, tmp_path / "work")
    assert caught.value.refusal is Refusal.NOTHING
    with pytest.raises(ConfigurationError):
        examine(tmp_path / "absent", tmp_path / "work2")


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")  # `..` is what an attacker writes
def test_a_disc_gives_what_its_table_of_contents_lists_and_nothing_outside(series, tmp_path):
    disc = tmp_path / "disc"
    (disc / "images").mkdir(parents=True)
    outside = tmp_path / "outside"
    outside.write_bytes(series[0].read_bytes())
    for number, file in enumerate(series):
        (disc / "images" / f"im{number}").write_bytes(file.read_bytes())
    write_dicomdir(disc / "DICOMDIR", [["IMAGES", f"IM{n}"] for n in range(4)] + [["..", "OUTSIDE"]])
    found = listed(disc / "DICOMDIR")
    assert [path.name for path in found] == ["im0", "im1", "im2", "im3"]
    (tmp_path / "work").mkdir()
    assert len(open_files(disc / "DICOMDIR", tmp_path / "work").dicom) == 4
    # the folder itself gives all six, and the DICOMDIR is no image
    assert sum(len(c.series.planes) for c in examine(disc, tmp_path / "w").candidates) == len(series)


def write_dicomdir(path, names):
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.sequence import Sequence

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.1.3.10", "1.2.3"
    meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    dataset = Dataset()
    dataset.file_meta = meta
    records = []
    for name in names:
        record = Dataset()
        record.DirectoryRecordType, record.ReferencedFileID = "IMAGE", name
        records.append(record)
    dataset.DirectoryRecordSequence = Sequence(records)
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)


def test_files_without_preamble_are_dicom(tmp_path):
    block = Volume(array=np.zeros((8, 8, 3), np.uint16), affine=np.diag([2.0, 2.0, 2.0, 1.0]))
    write_series(tmp_path / "a", block, Making(bare=True, suffix=""))
    (one,) = examine(tmp_path / "a", tmp_path / "work").candidates
    assert len(one.series.planes) == 3


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=700))
def test_no_bytes_make_the_sniffer_or_the_reader_stumble(tmp_path_factory, data):
    kind_of(data)
    folder = tmp_path_factory.mktemp("any")
    (folder / "file").write_bytes(bytes(128) + b"DICM" + data)
    with contextlib.suppress(Unsuitable):
        examine(folder, folder / "work")
