"""Datasets on this machine."""

import hashlib
import json

import pytest

from allbrains.errors import ConfigurationError
from allbrains.records import Algorithm
from allbrains.sources.bids_folder import BidsFolder
from allbrains.sources.snapshot import Exclusion
from allbrains.sources.which_files import scans_in
from allbrains.transfer import Client, Network, fetch, file_root

IMAGE = b"not really an image" * 1000
MD5 = hashlib.md5(IMAGE).hexdigest()


def put(root, path, content=IMAGE):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def annex(root, path, content=IMAGE, present=True):
    """A file as git-annex leaves it: a link to its content, which may not be there."""
    key = f"SHA256E-s{len(content)}--{hashlib.sha256(content).hexdigest()}.nii.gz"
    store = f".git/annex/objects/xx/yy/{key}/{key}"
    if present:
        put(root, store, content)
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.symlink_to("../" * path.count("/") + store)


def read(folder, **options):
    source = BidsFolder(folder, **options)
    return {s.dataset: scans_in(source.listing(s)) for s in source.snapshots().snapshots}


def test_a_dataset_and_a_folder_of_datasets_give_the_same(tmp_path):
    put(tmp_path, "ds1/sub-01/anat/sub-01_T1w.nii.gz")
    put(tmp_path, "ds2/sub-01/ses-a/anat/sub-01_ses-a_T1w.nii")
    put(tmp_path, "notes/readme.txt")
    both = read(tmp_path)
    assert both == read(tmp_path / "ds1") | read(tmp_path / "ds2")
    assert both["ds2"] == read(tmp_path, datasets=("ds2",))["ds2"]
    (scan,) = both["ds1"][0]
    assert (scan.dataset, scan.subject, scan.size) == ("ds1", "01", len(IMAGE))
    assert scan.digest.hexdigest == MD5


def test_scans_are_fetched_through_the_same_check(tmp_path):
    put(tmp_path, "ds1/sub-01/anat/sub-01_T1w.nii.gz")
    annex(tmp_path / "ds1", "sub-02/anat/sub-02_T1w.nii.gz", b"annexed" * 5000)
    client = Client(Network(origins=(), roots=(file_root(tmp_path),)))
    for scan in read(tmp_path)["ds1"][0]:
        target = tmp_path / scan.scan_id
        fetch(scan.urls, size=scan.size, digest=scan.digest, target=target, client=client)
        assert target.read_bytes() == (tmp_path / "ds1" / scan.path).read_bytes()


def test_the_annex_says_the_digest(tmp_path):
    annex(tmp_path, "sub-01/anat/sub-01_T1w.nii.gz")
    (scan,) = next(iter(read(tmp_path).values()))[0]
    assert scan.digest.algorithm is Algorithm.SHA256
    assert scan.digest.hexdigest == hashlib.sha256(IMAGE).hexdigest()


def test_a_pointer_without_content_is_a_row(tmp_path):
    annex(tmp_path, "sub-01/anat/sub-01_T1w.nii.gz", present=False)
    put(tmp_path, "sub-02/anat/sub-02_T1w.nii.gz", b"/annex/objects/SHA256E-s1--ab.nii.gz\n")
    ((scans, excluded),) = read(tmp_path).values()
    assert scans == ()
    assert [row.reason for row in excluded] == [Exclusion.NOT_FETCHED] * 2
    assert "SHA256E-s19000--" in excluded[0].evidence


def test_a_linked_folder_is_read_once_and_a_ring_is_no_trap(tmp_path):
    put(tmp_path, "elsewhere/anat/sub-01_T1w.nii.gz")
    (tmp_path / "ds").mkdir()
    (tmp_path / "ds/sub-01").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/ring").symlink_to(tmp_path / "ds")
    ((scans, _),) = read(tmp_path / "ds").values()
    assert [scan.path for scan in scans] == ["sub-01/anat/sub-01_T1w.nii.gz"]


def test_what_the_dataset_says_of_itself(tmp_path):
    described = {"Name": "Ä", "License": "CC0", "DatasetDOI": "10.1/x", "Authors": ["A", "B"]}
    for encoding in ("utf-8-sig", "latin-1", "utf-16"):
        text = json.dumps(described, ensure_ascii=False)
        put(tmp_path, "dataset_description.json", text.encode(encoding))
        (snapshot,) = BidsFolder(tmp_path).snapshots().snapshots
        assert (snapshot.name, snapshot.license, snapshot.doi, snapshot.authors) == (
            "Ä",
            "CC0",
            "10.1/x",
            ("A", "B"),
        )
    for odd in (b"{", b"[]", b'{"Name": 3, "Authors": "A"}', b"\xff"):
        put(tmp_path, "dataset_description.json", odd)
        (snapshot,) = BidsFolder(tmp_path).snapshots().snapshots
        assert (snapshot.name, snapshot.authors) == ("", ())


def test_wrong_folders_are_configuration_errors(tmp_path):
    with pytest.raises(ConfigurationError, match="no BIDS dataset"):
        BidsFolder(tmp_path)
    put(tmp_path, "ds 1/sub-01/anat/sub-01_T1w.nii.gz")
    assert list(read(tmp_path)) == ["ds_1"]
    with pytest.raises(ConfigurationError, match=r"ds2 not in .* there are: ds_1"):
        BidsFolder(tmp_path, datasets=("ds2",))
    put(tmp_path, "ds_1/sub-01/anat/sub-01_T1w.nii.gz")
    with pytest.raises(ConfigurationError, match="one name"):
        BidsFolder(tmp_path)
