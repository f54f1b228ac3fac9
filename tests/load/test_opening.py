"""Reading: what was written, only what was asked for, and never a damaged brain."""

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest

import allbrains
from allbrains.errors import ConfigurationError, CorpusError, Reason
from allbrains.records import Rejected
from allbrains.store import quantise
from allbrains.store.layout import Layout, ShardKey
from allbrains.store.ledger import Ledger
from allbrains.store.manifest import claim
from allbrains.store.shards import entries
from allbrains.testing.corpora import AFFINE, FIELD_AFFINE, MAPS, ToyStory, corpus, sample, scan, write

STORY = ToyStory(
    scans=tuple(scan(number) for number in range(5)),
    ends={scan(2).scan_id: Rejected(reason=Reason.CONSTANT, detail="every voxel is 0")},
    people=pa.table(
        {
            "scan_id": [scan(number).scan_id for number in range(5)],
            "age_years": [20.0, 30.0, 40.0, 50.0, None],
            "patient": [True, False, None, True, False],
        }
    ),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus") / "out"
    write(Layout(folder), STORY)
    return folder


def numbers(brains):
    return [int(brain.row["subject"]) for brain in brains]


def test_only_done_scans_and_all_of_them(root):
    brains = allbrains.open(root)
    assert len(brains) == 4
    assert numbers(brains) == [0, 1, 3, 4]
    assert brains.maps == MAPS


def test_reading_gives_what_was_written(root):
    brains = allbrains.open(str(root))
    for place, number in enumerate([0, 1, 3, 4]):
        for name, stored in sample(number).maps.items():
            np.testing.assert_array_equal(brains[place].integers(name), stored.array)
            expected = quantise.values(stored.array, stored.scale, stored.offset)
            found = getattr(brains[place], name)
            assert found.dtype == np.float32
            np.testing.assert_array_equal(found, expected)
        assert brains[place].montage == sample(number).montage


def test_values_can_be_read_into_what_is_there(root):
    brain = allbrains.open(root)[0]
    integers, values = np.empty((16, 20, 18), np.uint16), np.empty((16, 20, 18), np.float32)
    assert brain.integers("t1w", integers) is integers
    assert brain.values("t1w", values) is values
    np.testing.assert_array_equal(values, brain.t1w)


def test_each_map_has_its_own_place_in_the_world(root):
    brains = allbrains.open(root)
    np.testing.assert_array_equal(brains[0].affine, AFFINE)
    np.testing.assert_array_equal(brains.specs["t1w"].affine, AFFINE)
    np.testing.assert_array_equal(brains.specs["displacement"].affine, FIELD_AFFINE)


def test_indices_are_those_of_a_sequence(root):
    brains = allbrains.open(root)
    assert brains[-1].row == brains[3].row
    for wrong in (4, -5):
        with pytest.raises(IndexError):
            brains[wrong]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("age_years between 25 and 45", [1]),
        ("age_years is null", [4]),
        ("patient and gm_ml > 600", [3]),
        ("subject = '0000' or note = 'sample 4'", [0, 4]),
        ("false", []),
    ],
)
def test_where_chooses(root, where, expected):
    brains = allbrains.open(root, maps=["gm"], where=where)
    assert numbers(brains) == expected
    for brain, number in zip(brains, expected, strict=True):
        np.testing.assert_array_equal(brain.integers("gm"), sample(number).maps["gm"].array)


@pytest.mark.parametrize(
    "where",
    [
        "age > 30",
        "age_years >",
        "1 = 1; drop table samples",
        "exists (select * from read_text('/etc/hostname'))",
        "exists (select * from 'samples.parquet')",
        "note",
    ],
)
def test_a_wrong_condition_names_the_columns(root, where):
    with pytest.raises(ConfigurationError, match=r"Quote text: .* Likely columns: .*age_years"):
        allbrains.open(root, where=where)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("dataset = ds000011", "Quote text: dataset = 'ds000011'. Likely columns: "),
        ('note != "male"', "Quote text: note != 'male'. "),
        ("age > 30", "Likely columns: age_"),
        ("gm_m > 600", "Likely columns: gm_ml, "),
    ],
)
def test_a_wrong_condition_is_told_five_columns_and_how_to_quote(root, where, said):
    with pytest.raises(ConfigurationError) as caught:
        allbrains.open(root, where=where)
    text = str(caught.value)
    assert said in text
    assert len(text.partition("Likely columns: ")[2].partition(";")[0].split(", ")) == 5


def test_chosen_maps_only(root):
    brains = allbrains.open(root, maps=["gm"])
    assert brains.maps == ("gm",)
    assert not [name for name in brains.table.column_names if name.startswith("t1w_")]
    with pytest.raises(AttributeError, match="no map 't1w' here; there are gm"):
        _ = brains[0].t1w
    with pytest.raises(ConfigurationError, match="no map 't1w' here; there are gm"):
        brains[0].integers("t1w")
    with pytest.raises(ConfigurationError, match="no map t2w in this corpus; there are t1w, gm"):
        allbrains.open(root, maps=["t2w"])


def test_brains_survive_a_pickle_and_threads(root):
    brains = pickle.loads(pickle.dumps(allbrains.open(root)))
    brain = pickle.loads(pickle.dumps(brains[1]))
    np.testing.assert_array_equal(brain.integers("gm"), sample(1).maps["gm"].array)
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda n: brains[n % 4].integers("t1w"), range(40)))
    for place, array in enumerate(read):
        np.testing.assert_array_equal(array, brains[place % 4].integers("t1w"))


@pytest.fixture
def own(tmp_path):
    write(Layout(tmp_path / "out"), STORY)
    return tmp_path / "out"


def test_a_flipped_bit_names_scan_map_and_shard(own):
    shard = Layout(own).shard(ShardKey("ds000011", 0))
    entry = entries(shard)[scan(3).scan_id]
    for name, start in entry.starts.items():
        whole = shard.read_bytes()
        damaged = bytearray(whole)
        damaged[start + entry.values[f"{name}_nbytes"] // 2] ^= 0x10
        shard.write_bytes(damaged)
        brains = allbrains.open(own)
        with pytest.raises(
            CorpusError, match=rf"sub-0003_T1w\.nii\.gz, map {name}: .*ds000011-00000\.parquet"
        ):
            brains[2].integers(name)
        brains[1].integers(name)
        shard.write_bytes(whole)


def test_a_missing_or_another_shard_is_told(own):
    brains = allbrains.open(own)
    shard = Layout(own).shard(ShardKey("ds000011", 0))
    shard.write_bytes(shard.read_bytes() + b"x")
    with pytest.raises(CorpusError, match=r"has \d+ bytes, samples\.parquet says"):
        _ = brains[0].gm
    shard.unlink()
    with pytest.raises(CorpusError, match="can't be opened"):
        _ = brains[0].gm
    with pytest.raises(CorpusError, match="can't be read"):
        _ = brains[0].montage


def test_no_corpus_and_an_unfinished_one(tmp_path):
    with pytest.raises(ConfigurationError, match="no corpus"):
        allbrains.open(tmp_path / "nothing")
    layout = Layout(tmp_path / "begun")
    claim(layout, corpus())
    with pytest.raises(ConfigurationError, match="no samples yet"):
        allbrains.open(layout.root)
    layout.samples.write_bytes(b"PAR1 but not a table")
    with pytest.raises(CorpusError, match=r"samples\.parquet can't be read"):
        allbrains.open(layout.root)


def test_a_corpus_of_rejected_scans_is_empty(tmp_path):
    gone = Rejected(reason=Reason.CONSTANT, detail="every voxel is 0")
    write(Layout(tmp_path), ToyStory(scans=(scan(0),), ends={scan(0).scan_id: gone}))
    brains = allbrains.open(tmp_path, where="true")
    assert len(brains) == 0
    assert list(brains) == []
    with Ledger.open(Layout(tmp_path).ledger) as ledger:
        assert ledger.sealed() == {}


PROBE = """
import sys
import allbrains
before = {name for name in ("numpy", "pyarrow", "duckdb", "torch") if name in sys.modules}
brain = allbrains.open(sys.argv[1])[0]
brain.t1w
heavy = ("torch", "duckdb", "nibabel", "ants", "scipy", "urllib3", "msgspec", "psutil")
print(sorted(before), sorted(name for name in heavy if name in sys.modules))
"""


def test_importing_imports_nothing_heavy_and_reading_only_what_the_base_install_has(root):
    ended = subprocess.run([sys.executable, "-c", PROBE, root], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[] []"


def test_what_allbrains_does_not_have():
    with pytest.raises(AttributeError, match="no attribute 'opne'"):
        _ = allbrains.opne
