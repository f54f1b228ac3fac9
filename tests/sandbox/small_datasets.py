"""Two small datasets with every kind of file, and a folder that is none."""

import gzip
import json
from pathlib import Path

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
