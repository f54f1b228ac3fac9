"""An interrupted run ends as an undisturbed one; two processes learn what one does."""

import json
import os
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from allbrains.errors import ConfigurationError, CorpusError
from allbrains.learn.experiment import learn
from allbrains.learn.settings import settings_for

TINY = """
pool = 1
widths = [4, 8]
epochs = 2
batch = 16
checkpoint_steps = 2
bootstrap = 20
threads = 1
"""


class PowerCut(Exception):
    pass


def cut_at(step):
    def at(name):
        if name == f"step {step}":
            raise PowerCut

    return at


def weights(folder):
    return load_file(folder / "checkpoint.safetensors")


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def losses(folder):
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [(line["loss"], line["validation_loss"]) for line in lines]


@pytest.mark.parametrize("task", ["age", "contrastive"])
def test_an_interrupted_run_ends_as_an_undisturbed_one(task, strangers, tmp_path):
    settings = settings_for(task, TINY + ('maps = ["gm"]' if task == "contrastive" else ""))
    learn(strangers, tmp_path / "whole", settings)
    for step in (3, 8):  # in the first epoch behind a checkpoint, and in the second
        with pytest.raises(PowerCut):
            learn(strangers, tmp_path / "cut", settings, at=cut_at(step))
    learn(strangers, tmp_path / "cut", settings)
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "cut"))
    assert losses(tmp_path / "whole") == losses(tmp_path / "cut")


def test_the_second_call_trains_nothing_and_tells_the_same(strangers, tmp_path):
    settings = settings_for("sex", TINY)
    first = learn(strangers, tmp_path, settings)
    before = (tmp_path / "checkpoint.safetensors").stat().st_mtime_ns
    assert learn(strangers, tmp_path, settings, at=cut_at(0)).scores == first.scores
    assert (tmp_path / "checkpoint.safetensors").stat().st_mtime_ns == before


def test_other_settings_do_not_go_on_in_the_same_folder(strangers, tmp_path):
    learn(strangers, tmp_path, settings_for("age", TINY, {"epochs": 1}))
    with pytest.raises(ConfigurationError, match="other settings"):
        learn(strangers, tmp_path, settings_for("age", TINY, {"epochs": 1, "seed": 1}))


def test_a_damaged_checkpoint_is_named(strangers, tmp_path):
    settings = settings_for("age", TINY, {"epochs": 1})
    learn(strangers, tmp_path, settings)
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CorpusError, match="checkpoint"):
        learn(strangers, tmp_path, settings)


def test_bfloat16_learns_too(strangers, tmp_path):
    settings = settings_for("age", TINY, {"precision": "bfloat16", "epochs": 1})
    learn(strangers, tmp_path, settings)
    plain = settings_for("age", TINY, {"epochs": 1})
    learn(strangers, tmp_path / "plain", plain)
    assert losses(tmp_path)[0][0] == pytest.approx(losses(tmp_path / "plain")[0][0], rel=0.02)
    assert losses(tmp_path) != losses(tmp_path / "plain")


def test_two_processes_learn_what_one_does(strangers, tmp_path):
    """Together they see the same batches, so the averaged gradients are the same but for rounding."""
    config = tmp_path / "tiny.toml"
    config.write_text(TINY + "dropout = 0.0\naugment = 0.0\n")
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
        *("-m", "allbrains", "learn", "age", str(strangers), "--epochs", "1"),
        *("--config", str(config), "--to", str(tmp_path / "two")),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=900, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("mean absolute error, years") == 3  # one process tells
    learn(
        strangers, tmp_path / "one", settings_for("age", TINY, {"dropout": 0.0, "augment": 0.0, "epochs": 1})
    )
    one, two = (load_file(tmp_path / name / "network.safetensors") for name in ("one", "two"))
    for name, values in one.items():
        torch.testing.assert_close(two[name], values, rtol=2e-3, atol=2e-4)
