"""Archives: bounded by size, ratio, number, names and disk; and named as what they are where not opened."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections import namedtuple

import numpy as np
import pytest

from allbrains.dicom.archives import members
from allbrains.dicom.budget import Budget
from allbrains.dicom.collect_files import open_files
from allbrains.dicom.examine import examine
from allbrains.dicom.refusal import Refusal, Unsuitable
from allbrains.dicom.sniff import UNOPENED, FileKind
from allbrains.records import Volume
from allbrains.testing.dicom_series import Making, write_series

CANARY = "Kanarienvogel"
DICOM = bytes(128) + b"DICM"


def sector(size, mark, sector_header=0):
    disc = bytearray(size * 20 + 4096)
    at = 16 * size + sector_header + 1
    disc[at : at + len(mark)] = mark
    return bytes(disc)


STARTS = {
    "iso": (sector(2048, b"CD001"), FileKind.DISC),
    "raw sectors": (sector(2352, b"CD001", 16), FileKind.DISC),
    "raw sectors of the second form": (sector(2352, b"CD001", 24), FileKind.DISC),
    "udf": (sector(2048, b"BEA01"), FileKind.DISC),
    "udf alone": (bytes(17 * 2048 + 1) + b"NSR02" + bytes(9000), FileKind.DISC),
    "dmg": (bytes(70_000) + b"koly" + bytes(508), FileKind.APPLE_DISC),
    "7z": (b"7z\xbc\xaf'\x1c\0\4" + bytes(900), FileKind.SEVEN_ZIP),
    "rar 5": (b"Rar!\x1a\7\1\0" + bytes(900), FileKind.RAR),
    "rar 4": (b"Rar!\x1a\7\0" + bytes(900), FileKind.RAR),
    "zst": (b"\x28\xb5\x2f\xfd" + bytes(900), FileKind.ZSTANDARD),
    "zst after a skippable frame": (b"\x54\x2a\x4d\x18" + bytes(900), FileKind.ZSTANDARD),
    "lz4": (b"\x04\x22\x4d\x18" + bytes(900), FileKind.LZ4),
    "lzip": (b"LZIP\1" + bytes(900), FileKind.LZIP),
    "cab": (b"MSCF\0\0\0\0" + bytes(900), FileKind.CABINET),
    "Z": (b"\x1f\x9d\x90" + bytes(900), FileKind.COMPRESS),
    "lha": (b"\x20\x10-lh5-" + bytes(900), FileKind.LHA),
    "arj": (b"\x60\xea" + bytes(900), FileKind.ARJ),
    "cpio": (b"070701" + bytes(900), FileKind.CPIO),
    "a part of a zip": (b"PK\7\x08" + bytes(900), FileKind.SPLIT_ZIP),
}


def zip_of(named):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in named:
            archive.writestr(name, data)
    return buffer.getvalue()


def tar_of(named, form=tarfile.PAX_FORMAT):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, data in named:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def test_each_kind_that_is_not_opened_is_tried_here():
    assert {kind for _, kind in STARTS.values()} == UNOPENED


@pytest.mark.parametrize("how", STARTS)
@pytest.mark.parametrize("inside", [False, True])
def test_what_is_not_opened_is_named_as_what_it_is(how, inside, tmp_path):
    data, kind = STARTS[how]
    if inside and kind is FileKind.APPLE_DISC:
        inside = False  # its mark is at its end, which a stream has not yet
    (tmp_path / f"{CANARY}.bin").write_bytes(zip_of([("disc", data)]) if inside else data)
    with pytest.raises(Unsuitable) as caught:
        examine(tmp_path / f"{CANARY}.bin", tmp_path / "work")
    assert kind.value in caught.value.sentence
    assert caught.value.refusal in (Refusal.UNKNOWN_ARCHIVE, Refusal.DISC_IMAGE)
    assert "7-Zip" in caught.value.next_step
    assert CANARY not in str(caught.value)


def test_beside_images_it_is_a_note(tmp_path):
    block = Volume(array=np.zeros((8, 8, 6), np.uint16), affine=np.diag([2.0, 2.0, 2.0, 1.0]))
    write_series(tmp_path / "in", block, Making())
    (tmp_path / "in" / "x.rar").write_bytes(STARTS["rar 5"][0])
    found = examine(tmp_path / "in", tmp_path / "work")
    assert len(found.candidates) == 1
    assert any("RAR" in note for note in found.notes)


def opened(data, tmp_path, budget=None):
    (tmp_path / "work").mkdir()
    (tmp_path / "given").write_bytes(data)
    return open_files(tmp_path / "given", tmp_path / "work", budget)


def refused(data, tmp_path, budget=None):
    with pytest.raises(Unsuitable) as caught:
        opened(data, tmp_path, budget)
    return caught.value.refusal


@pytest.mark.parametrize("layers", [1, 2])
def test_what_unpacks_to_a_hundred_times_its_size_is_a_bomb(layers, tmp_path):
    data = DICOM + bytes(160_000_000)
    for _ in range(layers):
        data = zip_of([("a", data)])
    assert len(data) < 500_000
    assert refused(data, tmp_path) is Refusal.TOO_MUCH
    assert sum(path.stat().st_size for path in (tmp_path / "work").iterdir()) < 160_000_000


def test_what_images_are_packed_to_passes(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, 3_000_000, dtype=np.uint8).tobytes()
    assert len(opened(zip_of([("a", DICOM + noise + bytes(100_000_000))]), tmp_path).dicom) == 1


def test_a_disk_that_gets_full_ends_it(tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(10**12, 10**12, 10**8))
    assert refused(zip_of([("a", DICOM)]), tmp_path) is Refusal.NO_ROOM
    assert not list((tmp_path / "work").iterdir()) or (tmp_path / "work" / "000001").stat().st_size < 2000


def test_a_table_of_contents_is_bounded_before_it_is_read(tmp_path):
    data = zip_of([(str(k), b"") for k in range(70_000)])  # more than 16 bits count: a zip64
    assert refused(data, tmp_path, Budget(files_left=60_000)) is Refusal.TOO_MUCH


def test_numbers_of_files_are_never_used_twice(tmp_path):
    inner = zip_of([(str(k), DICOM + bytes([k])) for k in range(50)])
    found = opened(zip_of([("a", inner), ("b", inner), ("c", DICOM)]), tmp_path)
    assert len(set(found.dicom)) == 101
    assert {path.stat().st_size for path in found.dicom} == {132, 133}


LONG = f"{'d/' * 90}sub-01_{'x' * 60}_T1w.nii"


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT])
def test_tar_files_of_each_form_are_read_with_their_long_names(form, tmp_path):
    name = LONG if form != tarfile.USTAR_FORMAT else "d/sub-01_T1w.nii"
    payloads = [(name, b"a" * 1000), ("b", b""), ("c", b"c" * 512)]
    (tmp_path / "a.tar").write_bytes(tar_of(payloads, form))
    found = [(m.name, m.stream.read(5000)) for m in members(tmp_path / "a.tar", FileKind.TAR, Budget(), "a")]
    assert [data for _, data in found] == [data for _, data in payloads]
    assert found[0][0].endswith("_T1w.nii")


def test_a_name_of_a_gigabyte_takes_no_memory(tmp_path):
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1 << 30
    (tmp_path / "a.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(2000))
    with pytest.raises(Unsuitable) as caught:
        list(members(tmp_path / "a.tar", FileKind.TAR, Budget(), "a"))
    assert caught.value.refusal is Refusal.DAMAGED_ARCHIVE


@pytest.mark.parametrize("at", [3, 100, 150])
def test_a_damaged_header_of_a_tar_is_damage(at, tmp_path):
    data = bytearray(tar_of([("a", DICOM), ("b", DICOM)], tarfile.USTAR_FORMAT))
    data[1024 + at] ^= 0x15
    assert refused(bytes(data), tmp_path) is Refusal.DAMAGED_ARCHIVE
