"""What recipes need beyond the package: told before anything starts, and no part of the fingerprint."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from allbrains import recipes
from allbrains.errors import ConfigurationError
from allbrains.recipe import Lack
from allbrains.steps import antspynet_bridge, deepmriprep_bridge
from allbrains.steps.device import device_lack
from allbrains.steps.weights import demand, digest_of, files_lacking

ANTSPYNET = {name for files in antspynet_bridge.FILES.values() for name in files}
BRIDGES = {
    "antspynet": (antspynet_bridge, ANTSPYNET),
    "deepmriprep": (deepmriprep_bridge, {*deepmriprep_bridge.FILES}),
}


def files_missing(name: str) -> set[str]:
    lacks = recipes.load(name).missing()
    return {Path(lack.what).name for lack in lacks if lack.what.startswith("file ")}


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_that_comes_with_the_package_loads(name):
    recipe = recipes.load(name)
    assert recipe.name == name
    assert {"to_template", "measure"} <= {step.name for step in recipe.steps}


@pytest.mark.parametrize("name", ["embedded", "ants"])
def test_these_recipes_need_nothing_more(name):
    assert recipes.ready(name).missing() == []


@pytest.mark.parametrize("name", list(BRIDGES))
def test_each_missing_file_is_told_once_with_its_source(name, tmp_path, monkeypatch):
    bridge, files = BRIDGES[name]
    monkeypatch.setenv(bridge.CACHE_VARIABLE, str(tmp_path))
    told = [lack for lack in recipes.load(name).missing() if lack.what.startswith("file ")]
    assert sorted(lack.what for lack in told) == sorted(f"file {tmp_path / file}" for file in files)
    assert all("https://" in lack.remedy for lack in told)


@pytest.mark.parametrize("name", list(BRIDGES))
def test_a_file_that_is_there_is_not_asked_for(name, tmp_path, monkeypatch):
    bridge, files = BRIDGES[name]
    monkeypatch.setenv(bridge.CACHE_VARIABLE, str(tmp_path))
    first, *others = sorted(files)
    (tmp_path / first).write_bytes(b"weights")
    assert files_missing(name) == set(others)


def test_the_steps_own_folder_wins_over_the_environments(tmp_path, monkeypatch):
    monkeypatch.setenv(antspynet_bridge.CACHE_VARIABLE, "/elsewhere")
    assert antspynet_bridge.folder_of(str(tmp_path)) == tmp_path
    assert antspynet_bridge.folder_of("") == Path("/elsewhere")


def test_where_files_lie_and_networks_run_is_no_part_of_the_fingerprint():
    text = recipes.text("antspynet")
    moved = recipes.parse(
        text.replace('use = "deep_atropos"', 'use = "deep_atropos"\ncache = "/x"'), origin="x"
    )
    other = recipes.parse(
        text.replace('use = "antspynet_mask"', 'use = "antspynet_mask"\nthreshold = 0.4'), origin="x"
    )
    assert moved.steps != recipes.load("antspynet").steps
    assert moved.fingerprint == recipes.load("antspynet").fingerprint != other.fingerprint
    assert "/x" not in moved.as_json()


def test_a_device_goes_to_the_steps_that_can_choose_one():
    recipe = recipes.load("embedded")
    moved = recipe.on("cuda")
    assert [s.name for s in moved.steps if getattr(s, "device", "") == "cuda"] == ["brain_mask"]
    assert moved.fingerprint == recipe.fingerprint
    assert recipe.on("") is recipe


def test_a_device_that_is_not_there_is_missing():
    assert device_lack("cpu") == []
    assert bool(device_lack("cuda")) != torch.cuda.is_available()
    assert device_lack("tpu")[0].remedy == "there are cpu and cuda"


def test_memory_is_a_number_and_no_part_of_the_fingerprint():
    text = recipes.text("embedded")
    more = recipes.parse("memory_mb = 9000\n" + text, origin="x")
    assert (more.memory_mb, more.fingerprint) == (9000, recipes.load("embedded").fingerprint)
    with pytest.raises(ConfigurationError, match="memory_mb is 'much'"):
        recipes.parse('memory_mb = "much"\n' + text, origin="x")


def test_what_is_missing_is_refused_in_one_message():
    demand([])
    with pytest.raises(ConfigurationError, match="weights: copy them; package x: install it"):
        demand([Lack(what="weights", remedy="copy them"), Lack(what="package x", remedy="install it")])


def test_a_digest_tells_other_weights_and_nothing_else(tmp_path):
    names = {"a": "", "b": ""}
    for name in names:
        (tmp_path / name).write_text(name)
    before = digest_of(tmp_path, names)
    assert files_lacking(tmp_path, names) == []
    assert digest_of(tmp_path, dict(reversed(names.items()))) == before
    (tmp_path / "b").write_text("c")
    assert digest_of(tmp_path, names) != before


def run(*arguments: object, cache: Path) -> subprocess.CompletedProcess[str]:
    variables = {antspynet_bridge.CACHE_VARIABLE: str(cache)}
    command = [sys.executable, "-m", "allbrains", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **variables})


def test_build_ends_before_it_starts_and_doctor_says_how_to_go_on(tmp_path):
    built = run("build", "--recipe", "antspynet", "--out", tmp_path / "corpus", cache=tmp_path / "cache")
    assert built.returncode == 2
    assert not (tmp_path / "corpus").exists()
    asked = run("doctor", "--recipe", "antspynet", "--out", tmp_path, cache=tmp_path / "cache")
    assert asked.returncode == 2
    for name in ANTSPYNET:
        assert str(tmp_path / "cache" / name) in built.stderr
        assert str(tmp_path / "cache" / name) in asked.stdout
    assert not (tmp_path / "cache").exists()
