"""Verify finds all damage, repair lets the next build undo it to the byte, and what is removed is gone."""

import random
import subprocess
from contextlib import suppress

import pyarrow.parquet as pq
import pytest

from allbrains.errors import ConfigurationError, CorpusError, Reason
from allbrains.records import Rejected
from allbrains.store.integrity import examine, repair
from allbrains.store.layout import Layout, ShardKey
from allbrains.store.ledger import Ledger, LedgerReader
from allbrains.store.removal import remove_dataset
from allbrains.store.shards import entries
from allbrains.store.staging import stage
from allbrains.testing.corpora import MAPS, ToyStory, corpus, sample, scan, write

STORY = ToyStory(
    scans=(scan(0), scan(1), scan(2), scan(3), scan(7, "ds000002")),
    ends={scan(1).scan_id: Rejected(reason=Reason.CONSTANT, detail="every voxel is 0")},
)
SHARD = ShardKey("ds000011", 0)


@pytest.fixture
def layout(tmp_path):
    write(Layout(tmp_path / "out"), STORY)
    return Layout(tmp_path / "out")


def found(layout):
    with LedgerReader.open(layout.ledger) as ledger:
        return list(examine(layout, ledger))


def mended(layout):
    """Repair and build; return how many scans were done again."""
    with Ledger.open(layout.ledger) as ledger:
        again = repair(layout, ledger, list(examine(layout, ledger)))
    write(layout, STORY)
    return again


def content(layout):
    return {
        str(path.relative_to(layout.root)): path.read_bytes()
        for path in layout.root.rglob("*")
        if path.is_file() and not path.name.startswith("ledger.sqlite")
    }


def test_a_sound_corpus_has_no_findings_and_repair_changes_nothing(layout):
    before = content(layout)
    assert found(layout) == []
    assert mended(layout) == 0
    assert content(layout) == before


def test_a_sample_that_waits_for_its_shard_is_no_finding_and_a_lost_one_is(tmp_path):
    layout = Layout(tmp_path / "out")
    write(layout, ToyStory(scans=(scan(0),)))
    with Ledger.open(layout.ledger) as ledger:
        ledger.register([scan(1), scan(2)])
        ledger.record(scan(1).scan_id, stage(sample(1), scan(1), corpus(), layout))
    said = [finding.said for finding in found(layout)]
    assert len(said) == 1  # the samples table doesn't know the new scans yet
    assert "contradicts ledger or shards in 2 rows" in said[0]
    path = layout.staged(scan(1).scan_id)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"x")
    assert "is not what its worker wrote" in found(layout)[0].said
    path.unlink()
    assert found(layout)[0].said.endswith("is done, but its sample is nowhere")
    assert found(layout)[0].scans == (scan(1).scan_id,)


@pytest.mark.parametrize("name", MAPS)
def test_a_flipped_bit_in_a_map_is_named_and_only_that_scan_is_done_again(layout, name):
    before, path = content(layout), layout.shard(SHARD)
    entry = entries(path)[scan(2).scan_id]
    flip(path, entry.starts[name] + entry.values[f"{name}_nbytes"] // 2)
    findings = found(layout)
    assert [finding.scans for finding in findings] == [(), (scan(2).scan_id,)]
    assert f"sub-0002_T1w.nii.gz, map {name}: its checksum" in findings[1].said
    assert mended(layout) == 1
    assert content(layout) == before


def test_samples_are_known_by_what_they_say_not_by_how_a_pyarrow_writes_it(layout):
    before, path = content(layout), layout.shard(SHARD)
    pq.write_table(pq.read_table(path), path, row_group_size=1, compression="zstd", data_page_version="2.0")
    assert {finding.scans for finding in found(layout)} == {()}
    assert mended(layout) == 0
    assert content(layout) == before
    table = pq.read_table(path)
    moved = table.schema.field("gm").with_metadata(
        {b"map": b'{"shape": [1], "dtype": "uint8", "affine": []}'}
    )
    at = table.schema.get_field_index("gm")
    pq.write_table(table.set_column(at, moved, table["gm"]), path, row_group_size=1)
    again = {scan_id for finding in found(layout) for scan_id in finding.scans}
    assert again == {*table["scan_id"].to_pylist()}  # the same values, said to be another thing


def test_a_flipped_bit_anywhere_in_a_shard_is_found_and_mended_to_the_byte(layout):
    before, path = content(layout), layout.shard(SHARD)
    size = path.stat().st_size
    places = [*random.Random(0).sample(range(size), 25), *range(size - 60, size, 7), 0, 5, 60]
    for place in places:
        flip(path, place)
        assert found(layout), f"byte {place} of {size}"
        mended(layout)
        assert content(layout) == before, f"byte {place} of {size}"


def test_a_flipped_bit_in_the_samples_table_is_found(layout):
    before, path = content(layout), layout.samples
    for place in random.Random(1).sample(range(path.stat().st_size), 25):
        flip(path, place)
        assert [finding.said for finding in found(layout) if "samples.parquet" in finding.said], place
        mended(layout)
        assert content(layout) == before


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 0x20
    path.write_bytes(data)


@pytest.mark.parametrize("harm", ["gone", "cut", "empty", "swapped"])
def test_a_shard_that_is_gone_cut_or_another_one(layout, harm):
    before, path = content(layout), layout.shard(SHARD)
    other = layout.shard(ShardKey("ds000002", 0))
    match harm:
        case "gone":
            path.unlink()
        case "cut":
            path.write_bytes(path.read_bytes()[:-100])
        case "empty":
            path.write_bytes(b"")
        case "swapped":
            path.write_bytes(other.read_bytes())
    assert found(layout)
    assert mended(layout) == 3
    assert content(layout) == before


def test_a_file_that_nobody_planned_is_told_and_left_alone(layout):
    stranger = layout.shards / "ds000011" / "ds000011-00001.parquet"
    stranger.write_bytes(b"somebody's")
    assert "is nobody's" in found(layout)[0].said
    assert mended(layout) == 0
    assert stranger.exists()


def test_the_list_of_digests_is_one_that_sha256sum_takes(layout):
    ended = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=layout.root, capture_output=True)
    assert ended.returncode == 0
    layout.sums.unlink()
    assert "SHA256SUMS is missing" in found(layout)[0].said


def test_a_missing_samples_table(layout):
    before = content(layout)
    layout.samples.unlink()
    assert ["samples.parquet is missing" in finding.said for finding in found(layout)] == [True]
    mended(layout)
    assert content(layout) == before


def test_a_broken_manifest_or_ledger_stops(layout):
    layout.manifest.write_text("{")
    with pytest.raises(CorpusError, match="not a manifest"):
        found(layout)
    layout.ledger.write_bytes(b"not a ledger, but long enough to be looked at" * 10)
    with pytest.raises(CorpusError):
        found(layout)


class Crash(BaseException):
    pass


def test_a_removed_dataset_leaves_nothing_even_when_removal_is_interrupted(tmp_path):
    steps = []
    for crash in range(1, 15):
        layout = Layout(tmp_path / str(crash))
        write(layout, STORY)
        seen = []

        def hook(step, seen=seen, crash=crash):
            seen.append(step)
            if len(seen) == crash:
                raise Crash

        with Ledger.open(layout.ledger) as ledger:
            try:
                assert remove_dataset(layout, ledger, "ds000011", at=hook) == 4
            except Crash:
                with suppress(ConfigurationError):  # the last step was behind it: nothing was left to do
                    remove_dataset(layout, ledger, "ds000011")
        steps.append(len(seen))
        assert found(layout) == []
        kept = pq.read_table(layout.samples)
        assert kept["dataset"].to_pylist() == ["ds000002"]
        assert {path.name for path in layout.shards.rglob("*.parquet")} == {"ds000002-00000.parquet"}
    assert steps[-1] == steps[-2] < 13  # the last rounds ran through


def test_removing_what_is_not_there(layout):
    with (
        Ledger.open(layout.ledger) as ledger,
        pytest.raises(ConfigurationError, match="there are ds000002, ds0"),
    ):
        remove_dataset(layout, ledger, "ds999999")
