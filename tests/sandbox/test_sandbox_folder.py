"""What a folder gives away, and what it must keep."""

import os
import shutil
from urllib.parse import quote

import pytest
from sandbox_requests import ask, fetch

from allbrains import sandbox
from allbrains.errors import ConfigurationError
from allbrains.sandbox.archive import NotServed, is_annexed, listing_order
from allbrains.sandbox.folder_archive import FolderArchive


@pytest.fixture
def treacherous(root, tmp_path):
    """Secrets inside and outside of the folder, and every way to them that we could think of."""
    outside = tmp_path / "outside"
    (outside / "sub-9").mkdir(parents=True)
    (outside / "secret.txt").write_bytes(b"hush!")
    (outside / "sub-9/secret.txt").write_bytes(b"hush!")
    home = root / "ds000011"
    (home / ".git/annex/objects/aa").mkdir(parents=True)
    (home / ".git/config").write_bytes(b"hush!")
    (home / ".env").write_bytes(b"hush!")
    (home / "sub-01/.hidden").mkdir()
    (home / "sub-01/.hidden/file.txt").write_bytes(b"hush!")
    (home / "sub-01/._sub-01_T1w.nii.gz").write_bytes(b"hush!")
    (home / "out.txt").symlink_to(outside / "secret.txt")
    (home / "up.txt").symlink_to("../../outside/secret.txt")
    (home / "twice.txt").symlink_to("out.txt")
    (home / "config.txt").symlink_to(".git/config")
    (home / "note.txt").symlink_to("../no dataset/notes.txt")
    (home / "sub-out").symlink_to(outside)
    (home / "sub-in").symlink_to("sub-01")
    (home / "loop").symlink_to("loop")
    (home / "dangling.txt").symlink_to("nothing")
    (root / "ds000099").symlink_to(outside)
    (root / ".hidden").symlink_to(outside)
    os.mkfifo(home / "pipe.txt")
    (home / "in.txt").symlink_to("CHANGES")
    (home / ".git/annex/objects/aa/MD5E-s6--x.txt").write_bytes(b"annexe")
    (home / "sub-01/annexed.txt").symlink_to("../.git/annex/objects/aa/MD5E-s6--x.txt")
    return root


def test_links_count_as_the_files_inside_that_they_name(treacherous):
    archive = FolderArchive(treacherous)
    assert archive.datasets() == ("ds000011", "phantoms")
    served = {file.path: file.size for file in archive.files("ds000011")}
    added = {"in.txt": 57, "sub-01/annexed.txt": 6, "note.txt": 7}
    assert served.items() >= {"sub-01/annexed.txt": 6}.items()
    assert added.keys() & served.keys() == added.keys()
    assert len(served) == 8 + len(added)


@pytest.mark.parametrize("dataset", ["ds000099", ".hidden", "no dataset", "..", "", "ds000011/sub-01"])
def test_what_is_no_dataset_here_is_not_one_by_name_either(treacherous, dataset):
    with pytest.raises(NotServed):
        FolderArchive(treacherous).files(dataset)


def test_what_is_not_listed_cannot_be_fetched(treacherous):
    archive = FolderArchive(treacherous)
    with sandbox.serve(archive) as server:
        for dataset in archive.datasets():
            listed = {file.path for file in archive.files(dataset)}
            home = treacherous / dataset
            there = [
                os.path.relpath(os.path.join(folder, name), home)
                for folder, folders, names in os.walk(home, followlinks=True)
                for name in names + folders
            ]
            assert len(there) > len(listed)
            for path in there:
                answer = fetch(f"{server.bucket}/{dataset}/{quote(path)}")
                assert (answer.status == 200) == (path in listed), path
                assert b"hush!" not in answer.body


ESCAPES = [
    "ds000011/../../outside/secret.txt",
    "ds000011/%2e%2e/%2e%2e/outside/secret.txt",
    "ds000011/..%2f..%2foutside/secret.txt",
    "ds000011//CHANGES",
    "ds000011/./CHANGES",
    "ds000011/sub-01/../CHANGES",
    "ds000011/CHANGES/",
    "ds000011/CHANGES%00",
    "ds000011/CHANGES/x",
    "../outside/secret.txt",
    "%2e%2e/outside/secret.txt",
    "%2e%2e%2foutside%2fsecret.txt",
    "ds000099/secret.txt",
    ".hidden/secret.txt",
    "./ds000011/CHANGES",
    "no dataset/notes.txt",
    "/etc/passwd",
    "ds000011/" + "x" * 5000,
    "ds000011/%ff",
]


def test_no_path_leads_out(treacherous):
    with sandbox.serve(treacherous) as server:
        base = server.api.removesuffix("graphql")
        of_snapshot = f"{base}datasets/ds000011/snapshots/2.0.1/files/"
        for path in (path.replace(" ", "%20") for path in ESCAPES):
            for url in (
                f"{server.bucket}/{path}",
                f"{base}datasets/{path}",
                of_snapshot + path.replace("/", ":"),
            ):
                answer = fetch(url)
                assert answer.status in {400, 404}, url
                assert b"hush!" not in answer.body
            answer = ask(server, "query ($d: ID!) {dataset(id: $d) {id}}", d=path)
            assert answer.json["data"]["dataset"] is None


def test_a_name_that_is_not_text_is_passed_over(root):
    archive = FolderArchive(root)
    before = archive.files("phantoms")
    with open(os.fsencode(root / "phantoms") + b"/caf\xe9.txt", "wb"):
        pass
    assert archive.files("phantoms") == before


def test_a_content_is_hashed_once_until_it_changes(root):
    reads = []

    class Counting(FolderArchive):
        def read(self, dataset, path, start, stop):
            reads.append(path)
            return super().read(dataset, path, start, stop)

    archive = Counting(root)
    file = archive.find("ds000011", "CHANGES")
    first = archive.digests("ds000011", file)
    assert archive.digests("ds000011", file) == first
    assert reads == ["CHANGES"]
    (root / "ds000011/CHANGES").write_bytes(b"3.0.0")
    changed = archive.digests("ds000011", archive.find("ds000011", "CHANGES"))
    assert changed != first
    assert reads == ["CHANGES"] * 2


def test_find_and_files_agree(root):
    archive = FolderArchive(root)
    for dataset in archive.datasets():
        files = archive.files(dataset)
        assert tuple(archive.find(dataset, file.path) for file in files) == files
        assert sorted(files, key=lambda file: listing_order(file.path)) == list(files)


@pytest.mark.parametrize(
    ("path", "size", "annexed"),
    [
        ("a.nii.gz", 1, True),
        ("a.nii", 1, True),
        ("a.tsv", 1_000_000, False),
        ("a.tsv", 1_000_001, True),
        ("a.nii.json", 1, False),
    ],
)
def test_which_files_are_annexed(path, size, annexed):
    assert is_annexed(path, size) is annexed


def test_a_folder_without_a_dataset_is_refused(root, tmp_path):
    with pytest.raises(ConfigurationError, match="not a folder"):
        FolderArchive(tmp_path / "none")
    shutil.rmtree(root / "ds000011")
    shutil.rmtree(root / "phantoms")
    with pytest.raises(ConfigurationError, match="no BIDS dataset"):
        FolderArchive(root)
