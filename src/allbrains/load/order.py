"""Which samples, in which order, cut where: each answer depends on its arguments alone. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allbrains.errors import ConfigurationError

Places = NDArray[np.int64]
_CORNERS = 1  # keeps the crops' random numbers apart from the order's


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One of several processes that share an epoch.

    Attributes:
        rank: of this process, from 0.
        world: how many there are.
    """

    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        """Refuse a rank that isn't in the world.

        Raises:
            ConfigurationError: as said.
        """
        if not 0 <= self.rank < self.world:
            raise ConfigurationError(f"rank {self.rank} of a world of {self.world}: expected 0 to world − 1")


def epoch_order(count: int, *, seed: int | None, epoch: int, share: Share) -> Places:
    """Return the places, 0 to ``count`` − 1, that one process reads in one epoch, in order.

    With a seed, the whole is shuffled anew in every epoch and dealt out; every rank gets equally many, so
    that none waits for another at the end: up to ``world`` − 1 samples, other ones each epoch, are left
    out. Without a seed, every sample comes exactly once, in the table's order.
    """
    if seed is None:
        return np.arange(share.rank, count, share.world, dtype=np.int64)
    order = np.random.default_rng([seed, epoch]).permutation(count).astype(np.int64)
    return order[share.rank : count - count % share.world : share.world]


def corners(
    count: int, shape: tuple[int, ...], crop: tuple[int, int, int], *, seed: int | None, epoch: int
) -> Places:
    """Return the first voxel of every sample's crop, shape (count, 3): random with a seed, else central.

    Args:
        count: of the samples in the table, whichever rank reads them.
        shape: of the maps, x, y, z.
        crop: of the crop, x, y, z; at most the maps'.
        seed: of the whole loader.
        epoch: from 0.
    """
    room = np.array(shape, np.int64) - np.array(crop, np.int64)
    if seed is None:
        return np.tile(room // 2, (count, 1))
    return np.random.default_rng([seed, epoch, _CORNERS]).integers(0, room + 1, (count, 3), np.int64)
