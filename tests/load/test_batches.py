"""Batches: every sample once, whatever the threads; what is kept stays; an epoch can be gone on with."""

import pickle
from itertools import chain

import numpy as np
import pytest
import torch

import allbrains
from allbrains.errors import ConfigurationError, CorpusError
from allbrains.load.buffers import Buffers
from allbrains.store.layout import Layout, ShardKey
from allbrains.testing.corpora import SHAPE, ToyStory, sample, scan, write

CROP = (6, 8, 5)


@pytest.fixture(scope="module")
def brains(eleven):
    return allbrains.open(eleven, maps=["t1w", "gm", "modulated_gm"])


def places(batches):
    return [batch.places.tolist() for batch in batches]


def test_a_batch_is_its_brains(brains):
    (batch,) = brains.batches(11)
    assert batch.maps["t1w"].dtype == np.uint16
    for at, place in enumerate(batch.places):
        np.testing.assert_array_equal(batch.maps["t1w"][at], sample(place).maps["t1w"].array)
        for name in ("t1w", "gm", "modulated_gm"):
            np.testing.assert_array_equal(getattr(batch, name)[at], getattr(brains[place], name))


def test_modulated_tissue_is_tissue_times_both_determinants(brains):
    brain = allbrains.open(brains.shelf.root)[3]
    expected = brain.gm * np.exp(brain.logjac) * 0.75
    np.testing.assert_allclose(brains[3].modulated_gm, expected, rtol=1e-6)
    assert brains[3].modulated_gm.dtype == np.float32


@pytest.mark.parametrize("threads", [1, 4])
def test_crops_are_windows_of_the_maps_whatever_the_threads(brains, threads):
    for batch in brains.batches(4, shuffle=3, crop=CROP, threads=threads):
        for at, place in enumerate(batch.places):
            window = tuple(slice(c, c + n) for c, n in zip(batch.corners[at], CROP, strict=True))
            for name in ("t1w", "gm", "modulated_gm"):
                np.testing.assert_array_equal(getattr(batch, name)[at], getattr(brains[place], name)[window])


def test_columns_follow_the_samples(brains):
    for batch in brains.batches(4, shuffle=1):
        np.testing.assert_array_equal(batch.column("age_years"), 20.0 + batch.places)
        assert batch.column("subject") == [f"{place:04d}" for place in batch.places]
        with pytest.raises(ConfigurationError, match="no column weight"):
            batch.column("weight")
        with pytest.raises(AttributeError, match="no map 'wm' here"):
            _ = batch.wm


def test_every_epoch_has_every_sample_once_in_another_order(brains):
    batches = brains.batches(4, shuffle=1)
    epochs = [places(batches) for _ in range(3)]
    for epoch in epochs:
        assert len(epoch) == len(batches) == 3
        assert sorted(chain(*epoch)) == list(range(11))
    assert len({str(epoch) for epoch in epochs}) == 3
    again = brains.batches(4, shuffle=1)
    again.set_epoch(2)
    assert places(again) == epochs[2]


def test_ranks_share_an_epoch(brains):
    parts = [list(chain(*places(brains.batches(2, shuffle=1, rank=rank, world=3)))) for rank in range(3)]
    assert [len(part) for part in parts] == [3, 3, 3]
    assert len(set(chain(*parts))) == 9


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_an_epoch_goes_on_where_it_stopped(brains, stop):
    whole = brains.batches(4, shuffle=5, crop=CROP)
    first, second = [list(whole), list(whole)]
    broken = brains.batches(4, shuffle=5, crop=CROP, threads=1, ahead=0)
    list(broken)
    running = iter(broken)
    for _ in range(stop):
        next(running)
    state = pickle.loads(pickle.dumps(broken.state_dict()))
    running.close()
    resumed = brains.batches(4, shuffle=5, crop=CROP)
    resumed.load_state_dict(state)
    rest = list(resumed)
    expected = (
        second[stop:] if stop else []
    )  # before the first batch of an epoch, the one before is at its end
    assert [b.places.tolist() for b in rest] == [b.places.tolist() for b in expected]
    for one, other in zip(rest, expected, strict=True):
        np.testing.assert_array_equal(one.t1w, other.t1w)
    assert len(first) == 3


def test_a_state_of_something_else_is_refused(brains):
    state = brains.batches(4, shuffle=5).state_dict()
    for other in (brains.batches(4, shuffle=6), brains.batches(3, shuffle=5), brains.batches(4)):
        with pytest.raises(ConfigurationError, match="another corpus, selection"):
            other.load_state_dict(state)


def test_a_kept_batch_is_never_written_over(brains):
    kept, copies = [], []
    for batch in brains.batches(1, shuffle=2):
        kept.append(batch.maps["gm"][0, 2:])  # a view of a view
        copies.append(kept[-1].copy())
    for view, copy in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(view, copy)


def test_memory_is_used_again_only_when_nobody_holds_it():
    buffers = Buffers((4, 3), "<u2")
    first = buffers.take()
    address = first.ctypes.data
    tensor = torch.from_numpy(first[1:])
    del first
    assert buffers.take().ctypes.data != address
    del tensor
    assert address in [one.ctypes.data for one in [buffers.take(), buffers.take()]]


def test_tensors(brains):
    (batch,) = brains.batches(11)
    tensors = batch.to("cpu")
    assert tensors["t1w"].shape == (11, *SHAPE)
    for name, tensor in tensors.items():
        assert tensor.dtype == torch.float32
        np.testing.assert_allclose(tensor.numpy(), batch.values(name), rtol=1e-6)


@pytest.mark.parametrize("crop", [(17, 2, 2), (0, 2, 2), (2, 2)])
def test_a_crop_that_does_not_fit(brains, crop):
    with pytest.raises(ConfigurationError, match="does not fit"):
        brains.batches(2, crop=crop)


def test_maps_of_two_grids_can_not_be_cropped_together(eleven):
    both = allbrains.open(eleven, maps=["t1w", "displacement"])
    with pytest.raises(ConfigurationError, match="choose maps of one grid"):
        both.batches(2, crop=CROP)
    (batch,) = both.batches(11)
    assert batch.displacement.shape == (11, 4, 5, 5, 3)


def test_numbers_that_mean_nothing(brains):
    with pytest.raises(ConfigurationError, match="at least 1 sample"):
        brains.batches(0)


def test_damage_stops_the_epoch_and_is_named(tmp_path):
    write(Layout(tmp_path), ToyStory(scans=tuple(scan(number) for number in range(4))))
    brains = allbrains.open(tmp_path, maps=["gm"])
    shard = Layout(tmp_path).shard(ShardKey("ds000011", 0))
    data = bytearray(shard.read_bytes())
    data[brains.table["gm_start"][2].as_py() + 40] ^= 4
    shard.write_bytes(data)
    with pytest.raises(CorpusError, match=r"sub-0002_T1w\.nii\.gz, map gm"):
        list(brains.batches(1))
    assert places(brains.batches(2).part(0, 2, threads=1)) == [[0, 1]]
