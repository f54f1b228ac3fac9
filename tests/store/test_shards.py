"""Shards: what was staged is what is read; bytes depend on members alone; loss and damage are told."""

import random
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from allbrains.errors import CorpusError, Reason
from allbrains.records import Cause, Failed, Rejected
from allbrains.store import codec
from allbrains.store.layout import Layout, ShardKey
from allbrains.store.ledger import Ledger
from allbrains.store.shards import entries, seal
from allbrains.store.staging import stage, sweep
from allbrains.testing.corpora import MAPS, ToyStory, corpus, sample, scan, write

SHARD = ShardKey("ds000011", 0)


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path / "out")


@pytest.fixture
def ledger(layout):
    with Ledger.open(layout.ledger) as opened:
        opened.register([scan(number) for number in range(4)])
        yield opened


def done(layout, ledger, *numbers):
    for number in numbers:
        ledger.record(scan(number).scan_id, stage(sample(number), scan(number), corpus(), layout))


def test_a_shard_holds_what_was_staged_in_the_ledgers_order(layout, ledger):
    done(layout, ledger, 3, 0, 2, 1)
    seal(layout, ledger, SHARD)
    with pq.ParquetFile(layout.shard(SHARD)) as file:
        assert file.num_row_groups == 4
        rows = file.read().to_pylist()
    for number, row in enumerate(rows):
        assert row["scan_id"] == scan(number).scan_id
        assert row["montage"] == sample(number).montage
        for name, stored in sample(number).maps.items():
            array = codec.decode(row[name], stored.array.shape, stored.array.dtype.name)
            np.testing.assert_array_equal(array, stored.array)
            assert (row[f"{name}_scale"], row[f"{name}_offset"]) == (stored.scale, stored.offset)


def test_each_map_is_where_the_footer_says(layout, ledger):
    done(layout, ledger, 0, 1, 2)
    seal(layout, ledger, SHARD)
    data = layout.shard(SHARD).read_bytes()
    for entry in entries(layout.shard(SHARD)).values():
        assert set(entry.starts) == set(MAPS)
        for name, start in entry.starts.items():
            nbytes = entry.values[f"{name}_nbytes"]
            assert int.from_bytes(data[start - 4 : start], "little") == nbytes
            assert codec.checksum(data[start : start + nbytes]) == entry.values[f"{name}_crc32"]


def test_sealing_leaves_nothing_staged_and_sealing_again_changes_nothing(layout, ledger):
    done(layout, ledger, 0, 1)
    seal(layout, ledger, SHARD)
    before = layout.shard(SHARD).read_bytes()
    assert list(layout.staging.iterdir()) == []
    seal(layout, ledger, SHARD)
    assert layout.shard(SHARD).read_bytes() == before


def test_a_shard_that_grew_is_the_same_as_one_made_at_once(tmp_path, layout, ledger):
    done(layout, ledger, 2, 0)
    seal(layout, ledger, SHARD)
    done(layout, ledger, 3, 1)
    seal(layout, ledger, SHARD)
    other = Layout(tmp_path / "other")
    with Ledger.open(other.ledger) as at_once:
        at_once.register([scan(number) for number in range(4)])
        done(other, at_once, 0, 1, 2, 3)
        seal(other, at_once, SHARD)
        assert at_once.sealed() == ledger.sealed()
    assert other.shard(SHARD).read_bytes() == layout.shard(SHARD).read_bytes()


def test_a_shard_whose_scans_are_all_taken_back_has_no_file(layout, ledger):
    done(layout, ledger, 0)
    seal(layout, ledger, SHARD)
    ledger.reopen([scan(0).scan_id])
    seal(layout, ledger, SHARD)
    assert not layout.shard(SHARD).exists()
    assert ledger.sealed() == {}


def test_a_sample_that_is_gone_is_told(layout, ledger):
    done(layout, ledger, 0, 1)
    layout.staged(scan(1).scan_id).unlink()
    with pytest.raises(CorpusError, match=r"sub-0001_T1w\.nii\.gz is done, but .* neither staged"):
        seal(layout, ledger, SHARD)
    assert not layout.shard(SHARD).exists()


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def test_a_flipped_bit_in_a_staged_sample_is_told(layout, ledger):
    done(layout, ledger, 0, 1)
    flip(layout.staged(scan(1).scan_id), 5000)
    with pytest.raises(CorpusError, match=r"sub-0001_T1w\.nii\.gz: the staged sample .* is not what"):
        seal(layout, ledger, SHARD)


def test_a_flipped_bit_is_not_carried_into_the_next_shard(layout, ledger):
    done(layout, ledger, 0, 1)
    seal(layout, ledger, SHARD)
    entry = entries(layout.shard(SHARD))[scan(1).scan_id]
    flip(layout.shard(SHARD), entry.starts["gm"] + 30)
    done(layout, ledger, 2)
    with pytest.raises(CorpusError, match=r"sub-0001_T1w\.nii\.gz, map gm: its checksum"):
        seal(layout, ledger, SHARD)


def test_samples_of_one_shard_have_the_same_maps(layout, ledger):
    done(layout, ledger, 0)
    less = replace(sample(1), maps={"t1w": sample(1).maps["t1w"]})
    ledger.record(scan(1).scan_id, stage(less, scan(1), corpus(), layout))
    with pytest.raises(CorpusError, match=r"sub-0001.* has maps"):
        seal(layout, ledger, SHARD)


def test_a_file_that_is_no_shard_is_told(layout):
    layout.shard(SHARD).parent.mkdir(parents=True)
    layout.shard(SHARD).write_bytes(b"PAR1 not much")
    with pytest.raises(CorpusError, match="can't be read as a shard"):
        entries(layout.shard(SHARD))


def test_sweeping_keeps_what_a_shard_waits_for_and_nothing_else(layout, ledger):
    done(layout, ledger, 0, 1)
    stage(sample(2), scan(2), corpus(), layout)  # the ledger never heard of it
    (layout.staging / ".cut.parquet.1234abcd.tmp").write_bytes(b"half")
    sweep(layout, ledger)
    assert set(layout.staging.iterdir()) == {layout.staged(scan(n).scan_id) for n in (0, 1)}


@pytest.mark.parametrize("name", ["T1w", "scan_id", "gm_scale", "", "t 1"])
def test_a_map_can_not_take_a_columns_name(layout, name):
    base = sample(0)
    bad = replace(base, maps={**base.maps, name: base.maps["gm"]})
    with pytest.raises(ValueError, match=r"can't be called|would be called"):
        stage(bad, scan(0), corpus(), layout)


def test_a_map_of_floats_or_of_another_grid_is_refused(layout):
    base = sample(0)
    stored = base.maps["gm"]
    for array in (stored.array.astype(float), stored.array[:0], stored.array[:-1]):
        with pytest.raises(ValueError, match="map 'gm'"):
            stage(replace(base, maps={"gm": replace(stored, array=array)}), scan(0), corpus(), layout)


def story():
    return ToyStory(
        scans=tuple(scan(number, name) for name in ("ds000011", "ds000002") for number in range(5)),
        ends={
            scan(1).scan_id: Rejected(reason=Reason.CONSTANT, detail="every voxel is 0"),
            scan(4, "ds000002").scan_id: Failed(cause=Cause.TIMEOUT, detail="not done after 1800 s"),
        },
    )


def files(layout):
    return {
        str(path.relative_to(layout.root)): path.read_bytes()
        for path in layout.root.rglob("*")
        if path.is_file() and not path.name.startswith("ledger.sqlite")
    }


def test_the_order_in_which_scans_finish_does_not_matter(tmp_path):
    layouts = []
    for seed in range(3):
        order = list(range(10))
        random.Random(seed).shuffle(order)
        layouts.append(Layout(tmp_path / str(seed)))
        write(layouts[-1], story(), order=order)
    first, *others = (files(layout) for layout in layouts)
    assert all(other == first for other in others)
    assert len(first) == 5  # manifest, samples, digests, two shards
