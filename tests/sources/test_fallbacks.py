"""A listing that is short comes by another way, whole or called short; an outage never changes the way."""

import os
from dataclasses import replace

import pytest

from allbrains.errors import TransientError
from allbrains.sources.openneuro import Endpoints, OpenNeuro
from allbrains.sources.openneuro.listing_cache import SECOND_BEST_S
from allbrains.sources.snapshot import Exclusion
from allbrains.transfer import Reply
from allbrains.transfer.http_client import Refused
from tests.sources.fake_openneuro import FakeOpenNeuro, answer, fault, file, folder_of

NAME = "ds000001"
IMAGES = [f"sub-{n:02}/{s}anat/sub-{n:02}_T1w.nii.gz" for n in range(1, 31) for s in ("ses-a/", "ses-b/")]
ROWS = [
    file("README"),
    file("participants.tsv"),
    *map(file, IMAGES),
    *(file(f"sub-{n:02}/ses-a/func/sub-{n:02}_bold.nii.gz") for n in range(1, 31)),
    file("phenotype/ages.tsv"),
    file("derivatives/x/sub-01/anat/sub-01_T1w.nii.gz"),
]
MATTER = {"README", "participants.tsv", "phenotype/ages.tsv", *IMAGES}
TRANSIENT = Reply(status=504, headers={"content-type": "text/html"}, body=b"<html>")


@pytest.fixture
def source(tmp_path):
    def make(tamper, rows=ROWS, **about):
        fake = FakeOpenNeuro({NAME: rows}, tamper)
        fake.about[NAME] = about
        return OpenNeuro(fake, Endpoints(), cache=tmp_path), fake

    return make


def files_are(rows):
    return lambda o, v, n, honest: {"data": {"snapshot": {"files": rows}}} if o == "Files" else honest


def listed(openneuro):
    return openneuro.listing(openneuro.snapshots().snapshots[0])


@pytest.mark.parametrize(
    "rows",
    [[], ROWS[:2], ROWS[:40], [*ROWS[:-1], None], [file(f"code/{n}") for n in range(500)]],
    ids=["empty", "top-only", "below-its-count", "null-row", "no-subject"],
)
def test_a_short_listing_is_read_folder_by_folder(source, rows):
    openneuro, fake = source(files_are(rows))
    listing = listed(openneuro)
    assert (listing.route, listing.excluded) == ("tree", ())
    assert {entry.path for entry in listing.entries} == MATTER
    assert fake.total("Root") == 1
    assert fake.total("Trees") <= 8  # 30 subjects, 60 sessions and 60 anat folders, 25 in a question
    assert not any("func" in variables for _, variables in fake.asked)
    assert openneuro.listing(listing.snapshot) == listing
    assert fake.total("Files") == 1


@pytest.mark.parametrize(
    "told", [TRANSIENT, answer({"errors": [fault("Not Found")], "data": {"snapshot": None}})]
)
def test_a_listing_that_is_refused_is_read_folder_by_folder(source, told):
    openneuro, _ = source(lambda o, v, n, honest: told if o == "Files" else honest)
    assert {entry.path for entry in listed(openneuro).entries} == MATTER


def test_a_dataset_without_subjects_is_believed_once_the_folders_agree(source):
    rows = [file("README"), file("derivatives/x/sub-01/anat/sub-01_T1w.nii.gz")]
    openneuro, fake = source(lambda o, v, n, honest: honest, rows)
    listing = listed(openneuro)
    assert (listing.route, listing.files, listing.excluded) == ("recursive", 2, ())
    assert (fake.total("Root"), fake.total("Trees")) == (1, 0)


def anatomy_lost(*subjects):
    """Neither the recursive listing nor the trees have the anatomy of some subjects."""

    def is_lost(path):
        return "/anat/" in path and path.partition("/")[0] in subjects

    def tamper(operation, variables, number, honest):
        if operation == "Files":
            rows = honest["data"]["snapshot"]["files"]
            honest["data"]["snapshot"]["files"] = [row for row in rows if not is_lost(row["filename"])]
        if operation == "Trees":
            for alias, rows in honest["data"]["snapshot"].items():
                rows[:] = [row for row in rows if not is_lost(f"{variables[alias]}/{row['filename']}")]
        return honest

    return tamper


ALL = MATTER | {"derivatives/x/sub-01/anat/sub-01_T1w.nii.gz"}  # recursive listings have these too
FEW_OF_MANY = [*ROWS, *(file(f"sub-01/func/sub-01_run-{n}_bold.nii.gz") for n in range(600))]


@pytest.mark.parametrize(
    ("lost", "about"),
    [
        (["sub-03"], {}),
        ([f"sub-{n:02}" for n in range(1, 31)], {}),
        ([f"sub-{n:02}" for n in range(1, 31)], {"files": 0, "modalities": ["MRI_Structural"]}),
        ([f"sub-{n:02}" for n in range(1, 31)], {"files": 0, "modalities": ()}),
        ([f"sub-{n:02}" for n in range(1, 30)], {"files": 0, "subjects": 30}),
    ],
    ids=[
        "fewer-files-than-counted",
        "none",
        "none-though-structural",
        "none-and-no-summary",
        "of-few-subjects",
    ],
)
def test_a_small_loss_of_anatomy_is_found_in_the_bucket(source, lost, about):
    openneuro, fake = source(anatomy_lost(*lost), FEW_OF_MANY)
    fake.keys[NAME] = [(row["filename"], 2 * 10**6, "a" * 32) for row in FEW_OF_MANY]
    snapshot = replace(openneuro.snapshots().snapshots[0], **about)
    listing = openneuro.listing(snapshot)
    assert {entry.path for entry in listing.entries} == ALL
    assert (listing.route, listing.excluded[0].reason) == ("s3", Exclusion.LISTED_BY_BUCKET)


def test_removed_anatomy_that_the_bucket_still_has_is_left_there(source):
    openneuro, fake = source(lambda o, v, n, honest: honest, FEW_OF_MANY)
    fake.keys[NAME] = [ORPHAN]
    snapshot = replace(openneuro.snapshots().snapshots[0], files=len(FEW_OF_MANY) + 3)
    listing = openneuro.listing(snapshot)
    assert {entry.path for entry in listing.entries} == ALL
    assert (listing.route, listing.excluded) == ("recursive", ())
    assert fake.total("Root") == 1  # the folders were asked: they don't have it


def test_a_doubt_that_the_bucket_does_not_share_costs_the_api_nothing(source):
    openneuro, fake = source(lambda o, v, n, honest: honest, FEW_OF_MANY)
    fake.keys[NAME] = [(row["filename"], 2 * 10**6, "a" * 32) for row in FEW_OF_MANY]
    snapshot = replace(openneuro.snapshots().snapshots[0], files=len(FEW_OF_MANY) + 3)
    assert openneuro.listing(snapshot).route == "recursive"
    assert (fake.total("Files"), fake.total("Root")) == (1, 0)
    fake.keys[NAME] = Refused("403")  # it won't say: then the folders are asked
    assert openneuro.listing(replace(snapshot, tag="1.0.1")).route == "recursive"
    assert fake.total("Root") == 1


def with_holes(*holes):
    """The recursive listing is empty, and so is each folder of ``holes``."""

    def tamper(operation, variables, number, honest):
        if operation == "Files" or (operation == "Root" and "" in holes):
            return {"data": {"snapshot": {"files": []}}}
        if operation == "Trees":
            for alias, rows in honest["data"]["snapshot"].items():
                if variables[alias] in holes:
                    rows.clear()
        return honest

    return tamper


KEYS = [(row["filename"], 2 * 10**6, "a" * 32) for row in ROWS]
ORPHAN = ("sub-99/ses-a/anat/sub-99_T1w.nii.gz", 10**6, "b" * 32)


def test_the_bucket_fills_only_what_the_api_could_not_list(source):
    openneuro, fake = source(with_holes("sub-03/ses-a/anat", "sub-04"))
    fake.keys[NAME] = sorted([*KEYS, ORPHAN])
    listing = listed(openneuro)
    (row,) = listing.excluded  # their digests are other ones than OpenNeuro publishes, and that is said
    assert (listing.route, row.reason, row.path) == ("s3", Exclusion.LISTED_BY_BUCKET, "")
    assert "3 files" in row.evidence
    entries = {entry.path: entry for entry in listing.entries}
    assert entries.keys() == MATTER
    by_bucket = {path for path, entry in entries.items() if entry.digest.algorithm == "md5"}
    assert by_bucket == {path for path in IMAGES if path.startswith(("sub-03/ses-a/anat/", "sub-04/"))}
    one = entries["sub-04/ses-a/anat/sub-04_T1w.nii.gz"]
    assert (one.size, one.digest.hexdigest) == (2 * 10**6, "a" * 32)
    assert one.urls == (f"https://s3.amazonaws.com/openneuro.org/{NAME}/{one.path}",)


def test_the_bucket_alone_where_the_api_lists_nothing(source, tmp_path):
    openneuro, fake = source(with_holes(""))
    fake.keys[NAME] = KEYS
    listing = listed(openneuro)
    assert (listing.route, listing.excluded[0].reason) == ("s3", Exclusion.LISTED_BY_BUCKET)
    assert {entry.path for entry in listing.entries} > MATTER
    assert openneuro.listing(listing.snapshot) == listing
    assert fake.total("Files") == 1
    (kept,) = (tmp_path / "listings").iterdir()
    old = kept.stat().st_mtime - SECOND_BEST_S - 1
    os.utime(kept, (old, old))
    openneuro.listing(listing.snapshot)
    assert fake.total("Files") == 2  # the second best way is tried anew after a week


@pytest.mark.parametrize(
    "keys",
    [[], KEYS[:20], Refused("403"), TransientError("503")],
    ids=["nothing", "less-than-its-count", "refused", "busy"],
)
def test_what_no_way_lists_is_called_short_and_asked_for_again(source, keys):
    openneuro, fake = source(with_holes(""))
    fake.keys[NAME] = keys
    for asked in (1, 2):
        (row,) = listed(openneuro).excluded
        assert (row.reason, row.path) == (Exclusion.LISTING_TRUNCATED, "")
        assert fake.total("Files") == asked


def test_one_folder_that_no_way_lists_is_named(source):
    openneuro, fake = source(with_holes("sub-03/ses-a/anat"))
    fake.keys[NAME] = [key for key in KEYS if not key[0].startswith("sub-03")]
    listing = listed(openneuro)
    assert "sub-03/ses-a/anat" in listing.excluded[0].evidence
    assert len(listing.entries) == len(MATTER) - 1


def test_an_outage_is_no_reason_for_another_way(source):
    openneuro, fake = source(lambda o, v, n, honest: TRANSIENT if o in ("Files", "Trees") else honest)
    fake.keys[NAME] = KEYS
    with pytest.raises(TransientError):
        listed(openneuro)
    assert fake.fetched == []


def test_a_folder_with_a_passing_fault_is_asked_for_again(source):
    def flaky(operation, variables, number, honest):
        if operation == "Files":
            return {"data": {"snapshot": {"files": []}}}
        if operation == "Trees" and number == 0:
            honest["data"]["snapshot"]["t0"] = None
            honest["errors"] = [fault("fetch failed", "snapshot", "t0")]
        return honest

    openneuro, _ = source(flaky)
    assert listed(openneuro).route == "tree"


@pytest.mark.parametrize(
    "body",
    [b"<!DOCTYPE html><html>", b"<Error><Code>AccessDenied</Code></Error>", b"not xml"],
)
def test_a_bucket_that_answers_something_else_is_no_listing(source, body):
    openneuro, fake = source(with_holes(""))
    fake.page = lambda query: body
    assert listed(openneuro).excluded[0].reason is Exclusion.LISTING_TRUNCATED


def test_names_with_odd_characters_come_through_the_bucket(source):
    name = "sub-01/anat/sub-01_acq-a b+c&d_T1w.nii.gz"
    quoted = name.replace("+", "%2B").replace(" ", "+").replace("&", "%26")
    openneuro, fake = source(with_holes(""), [file(name)])
    fake.keys[NAME] = [(quoted, 10**6, "a" * 32 + "-2")]
    (entry,) = listed(openneuro).entries
    assert (entry.path, entry.digest) == (name, None)  # uploaded in parts: no digest of its bytes


def test_the_fake_lists_folders_as_the_server_does():
    rows = [file("a/b/c"), file("a/d"), file("e")]
    assert [row["filename"] for row in folder_of(rows, "")] == ["e", "a"]
    assert [row["filename"] for row in folder_of(rows, "a")] == ["d", "b"]
