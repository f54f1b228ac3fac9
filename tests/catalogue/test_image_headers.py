"""The first few kB of a file say what the whole file says, cost one short request, and are read once."""

import gzip
import json

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allbrains import sandbox, tables
from allbrains.catalogue import image_headers
from allbrains.catalogue.image_headers import OUTAGE, START_BYTES, Book, Header, parse
from allbrains.catalogue.place import place
from allbrains.catalogue.survey import survey
from allbrains.errors import ScanUnusable, SourceError, TransientError
from allbrains.images.image_file import read_image
from allbrains.records import Algorithm, Digest, Scan
from allbrains.sources.openneuro import Endpoints
from allbrains.sources.snapshot import Exclusion
from allbrains.testing.broken import write_bad_inputs
from allbrains.transfer.http_client import Refused
from tests.sources.fake_openneuro import FakeOpenNeuro


def image(shape=(20, 24, 16), spacing=(1.0, 0.5, 2.0), axes="RAS", dtype=np.int16, kind=nibabel.Nifti1Image):
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -10, 5, 7
    array = np.random.default_rng(0).integers(0, 200, shape).astype(dtype)
    made = kind(array, affine)
    target = nibabel.orientations.axcodes2ornt(axes)
    start = nibabel.orientations.axcodes2ornt("RAS")
    return made.as_reoriented(nibabel.orientations.ornt_transform(start, target))


@pytest.mark.parametrize("axes", ["RAS", "LPI", "PSR"])
@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("zipped", [True, False])
def test_the_start_says_what_nibabel_says_of_the_whole(axes, kind, zipped):
    made = image(axes=axes, kind=kind)
    data = gzip.compress(made.to_bytes()) if zipped else made.to_bytes()
    found = parse(data[:START_BYTES])
    spacing = tuple(round(float(edge), 3) for edge in made.header.get_zooms())
    assert (found.header, found.header_detail) == ("ok", None)
    assert (found.shape_x, found.shape_y, found.shape_z) == made.shape
    assert (found.spacing_x, found.spacing_y, found.spacing_z) == spacing
    assert (found.spacing_min, found.spacing_max) == (0.5, 2.0)
    assert (found.fov_min, found.fov_max) == (12.0, 32.0)
    assert (found.orientation, found.voxel_type, found.frames) == (axes, "int16", 1)


def test_a_4d_image_is_called_one():
    found = parse(image(shape=(20, 24, 16, 5)).to_bytes()[:START_BYTES])
    assert (found.header, found.frames, found.shape_z) == ("not_3d", 5, 16)


def reason_of(path):
    try:
        read_image(path)
    except ScanUnusable as error:
        return error.reason
    return "ok"


def test_a_header_that_is_not_ok_is_one_that_a_build_rejects_for_the_same_reason(tmp_path):
    write_bad_inputs(tmp_path)
    told = set()
    for path in sorted(tmp_path.glob("sub-*/anat/*")):
        found = parse(path.read_bytes()[:START_BYTES])
        # what is wrong may lie further inside than the header
        assert found.header in ("ok", reason_of(path)), path
        told.add(found.header)
    assert len(told - {"ok"}) >= 4


START = image().to_bytes()[:352]


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=700), zipped=st.booleans(), header=st.booleans())
def test_any_bytes_give_a_header_or_a_reason(data, zipped, header):
    mixed = bytes(a ^ b for a, b in zip(START, data.ljust(352, b"\0"), strict=False)) if header else data
    found = parse(gzip.compress(mixed) if zipped else mixed)
    assert found.header == "ok" or found.header_detail


def scan(number, content=b""):
    path = f"sub-{number}/anat/sub-{number}_T1w.nii"
    return Scan(
        dataset="ds000001",
        snapshot="1.0.0",
        path=path,
        subject=str(number),
        session="",
        suffix="T1w",
        entities=(("sub", str(number)),),
        size=10**6,
        digest=Digest(algorithm=Algorithm.MD5, hexdigest=f"{number:032x}"),
        urls=(f"https://s3.amazonaws.com/openneuro.org/ds000001/{path}",),
    )


def left(scans, book):
    return list(tables.scans_of(image_headers.unknown(tables.scans_table(scans), book)))


@pytest.fixture
def fake():
    return FakeOpenNeuro({})


def test_the_book_outlives_a_kill(tmp_path, fake):
    scans = [scan(number) for number in range(5)]
    data = image().to_bytes()
    fake.objects = {one.key: data for one in scans}
    book = Book(tmp_path / "headers.jsonl")
    assert image_headers.read(left(scans, book), book, fake) == ()
    content = (tmp_path / "headers.jsonl").read_bytes()
    for cut in (1, 40, len(content) // 2, len(content) - 1):
        (tmp_path / "headers.jsonl").write_bytes(content[:cut])
        again = Book(tmp_path / "headers.jsonl")
        missing = left(scans, again)
        assert len(missing) == 5 - content[: cut + 1].count(b"\n")
        image_headers.read(missing, again, fake)
        assert left(scans, Book(tmp_path / "headers.jsonl")) == []
        for one in scans:
            assert Book(tmp_path / "headers.jsonl").find(str(one.digest)) == book.find(str(one.digest))


def test_the_same_bytes_are_asked_for_once(tmp_path):
    book = Book(tmp_path / "headers.jsonl")
    assert len(left([scan(1), scan(1), scan(2)], book)) == 2
    book.add(str(scan(1).digest), Header(header="ok"))
    assert left([scan(1), scan(2)], book) == [scan(2)]


def test_headers_that_can_not_be_had_are_rows(tmp_path, fake):
    scans = [scan(number) for number in range(3)]
    fake.objects = {
        scans[0].key: image().to_bytes(),
        scans[1].key: Refused("403"),
        scans[2].key: TransientError("503"),
    }
    rows = image_headers.read(scans, Book(tmp_path / "book"), fake)
    assert [(row.path, row.reason) for row in rows] == [
        (scans[1].path, Exclusion.HEADER_UNAVAILABLE),
        (scans[2].path, Exclusion.HEADER_FAILED),
    ]


def test_an_outage_stops_and_keeps_what_was_read(tmp_path, fake):
    scans = [scan(number) for number in range(OUTAGE + 20)]
    fake.objects = {one.key: TransientError("503") for one in scans} | {scans[0].key: image().to_bytes()}
    with pytest.raises(SourceError, match="stopped answering"):
        image_headers.read(scans, Book(tmp_path / "book"), fake)
    assert len(left(scans, Book(tmp_path / "book"))) == len(scans) - 1


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    root = tmp_path_factory.mktemp("archive")
    for number, (size, edge) in enumerate([(60, 1.0), (60, 3.0), (40, 1.0)], 1):
        target = root / f"ds000001/sub-{number}/anat/sub-{number}_T1w.nii.gz"
        target.parent.mkdir(parents=True)
        made = image(shape=(size,) * 3, spacing=(edge,) * 3)
        target.write_bytes(gzip.compress(made.to_bytes(), compresslevel=1))
    (root / "ds000001/dataset_description.json").write_text(json.dumps({"Name": "N"}))
    return root


def test_scans_are_chosen_by_their_headers_before_an_image_is_fetched(archive, tmp_path):
    from allbrains.catalogue import catalogue

    with sandbox.serve(archive) as server:
        ends = Endpoints(api=server.api, bucket=server.bucket)
        there = place(endpoints=ends, bids=None, datasets=(), cache=tmp_path)
        without = survey(there, tmp_path)
        assert (without.unread_headers, without.header_bytes) == (3, 3 * START_BYTES)
        assert without.found.scans["header"].to_pylist() == [None] * 3
        server.requests.clear()
        found = survey(there, tmp_path, with_headers=True).found
        images = {key: n for key, n in server.requests.of("s3.get").items() if key.endswith(".nii.gz")}
        assert sorted(images.values()) == [1, 1, 1]
        chosen = catalogue.select(found, where="spacing_max < 1.5 AND fov_min > 50")
        assert [one.subject for one in tables.scans_of(chosen)] == ["1"]
        server.requests.clear()
        again = survey(there, tmp_path)  # what is known is joined without asking
        assert (again.found, again.unread_headers) == (found, 0)
        assert server.requests.total("s3.get") == 0


def test_a_folder_has_headers_too(archive, tmp_path):
    there = place(endpoints=Endpoints(), bids=archive, datasets=(), cache=tmp_path)
    found = survey(there, tmp_path, with_headers=True).found
    assert found.scans["shape_x"].to_pylist() == [60, 60, 40]
    assert found.missing == []
