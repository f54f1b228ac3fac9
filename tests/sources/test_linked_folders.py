"""Links change nothing: a dataset that is linked together has the scans of its copy without links."""

import hashlib
import os
import shutil
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest

from allbrains.catalogue.crawl import crawl
from allbrains.sources.bids_folder import BidsFolder


@pytest.fixture
def dataset(tmp_path) -> Path:
    root = tmp_path / "plain" / "study"
    for subject in ("01", "02", "03"):
        for session in ("a", "b"):
            name = f"sub-{subject}_ses-{session}"
            anat = root / f"sub-{subject}/ses-{session}/anat"
            anat.mkdir(parents=True)
            (anat / f"{name}_T1w.nii").write_bytes(name.encode() * 2000)
            (anat / f"{name}_T1w.json").write_text("{}")
    (root / "dataset_description.json").write_text('{"Name": "x"}')
    (root / "participants.tsv").write_text("participant_id\tage\nsub-01\t20\nsub-02\t30\nsub-03\t40\n")
    return root


def moved(root: Path, inside: str, elsewhere: str) -> None:
    """Move a folder or file of the dataset, and leave a relative link in its place."""
    here, there = root / inside, root / elsewhere
    there.parent.mkdir(parents=True, exist_ok=True)
    here.rename(there)
    here.symlink_to(os.path.relpath(there, here.parent))


def datalad(root: Path) -> None:
    for number, file in enumerate(sorted(root.rglob("*.nii"))):
        if file.is_symlink():
            continue
        data = file.read_bytes()
        key = f"MD5E-s{len(data)}--{hashlib.md5(data, usedforsecurity=False).hexdigest()}.nii"
        moved(root, str(file.relative_to(root)), f".git/annex/objects/{number}/{key}/{key}")


def from_sourcedata(root: Path) -> None:
    moved(root, "sub-01", "sourcedata/site-A/sub-01")


def from_elsewhere(root: Path) -> None:
    moved(root, "sub-02/ses-a/anat", "../elsewhere/anat")


def shown_in_derivatives(root: Path) -> None:
    for folder, subject in (("derivatives/qc", "sub-03"), ("code", "sub-02"), ("a", "sub-01")):
        (root / folder).mkdir(parents=True)
        (root / folder / subject).symlink_to(os.path.relpath(root / subject, root / folder))


def subject_of_derivatives(root: Path) -> None:
    moved(root, "sub-03", "derivatives/converted/sub-03")


def hard_links(root: Path) -> None:
    (root / "derivatives").mkdir(exist_ok=True)
    for file in sorted(root.glob("sub-*/ses-b/anat/*.nii")):
        os.link(file, root / "derivatives" / file.name)


WAYS: list[Callable[[Path], None]] = [
    from_sourcedata,
    from_elsewhere,
    shown_in_derivatives,
    hard_links,
    datalad,  # last: its links are relative
]


def scans(root: Path) -> list[tuple[object, ...]]:
    table = crawl(BidsFolder(root)).scans
    return list(
        zip(*(table[name].to_pylist() for name in ("path", "size", "digest", "age_years")), strict=True)
    )


@pytest.mark.parametrize(
    "ways", [*((way,) for way in [*WAYS, subject_of_derivatives]), *combinations(WAYS, 2)]
)
def test_a_linked_dataset_has_the_scans_of_its_copy_without_links(ways, dataset, tmp_path):
    before = scans(dataset)
    assert len(before) == 6
    for way in ways:
        way(dataset)
    copy = tmp_path / "copy" / "study"
    shutil.copytree(dataset, copy, symlinks=False)
    assert not [path for path in copy.rglob("*") if path.is_symlink()]
    assert scans(dataset) == scans(copy) == before


def test_a_ring_of_links_ends_and_loses_nothing(dataset):
    before = scans(dataset)
    (dataset / "derivatives").mkdir()
    (dataset / "derivatives/all").symlink_to("..")
    (dataset / "sub-01/ses-a/up").symlink_to("../..")
    (dataset / "sub-02/self").symlink_to(".")
    assert scans(dataset) == before
