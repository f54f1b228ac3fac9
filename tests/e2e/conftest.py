"""A served OpenNeuro of phantoms, and a corpus built from it, once for all tests of this folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from allbrains import sandbox
from allbrains.testing.broken import write_bad_inputs
from allbrains.testing.datasets import write_about, write_scan
from allbrains.testing.phantoms import Acquisition, phantom

HERE = Path(__file__).parent
QUICK = HERE / "quick.toml"
HEADS = ("1", "2")
# native code, resampling and packing; networks, bias field and affine take ten times as long
CHEAP = """
name = "cheap"
[[steps]]
use = "canonical"
[[steps]]
use = "cheap_head"
[[steps]]
use = "greedy_to_template"
iterations = [1, 0, 0]
[[steps]]
use = "to_template"
spacing_mm = 4.0
"""


def allbrains(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does, in a process of its own."""
    command = [sys.executable, "-m", "allbrains", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=900, **options)


@dataclass(frozen=True)
class World:
    """Where the local OpenNeuro is, and what must become of its scans."""

    api: str
    bucket: str
    good: frozenset[str]
    bad: dict[str, str]

    def build(self, out: Path, *more: object, recipe: Path = QUICK) -> list[str]:
        """Return the arguments that build everything here into ``out``."""
        options = {"--api": self.api, "--bucket": self.bucket, "--out": out, "--recipe": recipe, "--jobs": 2}
        return ["build", *(str(word) for pair in options.items() for word in pair), *map(str, more)]


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("openneuro")
    people = root / "ds900001"
    coarse = Acquisition(spacing=(2.0, 2.0, 2.0))
    for number in HEADS:
        path = people / f"sub-0{number}" / "anat" / f"sub-0{number}_T1w.nii.gz"
        path.parent.mkdir(parents=True)
        write_scan(path, phantom(int(number), coarse).t1w)
    write_about(people, "Computed heads", {f"0{n}": (f"2{n}", "female") for n in HEADS})
    bad = write_bad_inputs(root / "ds900002")
    with sandbox.serve(root) as local:
        yield World(
            api=local.api,
            bucket=local.bucket,
            good=frozenset(
                [f"ds900001/sub-0{n}/anat/sub-0{n}_T1w.nii.gz" for n in HEADS]
                + ["ds900002/sub-good/anat/sub-good_T1w.nii.gz"]
            ),
            bad={f"ds900002/{path}": reason for path, reason in bad.items()},
        )


@pytest.fixture(scope="session")
def corpus(world, tmp_path_factory) -> Path:
    """The undisturbed build."""
    out = tmp_path_factory.mktemp("undisturbed") / "corpus"
    done = allbrains(*world.build(out), env={**os.environ, "HF_TOKEN": "canary-7f3a"})
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@dataclass(frozen=True)
class Package:
    """A package of somebody's own step, as pip leaves it, and a recipe that uses it.

    Attributes:
        recipe: the cheapest that makes a sample: for tests of what runs it, not of what it does.
        env: an environment in which the package is found.
    """

    recipe: Path
    env: dict[str, str]


@pytest.fixture(scope="session")
def package(tmp_path_factory) -> Package:
    folder = tmp_path_factory.mktemp("package")
    shutil.copy(HERE / "cheap_head.py", folder)
    about = folder / "cheap_head-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: cheap_head\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[allbrains.steps]\ncheap_head = cheap_head:CheapHead\n")
    (folder / "recipe.toml").write_text(CHEAP)
    paths = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))
    return Package(recipe=folder / "recipe.toml", env={**os.environ, "PYTHONPATH": paths})
