"""Ids carry digests; and which files of a listing are kept."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allbrains.records import Algorithm, Digest
from allbrains.sources.snapshot import annex_size, digest_of, matters

MD5, SHA256, SHA1 = "4608ffbd6b78ce3a325eb338fa556589", "ab" * 32, "9033cfb3fffc6cd7fc6678ff17eddba7acb2fcd0"


@pytest.mark.parametrize(
    ("file_id", "algorithm", "hexdigest"),
    [
        (f"MD5E-s5663237--{MD5}.nii.gz", Algorithm.MD5, MD5),
        (f"MD5-s5663237--{MD5}", Algorithm.MD5, MD5),
        (f"SHA256E-s25166176--{SHA256}.nii", Algorithm.SHA256, SHA256),
        (f"SHA256E-s25166176-m1580000000--{SHA256}.nii", Algorithm.SHA256, SHA256),
        (SHA1, Algorithm.GIT_SHA1, SHA1),
    ],
)
def test_known_ids(file_id, algorithm, hexdigest):
    assert digest_of(file_id) == Digest(algorithm=algorithm, hexdigest=hexdigest)


@pytest.mark.parametrize(
    "file_id",
    [
        "",
        f"SHA1E-s5--{SHA1}.nii",
        f"MD5E-s5--{SHA256}.nii",
        f"SHA256E-s5--{MD5}.nii",
        f"URL-s5--http&c%%host%{MD5}",
        f"MD5E-s5--{MD5}.nii/../x",
        SHA1[:-1],
        SHA1.upper(),
        f"{SHA1}\n",
    ],
)
def test_unknown_ids(file_id):
    assert digest_of(file_id) is None


@settings(deadline=None)
@given(size=st.integers(0, 10**12), extension=st.sampled_from(["", ".nii", ".nii.gz", ".json"]))
def test_a_key_holds_its_size(size, extension):
    assert annex_size(f"MD5E-s{size}--{MD5}{extension}") == size


@settings(deadline=None)
@given(st.text())
def test_no_text_is_too_odd(text):
    digest_of(text), annex_size(text), matters(text)


@pytest.mark.parametrize(
    "path",
    [
        "participants.tsv",
        "README",
        "task-rest_bold.json",
        "sub-01/sub-01_sessions.tsv",
        "sub-01/anat/sub-01_T1w.json",
        "sub-01/ses-1/anat/sub-01_ses-1_acq-x_run-1_T1w.nii",
        "sub-01/anat/._sub-01_T1w.nii.gz",
        "derivatives/x/sub-01/anat/sub-01_desc-y_T1w.nii.gz",
        "phenotype/demographics.tsv",
    ],
)
def test_kept(path):
    assert matters(path)


@pytest.mark.parametrize(
    "path", ["sub-01/func/sub-01_bold.nii.gz", "sub-01/anat/sub-01_T1map.nii.gz", "code/a.py"]
)
def test_counted_only(path):
    assert not matters(path)
