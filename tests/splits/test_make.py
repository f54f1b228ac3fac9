"""From a corpus to its splits, and from anybody's split file to its leaks."""

import json
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import allbrains
from allbrains.cli.main import run
from allbrains.errors import ConfigurationError
from allbrains.records import Algorithm, Digest
from allbrains.splits.leaks import leaks, read_sides
from allbrains.store import ratings
from allbrains.store.layout import Layout
from allbrains.store.ledger import Ledger
from allbrains.store.samples import write_samples
from allbrains.store.shards import seal
from allbrains.testing.corpora import ToyStory, sample, scan, write

PEOPLE = 24
T1W = "sub-01/anat/sub-01{}_T1w.nii.gz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Again(ToyStory):
    """Digests from 1000 on are other files of the person 1000 before."""

    def sample(self, scan):
        number = int(scan.digest.hexdigest, 16)
        made = sample(number % 1000)
        if number < 1000:
            return made
        field = made.maps["displacement"]
        return replace(made, maps={**made.maps, "displacement": replace(field, array=field.array + 3)})


def another_file_of(number, dataset, subject):
    other = scan(number, dataset)
    return replace(
        other,
        subject=subject,
        path=f"sub-{subject}/anat/sub-{subject}_T1w.nii.gz",
        digest=Digest(algorithm=Algorithm.MD5, hexdigest=f"{1000 + number:032x}"),
    )


FIRST = tuple(scan(number) for number in range(PEOPLE))
SECOND = (
    scan(2, "ds000011_R2"),  # the same accession spelt in another way, so the same subject
    replace(scan(5, "ds000002"), subject="x", path="sub-x/anat/sub-x_T1w.nii.gz"),  # the same bytes
    another_file_of(9, "ds000003", "y"),  # the same brain
    *(scan(number, "ds000004") for number in range(100, 104)),
)


def built(root, scans):
    ids, count = [one.scan_id for one in scans], len(scans)
    people = pa.table({"scan_id": ids, "age_years": [30.0] * count, "sex": ["female"] * count})
    write(Layout(root), Again(scans=scans, people=people))


def sides(root):
    table = pq.read_table(root / "splits.parquet").to_pylist()
    return {row["scan_id"]: row["split"] for row in table}, {row["scan_id"]: row["group"] for row in table}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A corpus that was split, then grew, then was split again."""
    root = tmp_path_factory.mktemp("splits") / "out"
    built(root, FIRST)
    assert run(["splits", str(root), "--shares", "0.5", "0.25", "0.25"]) == 0
    root.with_name("before.parquet").write_bytes((root / "splits.parquet").read_bytes())
    built(root, (*FIRST, *SECOND))
    return root


def test_before_splitting_again_the_new_samples_have_no_side(root):
    with pytest.raises(ConfigurationError, match="7 samples have no side yet"):
        allbrains.open(root).split("train")


def test_a_corpus_that_grew(root, capsys):
    assert run(["splits", str(root), "--shares", "0.5", "0.25", "0.25"]) == 0
    out = capsys.readouterr()
    assert "31 samples of 28 people" in out.err
    before = pq.read_table(root.with_name("before.parquet")).to_pylist()
    now, group = sides(root)
    assert {row["scan_id"]: row["split"] for row in before}.items() <= now.items()
    for number, other in zip((2, 5, 9), SECOND, strict=False):
        assert now[scan(number).scan_id] == now[other.scan_id]
        assert group[scan(number).scan_id] == group[other.scan_id]
    assert len(set(group.values())) == 28
    brains = allbrains.open(root, maps=["gm"])
    parts = [brains.split(side) for side in ("train", "validation", "test")]
    assert sum(len(part) for part in parts) == 31
    for side, part in zip(("train", "validation", "test"), parts, strict=True):
        assert {now[row["scan_id"]] for row in part.table.to_pylist()} == {side}
        assert sum(len(batch) for batch in brains.batches(4, split=side)) == len(part)
    with pytest.raises(ConfigurationError, match="no split 'dev'"):
        brains.split("dev")


def test_its_own_splits_do_not_leak(root, capsys):
    assert run(["verify-splits", str(root / "splits.parquet"), "--corpus", str(root)]) == 0
    assert "31 of 31 rows are in" in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--seed", "1"], ["--whole-datasets"]])
def test_sides_that_were_given_in_another_way_are_not_mixed_with_new_ones(root, options, capsys):
    before = (root / "splits.parquet").read_bytes()
    assert run(["splits", str(root), *options]) == 2
    said = capsys.readouterr().err
    assert "was made with --shares 0.5 0.25 0.25 --seed 0, not --shares 0.8 0.1 0.1" in said
    assert (root / "splits.parquet").read_bytes() == before


def test_what_a_condition_leaves_out_keeps_its_side(tmp_path):
    built(tmp_path, FIRST)
    command = ["splits", str(tmp_path), "--shares", "0.5", "0.25", "0.25"]
    assert run(command) == 0
    everybody, groups = sides(tmp_path)
    bad = {scan(number).scan_id for number in (3, 7)}
    for one in bad:
        rejected = ratings.Verdict.REJECT
        rating = ratings.Rating(scan_id=one, dataset="", path="", rating=rejected, note="", rated="")
        ratings.rate(tmp_path, one, rating)
    assert run([*command, "--where", "rating != 'reject'"]) == 0
    now, same = sides(tmp_path)
    assert now == {one: "left_out" if one in bad else side for one, side in everybody.items()}
    assert same == groups
    brains = allbrains.open(tmp_path)
    assert sum(len(brains.split(side)) for side in ("train", "validation", "test")) == PEOPLE - 2
    assert run(["verify-splits", str(tmp_path / "splits.parquet")]) == 0
    built(tmp_path, (*FIRST, *SECOND))  # grows while they are left out, and then they are taken in again
    assert run([*command, "--where", "rating != 'reject'"]) == 0
    assert run(command) == 0
    assert everybody.items() <= sides(tmp_path)[0].items()


def test_a_scan_that_is_to_be_done_again_keeps_its_side_meanwhile(tmp_path):
    built(tmp_path, FIRST)
    command = ["splits", str(tmp_path), "--shares", "0.5", "0.25", "0.25"]
    assert run(command) == 0
    before = (tmp_path / "splits.parquet").read_bytes()
    layout = Layout(tmp_path)
    again = [scan(number).scan_id for number in (3, 7)]
    with Ledger.open(layout.ledger) as ledger:  # as `allbrains repair` does
        ledger.reopen(again)
        for shard in {member.shard for member in ledger.members() if member.scan.scan_id in again}:
            seal(layout, ledger, shard)
        write_samples(layout, ledger)
    assert len(allbrains.open(tmp_path)) == len(FIRST) - 2
    assert run(command) == 0
    assert sides(tmp_path)[0].items() >= sides_in(before).items()
    built(tmp_path, FIRST)
    assert run(command) == 0
    assert (tmp_path / "splits.parquet").read_bytes() == before


def sides_in(content):
    table = pq.read_table(pa.BufferReader(content)).to_pylist()
    return {row["scan_id"]: row["split"] for row in table}


def test_the_sides_do_not_hang_on_the_condition(tmp_path):
    for name, where in (("all", ""), ("some", "age_years > 40 or subject < '0010'")):
        built(tmp_path / name, FIRST)
        assert run(["splits", str(tmp_path / name), "--where", where, "--no-images"]) == 0
    one, other = (pq.read_table(tmp_path / name / "splits.parquet") for name in ("all", "some"))
    assert one["side"].to_pylist() == other["side"].to_pylist() == one["split"].to_pylist()
    assert other["split"].to_pylist().count("left_out") == PEOPLE - 10


def test_a_condition_that_is_none(root, capsys):
    assert run(["splits", str(root), "--shares", "0.5", "0.25", "0.25", "--where", "nonsense ="]) == 2
    assert "nonsense" in capsys.readouterr().err


def test_whole_datasets_stay_on_one_side(root, tmp_path):
    built(tmp_path, (*FIRST, *SECOND))
    assert run(["splits", str(tmp_path), "--whole-datasets", "--no-images"]) == 0
    now, _ = sides(tmp_path)
    table = allbrains.open(tmp_path).table.to_pylist()
    for dataset in ("ds000011", "ds000004"):
        assert len({now[row["scan_id"]] for row in table if row["dataset"] == dataset}) == 1


def test_a_corpus_without_splits(tmp_path):
    built(tmp_path, FIRST[:2])
    with pytest.raises(ConfigurationError, match="`allbrains splits"):
        allbrains.open(tmp_path).split("train")


def test_a_strangers_file_with_every_kind_of_leak(root, tmp_path, capsys):
    file = tmp_path / "mine.csv"
    lines = ["dataset,path,split"]
    for one, side in (
        *((one, "train") for one in FIRST),
        *((one, "test") for one in SECOND),
    ):
        lines.append(f"{one.dataset},{one.path},{side}")
    file.write_text("\n".join(lines))
    assert run(["verify-splits", str(file)]) == 1
    without = capsys.readouterr()
    assert {line.split("\t")[1] for line in without.out.splitlines()} == {"subject"}
    assert run(["verify-splits", str(file), "--corpus", str(root)]) == 1
    out = capsys.readouterr()
    kinds = sorted({tuple(line.split("\t")[:2]) for line in out.out.splitlines()})
    assert [kind for _, kind in kinds] == ["subject+digest+brain", "digest+brain", "brain"]
    assert "test\tds000003/sub-y/anat/sub-y_T1w.nii.gz" in out.out
    assert "3 people on more than one side, of 31 rows" in out.err


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.csv", "participant_id,dataset,fold\nsub-01,ds1,1\n01,ds1,2\n1,ds1,2\n", 1),
        ("a.tsv", f"path\tset\nds1/{T1W.format('')}\ta\nds2/{T1W.format('')}\tb\n", 0),
        ("a.tsv", f"path\tset\nds1/{T1W.format('_ses-1')}\ta\nds1/{T1W.format('_ses-2')}\tb\n", 1),
        ("a.csv", "dataset,subject,digest,split\nds1,1,md5:x,a\nds2,2,md5:x,b\n", 1),
        ("a.csv", "dataset,subject,split\nds1,1,a\nds1,1,\nds1,1,left_out\n", 0),
    ],
)  # fmt: skip
def test_files_of_many_shapes(tmp_path, name, text, expected):
    path = tmp_path / name
    path.write_text(text)
    assert len(list(leaks(*read_sides(path)))) == expected


@pytest.mark.parametrize("text", ["subject\n01\n", "split,who\ntrain,somebody\n", ""])
def test_files_that_say_nothing(tmp_path, text, capsys):
    path = tmp_path / "a.csv"
    path.write_text(text)
    assert run(["verify-splits", str(path)]) == 2
    assert "allbrains:" in capsys.readouterr().err


def test_no_similarity_is_written(root):
    schema = pq.read_schema(root / "splits.parquet")
    assert schema.names == ["scan_id", "group", "split", "side"]
    assert json.dumps(sides(root)[1]).count(scan(0).subject) == 0
