"""The bench: every form gives what the corpus holds, and every kind of read gets its lines."""

import json

import numpy as np
import pytest

import allbrains
from allbrains.bench import rivals
from allbrains.bench.timing import costs
from allbrains.cli.main import run
from allbrains.store.layout import Layout
from allbrains.testing.corpora import ToyStory, scan, write

MAPS = ("t1w", "gm")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("bench") / "out"
    write(Layout(root), ToyStory(scans=tuple(scan(number) for number in range(3))))
    return root


@pytest.mark.parametrize("window", [None, (slice(2, 8), slice(0, 9), slice(4, 5))])
def test_every_form_holds_the_same(root, tmp_path, window):
    brains = allbrains.open(root)
    rivals.write_nifti(brains, MAPS, tmp_path)
    rivals.write_npy(brains, MAPS, tmp_path)
    part = window or (slice(None),) * 3
    for index in range(3):
        for place, name in enumerate(MAPS):
            integers, values = brains.integers(name, index)[part], brains.values(name, index)[part]
            np.testing.assert_array_equal(rivals.shards(brains, MAPS, window)(index)[place], integers)
            np.testing.assert_array_equal(rivals.npy(tmp_path, MAPS, window)(index)[place], integers)
            np.testing.assert_allclose(rivals.nifti(tmp_path, MAPS, window)(index)[place], values, rtol=1e-6)


def test_costs_are_of_a_sample_and_the_best_round_counts():
    rounds = []

    def task():
        rounds.append(None)
        return 10

    found = costs({"one": task, "other": task}, rounds=3)
    assert len(rounds) == 6
    assert set(found) == {"one", "other"}
    assert all(0 <= cost.cpu_ms < 100 for cost in found.values())


def test_the_command(root, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("allbrains.bench.reading._loaders", lambda *_: {})  # processes take seconds to start
    assert run(["bench", str(root), "--rounds", "1", "--scratch", str(tmp_path), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line["what"] for line in lines} == {"whole", "one map", "patch"}
    assert {"decode only", "shards, loop", ".nii.gz, nibabel", ".npy, mapped"} <= {
        line["how"] for line in lines
    }
    assert all(line["ratio"] == 1 for line in lines if line["how"] == "decode only")
    assert list(tmp_path.iterdir()) == []


def test_a_corpus_without_samples(tmp_path, capsys):
    write(Layout(tmp_path / "out"), ToyStory(scans=()))
    assert run(["bench", str(tmp_path / "out")]) == 2
    assert "no samples with the maps t1w and gm" in capsys.readouterr().err
