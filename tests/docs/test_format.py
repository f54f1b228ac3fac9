"""The format's own readers, as printed in its specification, read what the package writes."""

import inspect
import json
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import allbrains
from allbrains.store import quantise
from allbrains.store.layout import Layout
from allbrains.store.manifest import FORMAT_VERSION
from allbrains.testing.corpora import MAPS, ToyStory, sample, scan, write

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "format.md"


@pytest.fixture(scope="module")
def reader():
    names = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(code, str(PAGE), "exec"), names)
    return names


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    layout = Layout(tmp_path_factory.mktemp("format") / "out")
    write(layout, ToyStory(scans=(scan(0), scan(1), scan(7, "a name with blanks"))))
    return layout


def expected(number, name):
    stored = sample(number).maps[name]
    return quantise.values(stored.array, stored.scale, stored.offset)


def test_the_reader_reads_every_shard(reader, layout):
    seen = []
    for path in layout.shards.rglob("*.parquet"):
        for row, maps in reader["samples"](path):
            number = int(row["path"][4:8])
            seen.append(number)
            assert row["montage"] == sample(number).montage
            assert json.loads(row["numbers"])["gm_ml"] == 600.0 + number
            assert tuple(maps) == MAPS
            for name, (values, affine) in maps.items():
                assert values.dtype == np.float32
                np.testing.assert_array_equal(values, expected(number, name))
                np.testing.assert_array_equal(affine, allbrains.open(layout.root).specs[name].affine)
    assert sorted(seen) == [0, 1, 7]


def test_one_map_is_where_the_samples_table_says(reader, layout):
    table = pq.read_table(layout.samples)
    specs = json.loads(table.schema.metadata[b"allbrains.maps"])
    for row in table.to_pylist():
        for name in MAPS:
            values = reader["one_map"](layout.root, row, name, specs[name])
            np.testing.assert_array_equal(values, expected(int(row["subject"]), name))


def test_the_readers_need_only_what_they_say(reader):
    modules = {value.__name__.partition(".")[0] for value in reader.values() if inspect.ismodule(value)}
    assert modules == {"json", "zlib", "blosc2", "numpy", "pyarrow"}


def test_every_file_says_its_version_and_the_page_is_about_it(layout):
    assert PAGE.read_text(encoding="utf-8").startswith(f"# The corpus format, version {FORMAT_VERSION}\n")
    assert json.loads(layout.manifest.read_text())["format_version"] == FORMAT_VERSION
    for path in layout.root.rglob("*.parquet"):
        assert pq.read_schema(path).metadata[b"allbrains.format"] == str(FORMAT_VERSION).encode(), path


def test_every_column_of_a_shard_is_on_the_page(layout):
    page = PAGE.read_text(encoding="utf-8")
    path = next(layout.shards.rglob("*.parquet"))
    general = {re.sub(rf"^({'|'.join(MAPS)})(?=_|$)", "<map>", name) for name in pq.read_schema(path).names}
    assert [name for name in general if f"`{name}`" not in page] == []
