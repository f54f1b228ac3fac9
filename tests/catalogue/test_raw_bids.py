"""A BIDS folder of raw scans: whole, verified, resumed, and nothing beside it."""

import errno
import json
import os

import pytest

from allbrains import sandbox
from allbrains.catalogue.crawl import crawl
from allbrains.catalogue.dataset_rows import snapshot_of
from allbrains.catalogue.place import place
from allbrains.catalogue.raw_bids import Status, companions, description, download, only
from allbrains.errors import NoSpace
from allbrains.records import Scan
from allbrains.sources.openneuro import Endpoints
from allbrains.sources.snapshot import Entry, Snapshot, digest_of
from allbrains.tables import scans_of
from allbrains.transfer import Client
from tests.catalogue.test_crawl import put

IMAGE = "sub-01/anat/sub-01_T1w.nii.gz"


@pytest.fixture
def archive(tmp_path):
    root = tmp_path / "archive"
    name = "ds000001"
    put(root, f"{name}/dataset_description.json", b'{"Name": "N", "BIDSVersion": "1.8.0"}')
    put(root, f"{name}/CHANGES", b"1.0.0 2020-01-01\n - first\n")
    put(root, f"{name}/README", b"Some people.\n")
    put(root, f"{name}/T1w.json", b'{"MagneticFieldStrength": 3}')
    put(root, f"{name}/T2w.json", b"{}")
    put(root, f"{name}/participants.tsv", b"participant_id\tage\nsub-01\t31\nsub-02\t32\nsub-03\t33")
    put(root, f"{name}/participants.json", b'{"age": {"Units": "years"}}')
    put(root, f"{name}/task-rest_bold.json", b"{}")
    put(root, f"{name}/derivatives/x/sub-01/anat/sub-01_T1w.nii.gz", b"d" * 10_000)
    for number in (1, 2, 3):
        base = f"{name}/sub-0{number}"
        put(root, f"{base}/anat/sub-0{number}_T1w.nii.gz", f"{number}".encode() * 10_000)
        put(root, f"{base}/anat/sub-0{number}_T1w.json", json.dumps({"n": number}).encode())
        put(root, f"{base}/sub-0{number}_sessions.tsv", b"session_id\tage\nses-a\t31\n")
        put(root, f"{base}/sub-0{number}_scans.tsv", b"filename\n")
    put(root, "ds000002/sub-a/anat/sub-a_T1w.nii", b"a" * 10_000)
    return root


def run(server, archive, out, choose=lambda scan: True):
    ends = Endpoints(api=server.api, bucket=server.bucket)
    there = place(endpoints=ends, bids=None, datasets=(), cache=out.parent / "cache")
    found = crawl(there.source)
    snapshots = {row["dataset"]: snapshot_of(row) for row in found.datasets.to_pylist()}
    scans = [scan for scan in scans_of(found.scans) if choose(scan)]
    client = Client(there.network)
    delivered = list(download(scans, snapshots, there.source, client, out))
    client.close()
    return {one.path: one for one in delivered}


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_chosen_scans_with_what_belongs_to_them(archive, tmp_path):
    with sandbox.serve(archive) as server:
        delivered = run(server, archive, tmp_path / "out", lambda scan: scan.subject in ("01", "02"))
    there = files(tmp_path / "out")
    assert delivered.keys() == there.keys()
    assert {one.status for one in delivered.values()} == {Status.WRITTEN}
    top = (
        "CHANGES",
        "README",
        "T1w.json",
        "dataset_description.json",
        "participants.json",
        "participants.tsv",
    )
    expected = {f"ds000001/{name}" for name in top}
    for number in ("01", "02"):
        base = f"ds000001/sub-{number}/"
        expected |= {base + f"anat/sub-{number}_T1w.nii.gz", base + f"anat/sub-{number}_T1w.json"}
        expected.add(base + f"sub-{number}_sessions.tsv")
    assert there.keys() == expected
    assert there.pop("ds000001/participants.tsv") == b"participant_id\tage\nsub-01\t31\nsub-02\t32\n"
    for path, content in there.items():
        assert content == (archive / path).read_bytes()


def test_a_dataset_without_a_description_gets_one(archive, tmp_path):
    with sandbox.serve(archive) as server:
        run(server, archive, tmp_path / "out", lambda scan: scan.dataset == "ds000002")
    made = json.loads((tmp_path / "out/ds000002/dataset_description.json").read_text())
    assert made["BIDSVersion"]
    assert made["Name"] == "ds000002"


def test_the_second_call_fetches_nothing_and_mends_what_was_damaged(archive, tmp_path):
    with sandbox.serve(archive) as server:
        run(server, archive, tmp_path / "out")
        first = files(tmp_path / "out")
        target = tmp_path / "out/ds000001" / IMAGE
        target.write_bytes(b"9" * target.stat().st_size)
        (tmp_path / "out/ds000001/README").write_bytes(b"")
        server.requests.clear()
        run(server, archive, tmp_path / "out")
        assert files(tmp_path / "out") == first
        assert server.requests.of("s3.get") == {f"ds000001/{IMAGE}": 1}


def test_one_request_a_file(archive, tmp_path):
    with sandbox.serve(archive) as server:
        run(server, archive, tmp_path / "out")
        assert set(server.requests.of("s3.get").values()) == {1}
        assert server.requests.total("s3.head") == server.requests.total("objects") == 0


@pytest.mark.parametrize("fault", ["wrong-bytes:1", "s3-missing:1"])
def test_a_file_that_can_not_be_had_is_a_line_and_no_file(archive, tmp_path, fault):
    with sandbox.serve(archive, switches=[fault, "objects-empty:1"]) as server:
        delivered = run(server, archive, tmp_path / "out")
    bad = {path for path, one in delivered.items() if one.status is not Status.WRITTEN}
    assert f"ds000001/{IMAGE}" in bad
    assert all(delivered[path].detail for path in bad)
    there = files(tmp_path / "out")
    assert there.keys().isdisjoint(bad)
    assert delivered["ds000001/dataset_description.json"].detail.startswith("made up")
    assert not any(path.endswith(".part") for path in there)


@pytest.mark.parametrize(
    "path",
    [
        "sub-01/../../../evil/anat/sub-01_T1w.nii",
        "sub-01//anat/x_T1w.nii",
        "sub-01/anat/sub-01_acq-\x1b_T1w.nii",
        "sub-01/anat/" + "x" * 300,
        "sub-01/an:at/x",
        "sub-01/a\\b",
    ],
)
def test_a_server_does_not_choose_where_files_go(tmp_path, path):
    digest = digest_of("4" * 40)
    scan = Scan(
        dataset="ds000001",
        snapshot="1.0.0",
        path=path,
        subject="01",
        session="",
        suffix="T1w",
        entities=(),
        size=1,
        digest=digest,
        urls=("https://s3.amazonaws.com/openneuro.org/x",),
    )
    (tmp_path / "bids/sub-01").mkdir(parents=True)
    source = place(endpoints=Endpoints(), bids=tmp_path / "bids", datasets=(), cache=tmp_path).source
    snapshots = {"ds000001": Snapshot(dataset="bids", tag="1")}
    delivered = list(download([scan], snapshots, source, Client(), tmp_path / "out"))
    assert delivered[-1].status is Status.REJECTED
    assert files(tmp_path / "out").keys() <= {"bids/dataset_description.json"}


def test_companions_are_of_the_chosen_subjects_only():
    def entry(path):
        return Entry(path=path, size=1, digest=None, urls=())

    paths = ["README", "README.md", "phenotype/a.tsv", "sub-1/README", "sub-12/sub-12_sessions.tsv"]
    paths += ["sub-1/sub-1_scans.tsv", "sub-1/sub-1_sessions.tsv"]
    scan = Scan(
        dataset="d",
        snapshot="1",
        path="sub-1/anat/sub-1_T1w.nii",
        subject="1",
        session="",
        suffix="T1w",
        entities=(("sub", "1"),),
        size=1,
        digest=digest_of("4" * 40),
        urls=(),
    )
    found = [one.path for one in companions([entry(path) for path in paths], [scan])]
    assert found == ["README", "README.md", "sub-1/sub-1_sessions.tsv"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"participant_id\tage\nsub-1\t3\nsub-2\t4\n", b"participant_id\tage\nsub-1\t3\n"),
        (
            b"\xef\xbb\xbfparticipant_id\tage\r\nsub-1\t3\r\n1\t9\r\n",
            b"\xef\xbb\xbfparticipant_id\tage\r\nsub-1\t3\r\n1\t9\r\n",
        ),
        (b"age\tparticipant_id\n3\tsub-2\n", b"age\tparticipant_id\n3\tsub-2\n"),
        (b"", b""),
    ],
)
def test_participants_keep_the_lines_of_the_chosen(content, expected):
    assert only(content, {"1"}) == expected


def test_a_made_description_says_what_is_known():
    made = json.loads(
        description(Snapshot(dataset="d", tag="1", name="N", license="CC0", authors=("A",), doi="D"))
    )
    assert made.items() >= {"Name": "N", "License": "CC0", "DatasetDOI": "D"}.items()
    assert made["Authors"] == ["A"]


@pytest.mark.parametrize("from_size", [0, 5000])  # bytes: of any file, of an image
def test_a_full_disk_ends_it_and_the_next_call_goes_on(archive, tmp_path, monkeypatch, from_size):
    def full(handle):
        if os.fstat(handle).st_size >= from_size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    out = tmp_path / "out"
    with sandbox.serve(archive) as server:
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            with pytest.raises(NoSpace, match="no space left"):
                run(server, archive, out)
        assert not [path for path in files(out) if path.endswith((".nii", ".nii.gz"))]
        assert {one.status for one in run(server, archive, out).values()} == {Status.WRITTEN}
    assert not list(out.rglob("*.part"))


def test_a_second_choice_keeps_the_people_of_the_first(archive, tmp_path):
    out = tmp_path / "out"
    with sandbox.serve(archive) as server:
        run(server, archive, out, lambda scan: scan.subject == "01")
        run(server, archive, out, lambda scan: scan.subject == "02")
    lines = (out / "ds000001/participants.tsv").read_text().splitlines()
    assert lines == ["participant_id\tage", "sub-01\t31", "sub-02\t32"]
