"""Two small datasets with every kind of file, and a running sandbox on them."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from allbrains import sandbox

# a machine that does something else meanwhile is no failure
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

LARGE = 1_000_001  # bytes: one more than git keeps


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def make(root: Path) -> Path:
    old, new = root / "ds000011", root / "phantoms"
    description = {"Name": "Old", "BIDSVersion": "1.0.0", "Authors": ["A", "B"], "Funding": "someone"}
    write(old / "dataset_description.json", json.dumps(description).encode())
    write(old / "CHANGES", b"1.0.0 2011-10-06\n\n  - first\n\n2.0.1 2016-10-27\n\n  - second\n")
    write(old / "README", "Über alles\n".encode())
    write(old / "participants.tsv", b"participant_id\tage\tsex\nsub-01\t35\tM\nsub-02\t89+\tF\n")
    write(old / "sub-01/anat/sub-01_T1w.nii.gz", gzip.compress(b"one", mtime=0))
    write(old / "sub-02/anat/sub-02_T1w.nii", b"two, not compressed")
    write(old / "sub-02/func/sub-02_task-rest_bold.nii.gz", gzip.compress(b"bold", mtime=0))
    write(old / "sub-02/a b+c/sub-02_x#y.txt", b"odd name")
    write(new / "sub-x/ses-1/anat/sub-x_ses-1_T1w.nii.gz", gzip.compress(b"three", mtime=0))
    write(new / "large.tsv", b"x" * LARGE)
    write(new / "latin1.tsv", b"caf\xe9\n")
    write(root / "no dataset/notes.txt", b"private")
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make(tmp_path / "root")


@pytest.fixture
def server(root: Path) -> Iterator[sandbox.Sandbox]:
    with sandbox.serve(root) as running:
        yield running


@pytest.fixture(scope="session")
def steady_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that no test changes."""
    return make(tmp_path_factory.mktemp("steady") / "root")


@pytest.fixture(scope="session")
def steady(steady_root: Path) -> Iterator[sandbox.Sandbox]:
    """A sandbox that all tests share."""
    with sandbox.serve(steady_root) as running:
        yield running
