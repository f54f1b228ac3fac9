"""A corpus is a thing that people share: opening one, and all that is done with one, is safe.

The law for each way in which a stranger may write one: every command ends with one sentence and an exit code,
within a time and a memory, and no file outside of the corpus and of the command's own target is read into
it, written or removed.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import struct
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import allbrains
from allbrains import condition
from allbrains.cli.main import run
from allbrains.errors import ConfigurationError, CorpusError
from allbrains.export.names import source_of
from allbrains.export.native import scan_grid
from allbrains.store import codec
from allbrains.store.layout import Layout
from tests.security import stranger

DEEP = b"[" * 200_000 + b"]" * 200_000
CANARY = "-----BEGIN OPENSSH PRIVATE KEY-----"


@pytest.fixture(autouse=True)
def bounded_time():
    """Nothing here may wait for ever: a pipe would."""

    def ring(number, frame):
        raise AssertionError("still not done after 60 s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    return stranger.sound(tmp_path_factory.mktemp("sound") / "corpus")


@pytest.fixture
def home(tmp_path) -> Path:
    """The user's own folder, with something that nobody else may have."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "id_rsa").write_text(CANARY)
    (folder / "thesis").mkdir()
    (folder / "thesis" / "chapter.parquet").write_text("the only copy")
    return folder


@pytest.fixture
def corpus(sound, tmp_path) -> Path:
    return stranger.copy_of(sound, tmp_path / "corpus")


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def commands(corpus: Path, to: Path) -> list[list[str]]:
    return [
        ["verify", str(corpus)],
        ["status", str(corpus)],
        ["cite", str(corpus)],
        ["export", str(corpus), "--to", str(to / "bids")],
        ["export", str(corpus), "--to", str(to / "native"), "--space", "native"],
        ["export", str(corpus), "--to", str(to / "npy"), "--format", "npy"],
        ["export", str(corpus), "--to", str(to / "tar"), "--format", "webdataset"],
        ["splits", str(corpus), "--no-images"],
        ["publish", str(corpus), str(to / "published")],
        ["report", str(corpus), "--to", str(to / "report"), "--volumes", "1"],
        ["repair", str(corpus)],
        ["remove", str(corpus), "--dataset", "ds000002"],
    ]


def nothing_gets_out(corpus: Path, home: Path, to: Path, capsys: pytest.CaptureFixture[str]) -> list[int]:
    """Run every command; return the exit codes."""
    before, codes = content(home), []
    for command in commands(corpus, to):
        codes.append(run(command))
        said = capsys.readouterr()
        assert codes[-1] in (0, 1, 2), (command, said)
        assert "Traceback" not in said.err
        assert codes[-1] == 0 or "allbrains" in said.err, command
    assert content(home) == before
    # all that was written lies where it should, and holds nothing of the user's own
    beside = {path.name for path in to.parent.iterdir()}
    assert beside <= {"home", "corpus", "to"}, beside
    assert not any(CANARY.encode() in data for data in content(to).values()) if to.exists() else True
    return codes


def test_a_sound_corpus_passes_all_of_it(corpus, home, tmp_path, capsys):
    assert set(nothing_gets_out(corpus, home, tmp_path / "to", capsys)) == {0}


UP = "../../home/id_rsa"
ROWS = {
    "a shard that leads out": {"shard": f"shards/{UP}", "shard_size": len(CANARY)},
    "a shard somewhere": {"shard": "/etc/hostname"},
    "a shard of another dataset": {"shard": "shards/ds000002/ds000002-00000.parquet"},
    "a shard that is null": {"shard": None},
    "a path that leads out": {"path": "../../../home/sub-01_T1w.nii.gz"},
    "a path from the root": {"path": "/sub-01/anat/sub-01_T1w.nii.gz"},
    "a path with a NUL": {"path": "sub-01/anat/sub-01_T1w\0.nii.gz"},
    "a path that is no name": {"path": "x"},
    "a dataset that leads out": {"dataset": "../home"},
    "a dataset without a name": {"dataset": ""},
    "an id that is a path": {"scan_id": "../../../home/id_rsa"},
    "one id for two": {"scan_id": "0" * 32},
    "a negative start": {"t1w_start": -1},
    "a start behind the end": {"t1w_start": 2**45},
    "a start at the end of the numbers": {"t1w_start": 2**63 - 1},
    "an endless chunk": {"t1w_nbytes": 2**45},
    "a chunk of nothing": {"t1w_nbytes": 0},
    "a chunk that is null": {"t1w_nbytes": None},
    "a start that is null": {"t1w_start": None},
    "a scale that is null": {"t1w_scale": None},
    "a scale that is NaN": {"t1w_scale": float("nan")},
    "a checksum that is none": {"t1w_crc32": -5},
    "a row group below 0": {"row_group": -1},
    "a row group far away": {"row_group": 2**31 - 1},
    "a row group behind the last": {"row_group": 63},
    "a grid of 10^15 voxels": {"scan_grid": '{"shape": [100000, 100000, 100000], "affine": []}'},
    "a grid nested without end": {"scan_grid": DEEP.decode()},
    "an outcome that is none": {"outcome": None},
}


@pytest.mark.parametrize("name", ROWS)
def test_what_a_row_says_stays_inside(name, corpus, home, tmp_path, capsys):
    stranger.with_values(corpus, **ROWS[name])
    assert set(nothing_gets_out(corpus, home, tmp_path / "to", capsys)) > {0}, "nobody saw it"


@pytest.mark.parametrize("name", ROWS)
def test_what_a_row_says_is_refused_at_addresses_too(name, corpus, tmp_path):
    stranger.with_values(corpus, **ROWS[name])

    def use() -> None:
        for brain in allbrains.open(f"file://{corpus}", cache=tmp_path / "cache"):
            _ = (brain.t1w, brain.montage, source_of(brain.row["path"]), scan_grid(brain.row))

    with pytest.raises(CorpusError):
        use()


SPECS = {
    "a type of objects": {"dtype": "O"},
    "a type of objects by another name": {"dtype": "object"},
    "a record with objects": {"dtype": [["a", "O"]]},
    "texts": {"dtype": "U1000000"},
    "floats": {"dtype": "float64"},
    "a type that is null": {"dtype": None},
    "2^45 voxels": {"shape": [2**15, 2**15, 2**15]},
    "a negative axis": {"shape": [-1, 20, 18]},
    "an axis of truth": {"shape": [True, 20, 18]},
    "a fraction of an axis": {"shape": [16.0, 20, 18]},
    "40 axes": {"shape": [1] * 40},
    "another size": {"shape": [16, 20, 19]},
    "an affine that is not finite": {"affine": [[float("inf")] * 4] * 4},
    "an affine without an inverse": {"affine": [[0, 0, 0, 0]] * 3 + [[0, 0, 0, 1]]},
}


@pytest.mark.parametrize("name", SPECS)
def test_a_map_is_of_the_integers_that_the_format_names_and_bounded(name, corpus, home, tmp_path, capsys):
    stranger.with_spec(corpus, **SPECS[name])
    with pytest.raises(CorpusError):
        _ = allbrains.open(corpus)[0].t1w
    nothing_gets_out(corpus, home, tmp_path / "to", capsys)


TEXTS = [DEEP, b'{"a":' + DEEP + b"}", b"9" * 10_000, b"\xff", b"[]", b'{"../x": {}}']
METADATA = [*product([b"allbrains.maps", b"allbrains.corpus"], TEXTS)]


@pytest.mark.parametrize("told", METADATA, ids=lambda one: f"{one[0]}-{one[1][:20]}")
def test_metadata_of_any_depth_and_form(told, corpus, home, tmp_path, capsys):
    key, text = told
    stranger.with_metadata(corpus, key, lambda _: text)
    with pytest.raises(CorpusError):
        allbrains.open(corpus)
    nothing_gets_out(corpus, home, tmp_path / "to", capsys)


@pytest.mark.parametrize(
    "change",
    [
        {"grid": {"space": "../../home/x", "shape": [16, 20, 18], "affine": np.eye(4).tolist()}},
        {"grid": {"space": "MNI", "shape": [2**40, 1, 1], "affine": np.eye(4).tolist()}},
        {"grid": {"space": "MNI", "shape": [16, 20, 18], "affine": [[1]]}},
        {"grid": None},
        {"recipe": "\x1b[2J"},
        {"recipe": 5},
        {"steps": "many"},
        {"steps": [{"step": ["a"]}]},
        {"format_version": 1e400},
    ],
    ids=str,
)
def test_a_manifest_is_read_or_refused(change, corpus, home, tmp_path, capsys):
    stranger.with_manifest(corpus, **change)
    with pytest.raises(CorpusError):
        allbrains.open(corpus)
    nothing_gets_out(corpus, home, tmp_path / "to", capsys)


@pytest.mark.parametrize(
    "name",
    ["scan_id", "dataset", "outcome", "shard", "t1w_start", "digest", "cjv", "gm_ml", "summary_wm_mad"],
)
def test_columns_of_other_types(name, corpus, home, tmp_path, capsys):
    stranger.with_column(corpus, name, pa.array([{"x": [1]}] * 3))
    with pytest.raises(CorpusError, match=name):
        allbrains.open(corpus)
    nothing_gets_out(corpus, home, tmp_path / "to", capsys)


@pytest.mark.parametrize("name", ["qc_pass", "reject_probability", "reject_reasons", "rating"])
def test_columns_that_opening_makes_are_not_a_strangers(name, corpus, home, tmp_path, capsys):
    stranger.with_column(corpus, name, pa.array([0.5] * 3))
    with pytest.raises(CorpusError, match=name):
        allbrains.open(corpus)
    nothing_gets_out(corpus, home, tmp_path / "to", capsys)


def test_a_number_that_the_model_reads_is_no_text(corpus):
    for name in ("summary_wm_mad", "summary_wm_median"):
        stranger.with_column(corpus, name, pa.array(["much"] * 3))
    with pytest.raises(CorpusError, match="summary_wm_mad"):
        allbrains.open(corpus)


def test_columns_that_are_missing_or_there_twice(corpus):
    stranger.with_column(corpus, "t1w_start ", pa.array([1, 2, 3]))
    stranger.without_column(corpus, "shard")
    with pytest.raises(CorpusError, match="no column shard"):
        allbrains.open(corpus)


def test_a_text_that_unpacks_to_petabytes_takes_no_memory(corpus):
    # one value of 8 MB in a dictionary, 2 million times: 16 TB as texts, 10 kB in the file
    many = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(2_000_000, np.int32)), pa.array(["x" * 8_000_000])
    )
    path = Layout(corpus).samples
    metadata = pq.read_schema(path).metadata
    table = pa.table({"scan_id": many}).replace_schema_metadata({**metadata})
    pq.write_table(table, path, compression="zstd", store_schema=False)
    assert path.stat().st_size < 5_000_000
    with pytest.raises(CorpusError, match=r"texts have \d+ bytes"):
        allbrains.open(corpus)


LINKS = {
    "a shard": lambda c: c / "shards" / "ds000011" / "ds000011-00000.parquet",
    "the samples table": lambda c: c / "samples.parquet",
    "the manifest": lambda c: c / "allbrains.json",
    "the ratings": lambda c: c / "ratings.tsv",
    "the digests": lambda c: c / "SHA256SUMS",
    "the splits": lambda c: c / "splits.parquet",
    "the ledger": lambda c: c / "ledger.sqlite",
}


@pytest.mark.parametrize("laid", [*product(LINKS, ["id_rsa", "/dev/zero", "a pipe"])], ids=str)
def test_links_and_pipes_in_the_place_of_files(laid, corpus, home, tmp_path, capsys):
    name, target = laid
    path = LINKS[name](corpus)
    path.unlink(missing_ok=True)
    if target == "a pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(home / target)
    nothing_gets_out(corpus, home, tmp_path / "to", capsys)


def test_a_link_with_a_fitting_row_is_not_published(corpus, home, tmp_path, capsys):
    shard = LINKS["a shard"](corpus)
    shutil.copy(shard, home / "own.parquet")  # sound bytes, even: still the user's own file
    shard.unlink()
    shard.symlink_to(home / "own.parquet")
    assert run(["publish", str(corpus), str(tmp_path / "to")]) == 1
    assert "a link that leads out" in capsys.readouterr().err
    assert not (tmp_path / "to" / "shards").exists()


def test_removing_and_repairing_touch_nothing_behind_a_link(corpus, home, capsys):
    shutil.rmtree(corpus / "shards" / "ds000002")
    (corpus / "shards" / "ds000002").symlink_to(home / "thesis")
    before = content(home)
    assert run(["remove", str(corpus), "--dataset", "ds000002"]) == 1
    assert "leads out" in capsys.readouterr().err
    shutil.move(corpus / "shards", corpus / "real")
    (corpus / "shards").symlink_to(home)
    stranger.with_ledger(corpus, "UPDATE scans SET dataset = 'thesis' WHERE dataset = 'ds000002'")
    assert run(["remove", str(corpus), "--dataset", "thesis"]) == 1
    run(["repair", str(corpus)])
    assert content(home) == before
    with pytest.raises(SystemExit):  # an empty name would be the folder of all datasets
        raise SystemExit(run(["remove", str(corpus), "--dataset", ""]))


def test_a_report_is_not_written_through_links(corpus, home, capsys):
    assert run(["report", str(corpus), "--volumes", "0"]) == 0
    page = corpus / "report" / "index.html"
    page.unlink()
    page.symlink_to(home / "id_rsa")
    assert run(["report", str(corpus), "--volumes", "0"]) == 1
    page.unlink()
    shutil.rmtree(corpus / "report" / "data")
    (home / "site").mkdir()
    (home / "site" / "about.js").write_text("mine")
    (corpus / "report" / "data").symlink_to(home / "site")
    assert run(["report", str(corpus), "--volumes", "0"]) == 1
    assert (home / "site" / "about.js").read_text() == "mine"
    assert (home / "id_rsa").read_text() == CANARY
    shutil.rmtree(corpus / "report")
    (corpus / "report").symlink_to(home)
    assert run(["report", str(corpus)]) == 1


LEDGERS = {
    "a scan that is no scan": ("UPDATE scans SET scan = '{}'",),
    "a scan nested without end": ("UPDATE scans SET scan = ?", DEEP.decode()),
    "a size of 10^400": (
        "UPDATE scans SET scan = replace(scan, '\"size\":1000', '\"size\":1' || ?)",
        "0" * 400,
    ),
    "a path that is a number": ('UPDATE scans SET scan = replace(scan, \'"session":""\', \'"session":5\')',),
    "an unknown reason": ("UPDATE outcomes SET reason = 'because'",),
    "a view": (
        "CREATE VIEW evil AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT x FROM c",
    ),
    "a trigger": ("CREATE TRIGGER evil AFTER DELETE ON scans BEGIN DELETE FROM outcomes; END",),
    "a shard of a number that is none": ("UPDATE scans SET shard = -5",),
}


@pytest.mark.parametrize("name", LEDGERS)
def test_a_ledger_is_read_or_refused(name, corpus, home, tmp_path, capsys):
    sql, *values = LEDGERS[name]
    stranger.with_ledger(corpus, sql, *values)
    assert run(["verify", str(corpus)]) == 1
    nothing_gets_out(corpus, home, tmp_path / "to", capsys)


def test_a_ledger_whose_own_tables_are_damaged_is_refused(corpus, capsys):
    """Seed 100111 of bench/fuzz_corpora.py: SQLite quotes the damaged text in its complaint."""
    path = Layout(corpus).ledger
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    data = path.read_bytes()
    path.write_bytes(data.replace(b"CREATE TABLE scans", b"CREATE TABLE \xff\xffans"))
    assert run(["verify", str(corpus)]) == 1
    assert "Traceback" not in capsys.readouterr().err


RATINGS = [
    b"\xff\xfe",
    b"scan_id\trating\n" + b"x" * 200_000 + b"\taccept\n",
    b"scan_id\trating\n\0\taccept\n",
    b"scan_id\trating\nx\tperhaps\n",
]


@pytest.mark.parametrize("text", RATINGS, ids=lambda text: repr(text[:30]))
def test_ratings_are_read_or_refused(text, corpus, capsys):
    (corpus / "ratings.tsv").write_bytes(text)
    assert run(["cite", str(corpus)]) in (0, 1)
    assert "Traceback" not in capsys.readouterr().err


def chunk_with(place: int, value: int) -> bytes:
    chunk = bytearray(codec.encode(np.arange(3000, dtype=np.uint16)))
    chunk[place] = value
    return bytes(chunk)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (31, 0x40),  # "uninitialised": the memory would be shown as it was
        (31, 0x20),
        (31, 0x30),
        (2, 0x0D | 0x80),  # zstd
        (2, 0x0D | 0xC0),  # a codec of one's own, found as a plug-in
        (2, 0x3D),  # lazy: the rest is in a file that the chunk names
        (21, 32),  # a filter of one's own
        (21, 3),
    ],
)
def test_a_chunk_is_unpacked_by_lz4_and_shuffle_alone(place, value):
    out = np.zeros(3000, np.uint16)
    with pytest.raises(CorpusError, match="blosc2"):
        codec.decode_into(chunk_with(place, value), out)


@pytest.mark.parametrize("nbytes", [0, 3000, 2**31 - 1])
def test_a_chunk_of_another_size_is_not_unpacked(nbytes):
    chunk = bytearray(codec.encode(np.arange(3000, dtype=np.uint16)))
    chunk[4:8] = struct.pack("<i", nbytes)
    with pytest.raises(CorpusError):
        codec.decode_into(bytes(chunk), np.zeros(3000, np.uint16))


WHERES = {
    "endless": "(select count(*) from range(1000000000000)) > 0",
    "huge": "length(repeat(path, 1000000000)) > 0 or len(range(4000000000)) > 1",
    "a file": "path in (select content from read_text('/etc/hostname'))",
    "deep": "(" * 5000 + "1=1" + ")" * 5000,
    "two statements": "true); drop table scans; --",
    "settings": "true; set enable_external_access = true",
}


@pytest.mark.parametrize("name", WHERES)
def test_a_condition_reaches_nothing_and_has_bounds(name):
    table = pa.table({"path": ["a", "b"]})
    with pytest.raises(ConfigurationError):
        condition.rows_where(
            f"SELECT {condition.ROW} FROM t WHERE ({WHERES[name]})", {"t": table}, longest_s=8
        )


def test_what_a_condition_takes_is_not_taken_from_the_reader(corpus, monkeypatch):
    monkeypatch.setattr("allbrains.condition.MOST_BYTES", 1 << 30)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ConfigurationError, match="where 'len"):
        allbrains.open(corpus, where="len(range(400000000)) > 1")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000  # kB
