"""The law of growth: any sequence of builds on one folder ends as one build of all of it would."""

import shutil
from contextlib import suppress
from dataclasses import replace

import pyarrow as pa
import pytest

from allbrains import sandbox
from allbrains.catalogue.merge import Reach, merged
from allbrains.cli.main import run
from allbrains.errors import ConfigurationError, SourceError, TransientError
from allbrains.sources.bids_folder import BidsFolder
from allbrains.sources.pins import load

from .growing import Crash, build, crash_at, rows, samples, told, write_dataset, write_image, write_study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return write_study(tmp_path_factory.mktemp("study"))


ONE, TWO, THREE = ({"dataset": (f"ds00000{number}",)} for number in (1, 2, 3))
ALL = {"dataset": ("ds000001", "ds000002", "ds000003")}
BOTH = {"suffix": ("T1w", "T2w")}
SEQUENCES = {
    "one dataset after the other": ([ONE, TWO, THREE], {}),
    "in another order": ([THREE, ONE, TWO], {}),
    "two, then all": ([{"dataset": ("ds000001", "ds000003")}, {}], {}),
    "some, then all": ([{"limit": 1}, {"limit": 3}, {}], {}),
    "all, then one": ([{}, TWO], {}),
    "all, then the first": ([{}, {"limit": 1}], {}),
    "a condition, then another": ([{"where": "age_years < 25"}, {"where": "age_years > 25"}], {}),
    "the same again": ([{}, {}, {}], {}),
    "one contrast after the other": ([THREE | {"suffix": ("T1w",)}, THREE | BOTH, {}], None),
    "sidecars in one run only": ([{"sidecars": True}, ONE, {}], {"sidecars": True}),
    "headers in one run only": ([{"headers": True}, TWO, {}], {"headers": True}),
    "headers of one dataset": ([TWO, ONE | {"headers": True, "sidecars": True}, THREE, {}], None),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_sequence_of_builds_is_one_build_of_the_union(study, tmp_path, name):
    sequence, union = SEQUENCES[name]
    for choice in sequence:
        build(tmp_path / "grown", bids=study, **choice)
    # what is unlike in each dataset takes two builds here, too, in another order
    whole = [{}, sequence[1]] if union is None else [union]
    for choice in whole:
        build(tmp_path / "whole", bids=study, **choice)
    grown, expected = told(tmp_path / "grown"), told(tmp_path / "whole")
    if name == "one contrast after the other":  # who came first has the first place in a shard
        assert rows(tmp_path / "grown", "scans") == rows(tmp_path / "whole", "scans")
        assert samples(tmp_path / "grown").keys() == samples(tmp_path / "whole").keys()
    else:
        assert grown == expected
    assert {row["age_years"] for row in samples(tmp_path / "grown").values()} >= {20.0, 30.0, 40.0, 50.0}


def test_datasets_of_other_folders_come_beside_the_first(study, tmp_path):
    for name in ("ds000002", "ds000001", "ds000003"):
        build(tmp_path / "grown", bids=study / name)
    build(tmp_path / "whole", bids=study)
    # the address of the one folder is not that of the other
    without = ("source",)
    assert told(tmp_path / "grown", without=without) == told(tmp_path / "whole", without=without)
    licences = {row["dataset"]: row["license"] for row in rows(tmp_path / "grown", "datasets")}
    assert licences == {"ds000001": "CC0", "ds000002": "CC-BY-4.0", "ds000003": "CC0"}
    with sandbox.serve(study) as server:  # a lock file pins what has versions, so that it can be kept to
        build(tmp_path / "grown", api=server.api, bucket=server.bucket, **TWO)
    pins = load(tmp_path / "grown/catalog/catalog.lock.json")
    assert [(pin.dataset, pin.snapshot) for pin in pins] == [("ds000002", "1.0.0")]


def test_openneuro_grows_the_same_way(study, tmp_path):
    with sandbox.serve(study) as server:
        ends = {"api": server.api, "bucket": server.bucket}
        for choice in (TWO, ONE, {}):
            build(tmp_path / "grown", **ends, **choice)
        build(tmp_path / "whole", **ends)
        assert told(tmp_path / "grown") == told(tmp_path / "whole")
        build(tmp_path / "grown", bids=study / "ds000003")  # a copy that is here, of what was there
        build(tmp_path / "grown", **ends, **THREE)
        assert told(tmp_path / "grown") == told(tmp_path / "whole")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the dead close no file
@pytest.mark.parametrize("second", ["TWO", "ALL"])
def test_interrupted_at_every_commit_of_the_second_build(study, tmp_path, monkeypatch, second):
    choice = {"TWO": TWO, "ALL": {}}[second]
    build(tmp_path / "first", bids=study, **ONE)
    shutil.copytree(tmp_path / "first", tmp_path / "whole")
    with monkeypatch.context() as patch:
        steps = _steps(patch, tmp_path / "whole", study, choice)
    expected = told(tmp_path / "whole")
    assert steps > 20
    for step in range(1, steps + 1, 1 if second == "TWO" else 9):
        out = tmp_path / "grown"
        shutil.copytree(tmp_path / "first", out)
        with monkeypatch.context() as patch, suppress(Crash):
            crash_at(patch, step)
            build(out, bids=study, **choice)
            pytest.fail("it was to crash")
        build(out, bids=study, **choice)
        assert told(out) == expected, step
        shutil.rmtree(out)


def _steps(patch, out, study, choice):
    seen = crash_at(patch, -1)
    build(out, bids=study, **choice)
    return len(seen)


def test_another_day_the_newer_rows_replace_the_older_ones(study, tmp_path):
    root = tmp_path / "archive"
    shutil.copytree(study, root)
    build(tmp_path / "grown", bids=root)
    write_dataset(root / "ds000001", {"01": ("21", "female"), "02": ("30", "male"), "03": ("60", "male")})
    build(tmp_path / "grown", bids=root, **ONE)
    build(tmp_path / "whole", bids=root, dataset=("ds000001", "ds000002", "ds000003"))
    assert told(tmp_path / "grown") == told(tmp_path / "whole")
    assert samples(tmp_path / "grown")["ds000001/sub-01/anat/sub-01_T1w.nii.gz"]["age_years"] == 21


def test_a_new_version_that_is_told_with_a_date(study, tmp_path):
    root = tmp_path / "archive"
    shutil.copytree(study, root)
    first, second = "1.0.0 2020-01-01\n  - First\n", "1.1.0 2021-01-01\n  - Second\n"
    (root / "ds000001/CHANGES").write_text(first)
    with sandbox.serve(root) as server:
        ends = {"api": server.api, "bucket": server.bucket}
        build(tmp_path / "grown", **ends)
        (root / "ds000001/CHANGES").write_text(second + first)
        build(tmp_path / "grown", **ends, **ONE)
        build(tmp_path / "whole", **ends)
    # the images are the same, so each has one row, of the newer version
    assert told(tmp_path / "grown") == told(tmp_path / "whole")
    assert {row["snapshot"] for row in samples(tmp_path / "grown").values()} == {"1.0.0", "1.1.0"}


def test_an_image_that_was_replaced_keeps_its_row_where_it_was_built(study, tmp_path):
    root = tmp_path / "archive"
    shutil.copytree(study, root)
    build(tmp_path / "out", bids=root)
    write_image(root / "ds000001/sub-01/anat/sub-01_T1w.nii.gz", "another")
    shutil.rmtree(root / "ds000001/sub-02")
    _, ran = build(tmp_path / "out", bids=root)
    assert ran == ["ds000001/sub-01/anat/sub-01_T1w.nii.gz"]
    known = {row["scan_id"] for row in rows(tmp_path / "out", "scans")}
    held = [row for name, row in _all_samples(tmp_path / "out") if name.startswith("ds000001")]
    assert len(held) == 3
    assert all(row["scan_id"] in known for row in held)
    assert sorted(row["age_years"] for row in held) == [20, 20, 30]
    assert {row["participant_id"] for row in rows(tmp_path / "out", "participants")} >= {"sub-01", "sub-02"}
    _, ran = build(tmp_path / "out", bids=root)  # what is no longer offered is not asked for again
    assert ran == []


def _all_samples(out):
    import pyarrow.parquet as pq

    return [(row["dataset"], row) for row in pq.read_table(out / "samples.parquet").to_pylist()]


@pytest.mark.parametrize("error", [TransientError, SourceError])
def test_a_dataset_that_cant_be_listed_today_is_kept_and_told(study, tmp_path, monkeypatch, error):
    build(tmp_path / "out", bids=study, limit=1)
    before = told(tmp_path / "out")
    honest = BidsFolder.listing

    def listing(self, snapshot):
        if snapshot.dataset == "ds000001":
            raise error("not today")
        return honest(self, snapshot)

    with monkeypatch.context() as patch:
        patch.setattr(BidsFolder, "listing", listing)
        chosen, ran = build(tmp_path / "out", bids=study)
    (sentence,) = chosen.incomplete
    assert sentence == "ds000001: listing_failed: not today; what an earlier run read of it is kept"
    assert len(ran) == 3  # its known scans are built as well
    build(tmp_path / "whole", bids=study)
    grown, whole = told(tmp_path / "out"), told(tmp_path / "whole")
    for name in ("samples.parquet", "SHA256SUMS", "catalog/catalog.lock.json"):
        assert grown[name] == whole[name], name
    reasons = {row["reason"] for row in rows(tmp_path / "out", "exclusions")}
    assert "listing_failed" in reasons
    assert before["catalog/scans.parquet"] != b""
    build(tmp_path / "out", bids=study)
    assert told(tmp_path / "out") == whole


def test_ages_that_cant_be_read_today_are_kept(study, tmp_path, monkeypatch):
    from allbrains.sources.snapshot import Texts, Unread

    build(tmp_path / "out", bids=study)
    whole = told(tmp_path / "out")

    def read(self, snapshot, entries):
        return Texts(files={}, unread=tuple(Unread(path=e.path, evidence="no", final=False) for e in entries))

    with monkeypatch.context() as patch:
        patch.setattr(BidsFolder, "read", read)
        chosen, _ = build(tmp_path / "out", bids=study)
    assert "text_failed" in chosen.incomplete[0]
    now = told(tmp_path / "out")
    assert now["samples.parquet"] == whole["samples.parquet"]
    assert now["catalog/participants.parquet"] != b""
    assert rows(tmp_path / "out", "participants")[0]["age_years"] == 20
    build(tmp_path / "out", bids=study)
    assert told(tmp_path / "out") == whole


def test_a_withdrawn_dataset_takes_its_rows_along(study, tmp_path):
    root = tmp_path / "archive"
    shutil.copytree(study, root)
    build(tmp_path / "out", bids=root)
    shutil.rmtree(root / "ds000002")
    build(tmp_path / "out", bids=root)
    for name in ("datasets", "scans", "participants"):
        assert {row["dataset"] for row in rows(tmp_path / "out", name)} == {"ds000001", "ds000003"}
    told_of = [row for row in rows(tmp_path / "out", "exclusions") if row["dataset"] == "ds000002"]
    assert [row["reason"] for row in told_of] == ["withdrawn"]
    build(tmp_path / "out", bids=root, **ONE)  # and stays so
    assert told_of[0] in rows(tmp_path / "out", "exclusions")


def test_headers_outlive_their_cache(study, tmp_path):
    build(tmp_path / "out", bids=study, headers=True, sidecars=True)
    whole = told(tmp_path / "out")
    shutil.rmtree(tmp_path / "out/catalog/cache")
    build(tmp_path / "out", bids=study, **TWO)
    build(tmp_path / "out", bids=study)
    assert told(tmp_path / "out") == whole
    assert {row["header"] for row in rows(tmp_path / "out", "scans")} == {"unreadable"}
    assert {row["field_strength_t"] for row in rows(tmp_path / "out", "scans")} == {3.0}


def test_two_datasets_of_one_name_are_not_one(study, tmp_path):
    build(tmp_path / "out", bids=study / "ds000001")
    before = told(tmp_path / "out")
    other = write_dataset(tmp_path / "elsewhere/ds000001", {"09": ("70", "male")})
    with pytest.raises(ConfigurationError, match="no image in common"):
        build(tmp_path / "out", bids=other)
    assert told(tmp_path / "out") == before
    shutil.copytree(study / "ds000001", tmp_path / "moved/ds000001")  # a copy is the same dataset
    shutil.rmtree(tmp_path / "moved/ds000001/sub-02")  # and a part of it says nothing of the rest
    build(tmp_path / "out", bids=tmp_path / "moved/ds000001")
    assert len(rows(tmp_path / "out", "scans")) == 2
    assert len(rows(tmp_path / "out", "participants")) == 2


def test_a_damaged_catalogue_is_not_written_over(study, tmp_path):
    build(tmp_path / "out", bids=study)
    (tmp_path / "out/catalog/scans.parquet").write_bytes(b"PAR1")
    with pytest.raises(SourceError, match="allbrains repair"):
        build(tmp_path / "out", bids=study, **ONE)
    assert (tmp_path / "out/catalog/scans.parquet").read_bytes() == b"PAR1"


def test_a_pinned_older_version_adds_and_does_not_replace(study, tmp_path):
    root = tmp_path / "archive"
    shutil.copytree(study, root)
    first, second = "1.0.0 2020-01-01\n  - First\n", "1.1.0 2021-01-01\n  - Second\n"
    (root / "ds000001/CHANGES").write_text(first)
    with sandbox.serve(root) as server:
        build(tmp_path / "old", api=server.api, bucket=server.bucket, **ONE)
    before = catalogue_of(tmp_path / "old")
    write_image(root / "ds000001/sub-01/anat/sub-01_T1w.nii.gz", "another")
    (root / "ds000001/CHANGES").write_text(second + first)
    with sandbox.serve(root) as server:
        build(tmp_path / "new", api=server.api, bucket=server.bucket, **ONE)
    after = catalogue_of(tmp_path / "new")
    ids = [set(one.scans["scan_id"].to_pylist()) for one in (before, after)]
    new = ids[0] | ids[1]
    # whichever is read first, the later version's rows count, and what is built keeps its own
    one = merged(before, after, Reach(), planned=new).catalogue
    other = merged(after, before, Reach(everything=False, pinned=True), planned=new).catalogue
    assert one.datasets["snapshot"].to_pylist() == ["1.1.0"]
    for name in ("datasets", "scans", "participants", "exclusions"):
        assert getattr(one, name) == getattr(other, name), name
    assert len(one.scans) == 3
    assert len(merged(before, after, Reach(), planned=()).catalogue.scans) == 2


def catalogue_of(out):
    from allbrains.catalogue import catalogue

    return catalogue.read(out / "catalog")


def test_plan_and_catalog_into_a_corpus_forget_nothing_either(study, tmp_path, capsys):
    build(tmp_path / "out", bids=study)
    whole = told(tmp_path / "out")
    command = ["--bids", str(study), "--dataset", "ds000002"]
    assert run(["plan", *command, "--out", str(tmp_path / "out"), "--where", "sex = 'male'"]) == 0
    assert told(tmp_path / "out") == whole
    capsys.readouterr()
    assert run(["catalog", *command, "--list", "--out", str(tmp_path / "out/catalog")]) == 0
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 2  # what was asked for; the tables hold all
    assert "4 scans of 4 people in 3 datasets" in printed.err
    (tmp_path / "out/catalog/changes.json").unlink()
    assert told(tmp_path / "out") == whole


def test_one_catalogue_is_read_at_a_time(study, tmp_path, capsys):
    from filelock import FileLock

    build(tmp_path / "out", bids=study, **ONE)
    with FileLock(tmp_path / "out/catalog/.catalog.lock"):
        assert run(["plan", "--bids", str(study), "--out", str(tmp_path / "out")]) == 2
    assert "another allbrains is reading a catalogue" in capsys.readouterr().err


def test_downloads_come_beside_each_other(study, tmp_path):
    with sandbox.serve(study) as server:
        ends = ["--api", server.api, "--bucket", server.bucket]
        for choice in (["--dataset", "ds000002"], ["--dataset", "ds000001", "--limit", "1"], []):
            assert run(["download", *ends, "--out", str(tmp_path / "grown"), *choice]) == 0
        assert run(["download", *ends, "--out", str(tmp_path / "whole")]) == 0
    trees = [
        {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file() and "cache" not in path.parts
        }
        for root in (tmp_path / "grown", tmp_path / "whole")
    ]
    assert trees[0] == trees[1]


def test_citations_are_of_the_whole_corpus(study, tmp_path, capsys):
    build(tmp_path / "out", bids=study, **ONE)
    build(tmp_path / "out", bids=study, **TWO)
    assert run(["cite", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "licence CC0-1.0" in said
    assert "licence CC-BY-4.0" in said
    assert "licence unknown" not in said


def test_a_gap_in_the_list_is_forgotten_only_when_the_list_was_read_again(study, tmp_path):
    build(tmp_path / "out", bids=study)
    whole = catalogue_of(tmp_path / "out")
    gap = {"dataset": "", "snapshot": "", "path": "", "reason": "listing_failed", "evidence": "3 lack"}
    row = pa.Table.from_pylist([gap], schema=whole.exclusions.schema)
    gapped = replace(whole, exclusions=pa.concat_tables([row, whole.exclusions]))
    part = merged(gapped, whole, Reach(everything=False), planned=()).catalogue
    assert part.missing == [gap]
    assert merged(gapped, whole, Reach(), planned=()).catalogue.missing == []
    assert merged(whole, gapped, Reach(), planned=()).catalogue.missing == [gap]


def test_merging_what_is_known_changes_nothing(study, tmp_path):
    build(tmp_path / "out", bids=study, headers=True, sidecars=True, **BOTH)
    known = catalogue_of(tmp_path / "out")
    for reach in (Reach(), Reach(everything=False, pinned=True), Reach(headers=True)):
        again = merged(known, known, reach).catalogue
        for name in ("datasets", "scans", "participants", "exclusions"):
            assert getattr(again, name) == getattr(known, name), name
