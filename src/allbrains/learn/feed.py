"""In which order scans come to the network: ``load``'s batches, by seed and epoch alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from allbrains.errors import ConfigurationError
from allbrains.load import Brains
from allbrains.load.epoch import Batches
from allbrains.load.order import Places, Share

_PAIRS = 2  # keeps these random numbers apart from others of the same seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """Epochs of one side's samples.

    Attributes:
        brains: the side's.
        people: the person of each sample; empty where samples come one by one, not as pairs.
        batch: samples a step, over all processes.
        seed: of the order.
        share: which part of each epoch is this process's.
        threads: that read.
    """

    brains: Brains
    people: Sequence[str] = ()
    batch: int
    seed: int
    share: Share
    threads: int = 0

    def __post_init__(self) -> None:
        """Refuse a batch that can't be shared out.

        Raises:
            ConfigurationError: as said.
        """
        unit = self.share.world * (2 if self.people else 1)
        if self.batch % unit:
            raise ConfigurationError(
                f"batch {self.batch}: expected a multiple of {unit} for {self.share.world} processes"
            )

    def epoch(self, number: int, done: int = 0) -> Batches:
        """Return this process's batches of an epoch, without the first ``done``."""
        size, share = self.batch // self.share.world, self.share
        if self.people:
            rows = pairs(self.people, seed=self.seed, epoch=number, share=share)
            drawn = replace(self.brains, table=self.brains.table.take(rows))
            batches = drawn.batches(size, threads=self.threads, ahead=2)
            number = 0  # the rows themselves are the epoch's
        else:
            batches = self.brains.batches(
                size, shuffle=self.seed, rank=share.rank, world=share.world, threads=self.threads, ahead=2
            )
        batches.load_state_dict({**batches.state_dict(), "epoch": number, "batches": done})
        return batches


def pairs(people: Sequence[str], *, seed: int, epoch: int, share: Share) -> Places:
    """Return two places of each person, one after the other, people in random order. Pure.

    The two are different scans where there are more, else the same scan twice: its two views.
    """
    own: dict[str, list[int]] = defaultdict(list)
    for place, name in enumerate(people):
        own[name].append(place)
    random = np.random.default_rng([seed, epoch, _PAIRS])
    drawn = [random.choice(places, 2, replace=len(places) == 1) for places in own.values()]
    order = random.permutation(len(drawn))[share.rank : len(drawn) - len(drawn) % share.world : share.world]
    return np.array([drawn[at] for at in order], np.int64).reshape(-1)
