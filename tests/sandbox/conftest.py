"""A running sandbox on the small datasets."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from small_datasets import make

from allbrains import sandbox

# a machine that does something else meanwhile is no failure
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make(tmp_path / "root")


@pytest.fixture
def server(root: Path) -> Iterator[sandbox.Sandbox]:
    with sandbox.serve(root) as running:
        yield running


@pytest.fixture(scope="session")
def steady_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that no test changes."""
    return make(tmp_path_factory.mktemp("steady") / "root")


@pytest.fixture(scope="session")
def steady(steady_root: Path) -> Iterator[sandbox.Sandbox]:
    """A sandbox that all tests share."""
    with sandbox.serve(steady_root) as running:
        yield running
