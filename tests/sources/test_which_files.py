"""Each file that looks like a scan is a scan or a row that says why not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allbrains import bids, tables
from allbrains.records import Algorithm, Digest
from allbrains.sources.snapshot import Entry, Excluded, Exclusion, Listing, Route, Snapshot
from allbrains.sources.which_files import MIN_BYTES, scans_in

DIGEST = Digest(algorithm=Algorithm.MD5, hexdigest="0" * 32)
SNAPSHOT = Snapshot(dataset="ds000011", tag="1.0.0")


def listing(*paths, size=10**6, digest=DIGEST, excluded=()):
    entries = tuple(Entry(path=path, size=size, digest=digest, urls=(f"https://x/{path}",)) for path in paths)
    return Listing(
        snapshot=SNAPSHOT, entries=entries, files=len(entries), route=Route.RECURSIVE, excluded=excluded
    )


def reasons(*paths, **changes):
    scans, excluded = scans_in(listing(*paths, **changes))
    assert scans == ()
    return [row.reason for row in excluded]


@pytest.mark.parametrize(
    ("path", "session", "entities"),
    [
        ("sub-01/anat/sub-01_T1w.nii.gz", "", "sub-01"),
        ("sub-01/anat/sub-01_T1w.nii", "", "sub-01"),
        ("sub-EBE0002/anat/sub-EBE0002_acq-highres_T1w.nii.gz", "", "sub-EBE0002_acq-highres"),
        ("sub-01/ses-mri/anat/sub-01_ses-mri_run-01_T1w.nii.gz", "mri", "sub-01_ses-mri_run-01"),
        ("sub-01/ses-1/anat/sub-01_ses-1_rec-norm_part-mag_T1w.nii", "1", "sub-01_ses-1_rec-norm_part-mag"),
        ("sub-01/anat/sub-01_run-1_acq-odd_T1w.nii", "", "sub-01_run-1_acq-odd"),  # order kept as written
    ],
)
def test_scans(path, session, entities):
    scans, excluded = scans_in(listing(path))
    assert excluded == ()
    (scan,) = scans
    assert (scan.dataset, scan.snapshot, scan.path) == ("ds000011", "1.0.0", path)
    assert (scan.session, scan.suffix, scan.digest, scan.size) == (session, "T1w", DIGEST, 10**6)
    assert "_".join(map("-".join, scan.entities)) == entities
    assert scan.urls == (f"https://x/{path}",)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("sub-001/anat/._sub-001_T1w.nii.gz", Exclusion.APPLE_DOUBLE),
        ("derivatives/fmriprep/sub-01/anat/sub-01_desc-preproc_T1w.nii.gz", Exclusion.DERIVATIVE),
        ("sub-01/derivatives/anat/sub-01_T1w.nii.gz", Exclusion.DERIVATIVE),
        ("sourcedata/sub-01/anat/sub-01_T1w.nii.gz", Exclusion.SOURCE_DATA),
        ("code/tests/sub-01_T1w.nii.gz", Exclusion.CODE),
        ("sub-01_T1w.nii.gz", Exclusion.OUTSIDE_SUBJECT),
        ("phantoms/sub-01/anat/sub-01_T1w.nii.gz", Exclusion.OUTSIDE_SUBJECT),
        ("sub-301/anat/anat/sub-301_T1w.nii", Exclusion.WRONG_FOLDER),
        ("sub-01/sub-01_T1w.nii", Exclusion.WRONG_FOLDER),
        ("sub-01/ses-1/sub-01_ses-1_T1w.nii", Exclusion.WRONG_FOLDER),
        ("sub-01/ses-1/ses-2/anat/sub-01_ses-1_T1w.nii", Exclusion.WRONG_FOLDER),
        ("sub-01/func/sub-01_T1w.nii", Exclusion.WRONG_FOLDER),
        ("sub-011/fmap/sub-036_T1w.nii.gz", Exclusion.WRONG_FOLDER),
        ("sub-011/anat/sub-036_T1w.nii.gz", Exclusion.WRONG_SUBJECT),
        ("sub-01/anat/sub-1_T1w.nii.gz", Exclusion.WRONG_SUBJECT),  # labels are text
        ("sub-01/ses-1/anat/sub-01_ses-2_T1w.nii.gz", Exclusion.WRONG_SESSION),
        ("sub-01/ses-1/anat/sub-01_T1w.nii.gz", Exclusion.WRONG_SESSION),
        ("sub-01/anat/sub-01_ses-1_T1w.nii.gz", Exclusion.WRONG_SESSION),
        ("sub-01/anat/sub-01_mprage_T1w.nii.gz", Exclusion.NOT_BIDS),
    ],
)
def test_what_only_looks_like_one(path, reason):
    assert reasons(path) == [reason]


def test_the_evidence_is_the_sources_own_word():
    _, (row,) = scans_in(listing("sub-011/anat/sub-036_T1w.nii.gz"))
    assert row.evidence == "sub-036 in sub-011/"


def test_without_bytes_or_digest_there_is_nothing_to_process():
    path = "sub-01/anat/sub-01_T1w.nii.gz"
    assert reasons(path, size=MIN_BYTES - 1) == [Exclusion.TINY]
    assert reasons(path, digest=None) == [Exclusion.NO_DIGEST]


def test_other_suffixes_only_when_asked_for():
    paths = ("sub-01/anat/sub-01_T1w.nii", "sub-01/anat/sub-01_UNIT1.nii", "sub-01/anat/sub-01_T1w.json")
    assert [scan.suffix for scan in scans_in(listing(*paths))[0]] == ["T1w"]
    assert [scan.suffix for scan in scans_in(listing(*paths), suffixes=("T1w", "UNIT1"))[0]] == [
        "T1w",
        "UNIT1",
    ]


def test_what_the_source_left_out_is_not_lost():
    row = Excluded(dataset="d", snapshot="1", path="", reason=Exclusion.LISTING_TRUNCATED, evidence="")
    assert scans_in(listing(excluded=(row,)))[1] == (row,)


label = st.sampled_from(["01", "1", "a", "A"])
folder = st.one_of(
    label.map("sub-{}".format),
    label.map("ses-{}".format),
    st.sampled_from(["anat", "derivatives", "x", "._"]),
)
stem = st.lists(st.one_of(folder, st.just("acq-b"), st.just("")), max_size=4).map("_".join)
path = st.builds(
    lambda folders, name, ext: "/".join([*folders, name + ext]),
    st.lists(folder, max_size=4),
    stem,
    st.sampled_from(["_T1w.nii", "_T1w.nii.gz", "_bold.nii", "_T1w.json", ""]),
)


@settings(deadline=None)
@given(st.sets(path, max_size=20), st.randoms())
def test_each_file_that_looks_like_a_scan_has_exactly_one_verdict(paths, random):
    mixed = sorted(paths)
    random.shuffle(mixed)
    scans, excluded = scans_in(listing(*mixed))
    verdicts = [scan.path for scan in scans] + [row.path for row in excluded]
    assert sorted(verdicts) == sorted(p for p in paths if p.endswith(("_T1w.nii", "_T1w.nii.gz")))
    assert (scans, excluded) == scans_in(listing(*sorted(paths)))
    assert [str(bids.parse(scan.path)) for scan in scans] == [scan.path for scan in scans]
    assert tuple(tables.scans_of(tables.scans_table(scans))) == scans
