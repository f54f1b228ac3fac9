"""The iterable dataset: the same batches in the same order, with and without workers."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import allbrains
from allbrains.errors import ConfigurationError


@pytest.fixture(scope="module")
def brains(eleven):
    return allbrains.open(eleven, maps=["gm"])


def subjects(loader):
    return [batch["subject"] for batch in loader]


def test_workers_change_nothing(brains):
    dataset = brains.torch_batches(2, ["subject", "age_years"], shuffle=4, crop=(6, 8, 5))
    alone = list(DataLoader(dataset, batch_size=None))
    dataset.set_epoch(0)
    loader = DataLoader(dataset, batch_size=None, num_workers=2, multiprocessing_context="spawn")
    for one, other in zip(alone, loader, strict=True):
        assert one["subject"] == other["subject"]
        assert one["gm"].dtype == torch.float32
        torch.testing.assert_close(one["gm"], other["gm"], rtol=0, atol=0)
        torch.testing.assert_close(one["age_years"], other["age_years"], rtol=0, atol=0)


def test_epochs_and_states(brains):
    dataset = brains.torch_batches(2, ["subject"], shuffle=4)
    first, second = subjects(dataset), subjects(dataset)
    assert first != second
    dataset.set_epoch(1)
    assert subjects(dataset) == second
    dataset.set_epoch(1)
    running = iter(dataset)
    for _ in range(4):
        next(running)
    other = brains.torch_batches(2, ["subject"], shuffle=4)
    other.load_state_dict(dataset.state_dict())
    assert subjects(other) == second[4:]
    assert len(dataset) == 6


def test_an_epoch_goes_on_in_the_same_order_with_any_number_of_workers(brains):
    batches = brains.batches(2, shuffle=4)
    whole = [batch.places.tolist() for batch in batches]
    for workers in (1, 2, 3):
        for done in range(5):
            state = batches.state_dict() | {"epoch": 0, "batches": done}
            parts = []
            for worker in range(workers):
                batches.load_state_dict(state)
                parts.append([batch.places.tolist() for batch in batches.part(worker, workers, threads=1)])
            in_turn = [parts[n % workers][n // workers] for n in range(len(whole) - done)]
            assert in_turn == whole[done:]


def test_integers_travel_with_their_steps(brains):
    (item,) = brains.torch_batches(11, ["subject"], integers=True)
    assert item["gm"].dtype == torch.uint8
    values = item["gm"] * item["gm_scale"][:, None, None, None]
    np.testing.assert_allclose(values[3].numpy(), brains[3].gm, rtol=1e-6)
    assert item["gm_offset"].tolist() == [0.0] * 11


def test_columns(brains):
    (item,) = brains.torch_batches(11)
    assert {"gm", "age_years", "gm_ml", "subject"} <= set(item)
    assert "gm_start" not in item
    with pytest.raises(ConfigurationError, match="no column weight"):
        brains.torch_batches(2, ["weight"])
