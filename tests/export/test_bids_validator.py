"""What is exported passes BIDS' own validator, in both spaces; and what is wrong does not."""

import subprocess
import sys
from pathlib import Path

import pytest

import allbrains
from allbrains.export.derivatives import export
from allbrains.store.layout import Layout
from allbrains.testing.corpora import ToyStory, scan, write

VALIDATOR = Path(sys.executable).with_name("bids-validator-deno")


@pytest.fixture(scope="module")
def brains(tmp_path_factory):
    root = tmp_path_factory.mktemp("corpus") / "out"
    write(Layout(root), ToyStory(scans=(scan(0), scan(1))))
    return allbrains.open(root)


@pytest.mark.parametrize("space", ["template", "native"])
def test_the_validator_has_no_error(brains, tmp_path, space):
    images = list(export(brains, tmp_path, space=space))
    command = [VALIDATOR, tmp_path / "ds000011"]
    passed = subprocess.run(command, capture_output=True, text=True)
    assert passed.returncode == 0, passed.stdout
    assert "2 - Subjects" in passed.stdout
    mask = next(path for path in images if "desc-brain_mask" in path.name)
    mask.rename(mask.with_name(mask.name.replace("desc-brain_mask", "desc-brain_head")))
    assert subprocess.run(command, capture_output=True).returncode != 0
