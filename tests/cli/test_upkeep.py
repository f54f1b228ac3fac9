"""``verify``, ``repair`` and ``remove``: what they print, and their exit codes."""

import pytest

from allbrains.cli.main import run
from allbrains.store.layout import Layout, ShardKey
from allbrains.testing.corpora import ToyStory, scan, write

STORY = ToyStory(scans=(scan(0), scan(1), scan(7, "ds000002")))


@pytest.fixture
def layout(tmp_path):
    write(Layout(tmp_path / "out"), STORY)
    return Layout(tmp_path / "out")


def test_verify_repair_build_verify(layout, capsys):
    out = str(layout.root)
    assert run(["verify", out]) == 0
    assert capsys.readouterr().out == ""
    layout.shard(ShardKey("ds000002", 0)).unlink()
    assert run(["verify", out]) == 1
    assert "ds000002-00000.parquet is missing, with 1 samples" in capsys.readouterr().out
    assert run(["repair", out]) == 0
    assert "1 scans will be done again" in capsys.readouterr().err
    write(layout, STORY)
    assert run(["verify", out]) == 0


def test_remove(layout, capsys):
    assert run(["remove", str(layout.root), "--dataset", "ds000011"]) == 0
    assert "2 scans of ds000011 removed" in capsys.readouterr().err
    assert run(["verify", str(layout.root)]) == 0
    assert run(["remove", str(layout.root), "--dataset", "ds000011"]) == 2


@pytest.mark.parametrize("command", [["verify"], ["repair"], ["remove", "--dataset", "ds000011"]])
def test_no_corpus_is_told_and_nothing_is_made(tmp_path, command):
    name, *options = command
    assert run([name, str(tmp_path / "nowhere"), *options]) == 2
    assert not (tmp_path / "nowhere").exists()
