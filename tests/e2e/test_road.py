"""From a served OpenNeuro to a training batch, and what must survive on the way."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest

import allbrains as library
from allbrains.testing.phantoms import Acquisition, phantom
from tests.e2e.conftest import QUICK, allbrains


def rows(out: Path) -> dict[str, dict]:
    table = pq.read_table(out / "samples.parquet").to_pylist()
    return {f"{row['dataset']}/{row['path']}": row for row in table}


def digests(out: Path) -> dict[str, str]:
    files = [*out.glob("shards/**/*.parquet"), out / "samples.parquet"]
    return {str(f.relative_to(out)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def test_every_planned_scan_has_exactly_one_outcome(corpus, world):
    found = {key: row["outcome"] for key, row in rows(corpus).items()}
    listed = {key for key in world.bad if not key.endswith("sub-empty_T1w.nii.gz")}
    assert found == dict.fromkeys(world.good, "done") | dict.fromkeys(listed, "rejected")


def test_each_broken_scan_has_its_reason_and_a_sentence(corpus, world):
    for key, row in rows(corpus).items():
        if row["outcome"] == "rejected":
            assert row["reason"] == world.bad[key], (key, row["detail"])
            assert len(row["detail"]) > 10


def test_what_is_not_a_scan_at_all_is_excluded_with_a_reason(corpus):
    table = pq.read_table(corpus / "catalog" / "exclusions.parquet").to_pylist()
    assert any("sub-empty" in row["path"] and row["evidence"] for row in table)


def test_samples_carry_labels_and_volumes_near_the_truth(corpus):
    truth = phantom(2, Acquisition(spacing=(2.0, 2.0, 2.0)))
    row = rows(corpus)["ds900001/sub-02/anat/sub-02_T1w.nii.gz"]
    assert (row["age_years"], row["sex"]) == (22.0, "female")
    assert row["brain_mask_ml"] == pytest.approx(truth.volumes_ml["brain"], rel=0.08)
    assert row["gm_ml"] + row["wm_ml"] + row["csf_ml"] == pytest.approx(row["brain_mask_ml"], rel=1e-5)
    assert row["folded_fraction"] == 0
    assert row["template_correlation"] > 0.85


def test_modulation_keeps_the_native_volume(corpus):
    for brain in library.open(corpus, maps=["gm", "logjac"]):
        modulated = brain.gm * np.exp(brain.logjac) * brain.row["affine_determinant"]
        voxel_ml = abs(np.linalg.det(brain.affine[:3, :3])) / 1000
        assert modulated.sum() * voxel_ml == pytest.approx(brain.row["gm_ml"], rel=0.02)


def test_a_torch_batch_comes_out(corpus):
    from torch.utils.data import DataLoader

    brains = library.open(corpus, maps=["t1w", "gm"], where="age_years is not null")
    batch = next(iter(DataLoader(brains.torch(["age_years"]), batch_size=4)))
    assert tuple(batch["t1w"].shape) == (3, 80, 96, 80)
    assert batch["gm"].max() <= 1


def test_the_second_build_does_nothing(corpus, world):
    before = digests(corpus)
    done = allbrains(*world.build(corpus))
    assert done.returncode == 0
    assert "settled already" in done.stderr
    assert digests(corpus) == before


def test_kill_9_in_the_middle_then_again_gives_the_same_bytes(world, package, tmp_path):
    undisturbed, out = tmp_path / "undisturbed", tmp_path / "corpus"
    once = allbrains(*world.build(undisturbed, recipe=package.recipe), env=package.env)
    assert once.returncode == 0, once.stdout + once.stderr
    command = [sys.executable, "-m", "allbrains", *world.build(out, recipe=package.recipe)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    driver = subprocess.Popen(command, env=package.env, **quiet)
    end = time.monotonic() + 300
    while time.monotonic() < end and not list(out.glob("staging/*.parquet")):
        time.sleep(0.02)
    children = psutil.Process(driver.pid).children(recursive=True)
    assert children, "the driver has no workers: nothing is being interrupted"
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive
    assert list((out / "staging").iterdir()), "all was sealed: nothing was interrupted"
    again = allbrains(*world.build(out, recipe=package.recipe), env=package.env)
    assert again.returncode == 0, again.stderr
    assert {row["outcome"] for row in rows(out).values()} == {"done", "rejected"}
    assert digests(out) == digests(undisturbed)
    assert not list((out / "staging").iterdir())
    assert not list(out.rglob("*.tmp"))


def test_ctrl_c_ends_the_run_soon_and_leaves_nobody_behind(world, tmp_path):
    out = tmp_path / "corpus"
    command = [sys.executable, "-m", "allbrains", *world.build(out)]
    driver = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 120
    children: list[psutil.Process] = []
    while time.monotonic() < end and len(children) < 2:
        children = psutil.Process(driver.pid).children(recursive=True)
        time.sleep(0.1)
    driver.send_signal(signal.SIGINT)
    _, said = driver.communicate(timeout=60)
    assert driver.returncode == 130
    assert "goes on where this one stopped" in said
    assert "Traceback" not in said
    assert not psutil.wait_procs(children, timeout=20)[1]
    told = json.loads(allbrains("status", out, "--json").stdout)
    assert (told["run"]["ended"], told["run"]["running"]) == ("interrupted", False)
    assert told["pending"] == told["planned"] - told["done"] - sum(told["rejected"].values())


def test_lines_for_machines(corpus, world):
    done = allbrains(*world.build(corpus, "--json"))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["event"] for line in lines] == ["figures"] * len(lines)  # all is settled
    assert lines[-1]["ended"] == "finished"


def test_no_token_reaches_an_artefact(corpus):
    for path in corpus.rglob("*"):
        if path.is_file():
            assert b"canary-7f3a" not in path.read_bytes(), path


def test_another_recipe_needs_another_folder(corpus, world, tmp_path):
    other = tmp_path / "other.toml"
    other.write_text(QUICK.read_text().replace("iterations = 10", "iterations = 11"))
    arguments = world.build(corpus)
    arguments[arguments.index(str(QUICK))] = str(other)
    done = allbrains(*arguments)
    assert done.returncode == 2
    assert "use another --out" in done.stderr
