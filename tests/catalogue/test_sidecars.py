"""The inheritance principle, and what sidecars say of an acquisition."""

import json

import pytest

from allbrains import tables
from allbrains.catalogue.acquisition import parse, row
from allbrains.catalogue.crawl import crawl
from allbrains.catalogue.licences import spdx
from allbrains.catalogue.read_dataset import Wanted
from allbrains.catalogue.sidecars import Sidecars, merged
from allbrains.records import Algorithm, Digest, Scan
from allbrains.sources.bids_folder import BidsFolder


def scan(path, suffix="T1w"):
    name = path.rpartition("/")[2].partition(".")[0]
    entities = tuple(tuple(part.split("-", 1)) for part in name.split("_")[:-1])
    return Scan(
        dataset="ds000001",
        snapshot="1.0.0",
        path=path,
        subject=entities[0][1],
        session="",
        suffix=suffix,
        entities=entities,
        size=1,
        digest=Digest(algorithm=Algorithm.MD5, hexdigest="0" * 32),
        urls=(),
    )


IMAGE = "sub-01/ses-a/anat/sub-01_ses-a_acq-high_run-1_T1w.nii.gz"


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["T1w.json"], ["T1w.json"]),
        (["acq-high_T1w.json", "T1w.json"], ["acq-high_T1w.json"]),  # the more specific one of a folder
        (["acq-low_T1w.json"], []),
        (["T2w.json", "bold.json", "participants.json", "dataset_description.json"], []),
        (["sub-01/sub-01_T1w.json"], ["sub-01/sub-01_T1w.json"]),
        (["sub-02/sub-02_T1w.json", "sub-02/ses-a/anat/sub-02_ses-a_acq-high_run-1_T1w.json"], []),
        (["sub-01/ses-b/anat/sub-01_T1w.json"], []),
        (
            ["T1w.json", IMAGE.replace("nii.gz", "json"), "sub-01/ses-a/sub-01_ses-a_T1w.json"],
            ["T1w.json", "sub-01/ses-a/sub-01_ses-a_T1w.json", IMAGE.replace("nii.gz", "json")],
        ),
        (["sub-01/ses-a/anat/._sub-01_ses-a_acq-high_run-1_T1w.json"], []),
    ],
)
def test_which_files_describe_an_image(paths, expected):
    assert Sidecars(paths, ["T1w"]).of(scan(IMAGE)) == tuple(expected)


def test_the_nearer_one_overrides():
    assert merged([{"a": 1, "b": 1}, {"b": 2}]) == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("field", "written", "column", "expected"),
    [
        ("MagneticFieldStrength", 3, "field_strength_t", 3.0),
        ("MagneticFieldStrength", "1.5", "field_strength_t", 1.5),
        ("MagneticFieldStrength", 30000, "field_strength_t", 3.0),  # gauss
        ("MagneticFieldStrength", 0, "field_strength_t", None),
        ("RepetitionTime", 2.3, "repetition_time_s", 2.3),
        ("RepetitionTime", 2300, "repetition_time_s", 2.3),  # ms
        ("EchoTime", 0.00298, "echo_time_s", 0.00298),
        ("EchoTime", 2.98, "echo_time_s", 0.00298),
        ("EchoTime", [0.003], "echo_time_s", 0.003),
        ("EchoTime", [0.001, 0.003], "echo_time_s", None),  # several echoes: no one value
        ("InversionTime", 900, "inversion_time_s", 0.9),
        ("FlipAngle", 9, "flip_angle_deg", 9.0),
        ("FlipAngle", 4000, "flip_angle_deg", None),
        ("FlipAngle", True, "flip_angle_deg", None),
        ("FlipAngle", "nine", "flip_angle_deg", None),
        ("Manufacturer", "SIEMENS", "manufacturer", "Siemens"),
        ("Manufacturer", "GE MEDICAL SYSTEMS", "manufacturer", "GE"),
        ("Manufacturer", "Philips Healthcare", "manufacturer", "Philips"),
        ("Manufacturer", "Esaote", "manufacturer", "Esaote"),
        ("Manufacturer", "n/a", "manufacturer", None),
        ("ManufacturersModelName", " Prisma_fit ", "scanner_model", "Prisma_fit"),
    ],
)
def test_columns(field, written, column, expected):
    found = row({field: written})
    assert found[column] == pytest.approx(expected)
    assert found.keys() == set(tables.ACQUISITION.names)
    assert [name for name, value in found.items() if value is not None] == [column] * (expected is not None)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"nul", b"[" * 100_000])
def test_a_broken_sidecar_is_called_so(content):
    with pytest.raises(ValueError, match="expected a JSON object"):
        parse(content)


BROKEN = [b"", b'[{"MagneticFieldStrength": 3}]', b"{", b"3", b'{"MagneticFieldStrength": 3} and more']


def unreadable(found) -> list[str]:
    rows = found.exclusions.to_pylist()
    return [row["path"] for row in rows if row["reason"] == "text_unreadable"]


@pytest.mark.parametrize("content", BROKEN)
def test_what_a_broken_sidecar_may_override_is_unknown_and_a_row_says_so(content, tmp_path):
    for subject in ("01", "02"):
        (tmp_path / f"sub-{subject}/anat").mkdir(parents=True)
        (tmp_path / f"sub-{subject}/anat/sub-{subject}_T1w.nii").write_bytes(subject.encode() * 10_000)
    (tmp_path / "T1w.json").write_text(json.dumps({"MagneticFieldStrength": 1.5, "Manufacturer": "GE"}))
    (tmp_path / "sub-01/sub-01_T1w.json").write_bytes(content)
    (tmp_path / "sub-01/anat/sub-01_T1w.json").write_text(json.dumps({"EchoTime": 0.003}))
    found = crawl(BidsFolder(tmp_path), wanted=Wanted(sidecars=True))
    assert found.scans["field_strength_t"].to_pylist() == [None, 1.5]
    assert found.scans["manufacturer"].to_pylist() == [None, "GE"]
    assert found.scans["echo_time_s"].to_pylist() == [0.003, None]
    assert unreadable(found) == ["sub-01/sub-01_T1w.json"]
    assert unreadable(crawl(BidsFolder(tmp_path))) == []  # nobody asked for sidecars


@pytest.mark.parametrize("content", BROKEN)
def test_a_broken_description_is_a_row_and_the_scans_are_there(content, tmp_path):
    (tmp_path / "sub-01/anat").mkdir(parents=True)
    (tmp_path / "sub-01/anat/sub-01_T1w.nii").write_bytes(bytes(10_000))
    (tmp_path / "dataset_description.json").write_bytes(content)
    found = crawl(BidsFolder(tmp_path))
    assert found.scans.num_rows == 1
    assert unreadable(found) == ["dataset_description.json"]


def test_a_byte_order_mark_is_no_trouble():
    assert parse(b'\xef\xbb\xbf{"EchoTime": 1}') == {"EchoTime": 1}


def test_sidecars_are_read_when_they_are_asked_for(tmp_path):
    for subject in ("01", "02"):
        anat = tmp_path / f"sub-{subject}/anat"
        anat.mkdir(parents=True)
        (anat / f"sub-{subject}_T1w.nii").write_bytes(subject.encode() * 10_000)
    (tmp_path / "T1w.json").write_text(json.dumps({"MagneticFieldStrength": 3, "Manufacturer": "Siemens"}))
    (tmp_path / "sub-02/anat/sub-02_T1w.json").write_text(json.dumps({"MagneticFieldStrength": 7}))
    found = crawl(BidsFolder(tmp_path), wanted=Wanted(sidecars=True)).scans
    assert found["field_strength_t"].to_pylist() == [3.0, 7.0]
    assert found["manufacturer"].to_pylist() == ["Siemens", "Siemens"]
    assert found["sidecars"].to_pylist() == [["T1w.json"], ["T1w.json", "sub-02/anat/sub-02_T1w.json"]]
    without = crawl(BidsFolder(tmp_path)).scans
    assert without["field_strength_t"].null_count == 2
    assert without["sidecars"] == found["sidecars"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("CC0", "CC0-1.0"),
        ("CCO", "CC0-1.0"),
        ("CC0 1.0 Universal", "CC0-1.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("PDDL", "PDDL-1.0"),
        ("Public Domain Dedication and License v1.0", "PDDL-1.0"),
        ("CC BY 4.0", "CC-BY-4.0"),
        ("CC-BY-NC-4.0", "CC-BY-NC-4.0"),
        ("http://creativecommons.org/licenses/by-nc-sa/3.0/", "CC-BY-NC-SA-3.0"),
        ("CC BY-NC", ""),  # no version, no identifier
        ("Not Specified", ""),
        ("n/a", ""),
        ("", ""),
    ],
)
def test_licences(written, expected):
    assert spdx(written) == expected
