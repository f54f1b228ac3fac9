"""The order of an epoch: nobody twice, nobody forgotten, and the same for the same seed."""

from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allbrains.errors import ConfigurationError
from allbrains.load.order import Share, corners, epoch_order

COUNTS, WORLDS, SEEDS = st.integers(0, 200), st.integers(1, 7), st.integers(0, 1000)


def dealt(count, world, seed, epoch=0):
    shares = [Share(rank=rank, world=world) for rank in range(world)]
    return [epoch_order(count, seed=seed, epoch=epoch, share=share).tolist() for share in shares]


@given(COUNTS, WORLDS)
def test_without_a_seed_the_ranks_share_out_all_samples(count, world):
    assert sorted(chain(*dealt(count, world, None))) == list(range(count))


@given(COUNTS, WORLDS, SEEDS)
def test_with_a_seed_no_rank_waits_and_nobody_comes_twice(count, world, seed):
    parts = dealt(count, world, seed)
    assert {len(part) for part in parts} == {count // world}
    together = list(chain(*parts))
    assert len(set(together)) == len(together) == count - count % world


@given(st.integers(20, 200), SEEDS)
def test_epochs_differ_and_can_be_repeated(count, seed):
    first, second = (dealt(count, 1, seed, epoch) for epoch in (0, 1))
    assert first != second
    assert dealt(count, 1, seed, 1) == second
    assert dealt(count, 1, seed + 1, 0) != first


@given(st.tuples(*[st.integers(1, 9)] * 3), st.tuples(*[st.integers(0, 5)] * 3), SEEDS)
def test_crops_lie_inside_their_maps(crop, room, seed):
    shape = tuple(a + b for a, b in zip(crop, room, strict=True))
    found = corners(50, shape, crop, seed=seed, epoch=3)
    assert found.shape == (50, 3)
    assert (found >= 0).all()
    assert (found + crop <= shape).all()
    np.testing.assert_array_equal(found, corners(50, shape, crop, seed=seed, epoch=3))


def test_crops_reach_both_ends_and_are_central_without_a_seed():
    found = corners(300, (5, 5, 6), (3, 3, 3), seed=1, epoch=0)
    assert found.min(axis=0).tolist() == [0, 0, 0]
    assert found.max(axis=0).tolist() == [2, 2, 3]
    assert corners(2, (5, 5, 6), (3, 3, 3), seed=None, epoch=0).tolist() == [[1, 1, 1]] * 2


@pytest.mark.parametrize(("rank", "world"), [(2, 2), (-1, 3), (0, 0)])
def test_a_rank_outside_its_world(rank, world):
    with pytest.raises(ConfigurationError, match=f"rank {rank} of a world of {world}"):
        Share(rank=rank, world=world)
