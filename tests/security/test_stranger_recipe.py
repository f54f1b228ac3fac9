"""A recipe and a lock file of a stranger are read or refused in a sentence."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from allbrains import recipes
from allbrains.errors import ConfigurationError
from allbrains.sources import pins

ROOT = Path(__file__).parents[2]
RECIPES = [
    b"a = " + b"[" * 5000,
    b"\xff",
    b"steps = 5",
    b"steps = [5]",
    b"[[steps]]\nuse = 'canonical'\n" * 1000,
    b"memory_mb = inf\n[[steps]]\nuse = 'canonical'",
    b"memory_mb = 1e300\n[[steps]]\nuse = 'canonical'",
    b"[[steps]]\nuse = 'os:system'",
    b"[[steps]]\nuse = 'to_template'\nspacing_mm = 'x'",
    b"day = 0000-00-00\n",
    b"x" * (2 << 20),
]


@pytest.mark.parametrize("text", RECIPES, ids=lambda text: repr(text[:30]))
def test_a_recipe(text, tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_bytes(text)
    with pytest.raises(ConfigurationError):
        recipes.load(str(path))


LOCKS = [
    b"[" * 200_000,
    b'{"allbrains_lock": 1, "datasets": ' + b"[" * 200_000,
    b'{"allbrains_lock": 1, "datasets": {"x": 5}}',
    b'{"allbrains_lock": 1e400, "datasets": {}}',
    b'{"allbrains_lock": 1, "datasets": []}',
    b"\xff",
    b"9" * 10_000,
]


@pytest.mark.parametrize("text", LOCKS, ids=lambda text: repr(text[:40]))
def test_a_lock_file(text, tmp_path):
    path = tmp_path / "catalog.lock.json"
    path.write_bytes(text)
    with pytest.raises(ConfigurationError):
        pins.load(path)


@pytest.mark.parametrize("load", [lambda path: recipes.load(str(path)), pins.load])
def test_a_pipe_or_a_device_holds_nobody(load, tmp_path):
    path = tmp_path / "x.toml"
    os.mkfifo(path)
    with pytest.raises(ConfigurationError, match="pipe"):
        load(path)
    path.unlink()
    path.symlink_to("/dev/zero")
    with pytest.raises(ConfigurationError, match="device"):
        load(path)


def test_each_test_that_the_page_names_is_there():
    named = re.findall(r"`([a-z0-9]+/test_\w+\.py)`", (ROOT / "docs/concepts/security.md").read_text())
    assert len(named) > 40
    assert [name for name in named if not (ROOT / "tests" / name).exists()] == []
