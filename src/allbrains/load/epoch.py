"""Batches for training, made ahead by threads.

Rules:
    1. Threads, not processes: reading and decoding release the GIL, and nothing is copied between
       processes. Measured, a DataLoader's worker costs 2 to 9 times what decoding does.
    2. Integers until somebody asks: a float32 batch is four times the memory traffic of what is stored.
    3. Order and crops depend on seed, epoch and sample alone, never on threads or timing; so an
       interrupted epoch can be gone on with.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from allbrains.errors import ConfigurationError
from allbrains.load import derived
from allbrains.load.batch import Batch
from allbrains.load.buffers import Buffers
from allbrains.load.order import Places, Share, corners, epoch_order
from allbrains.load.protocol import Samples
from allbrains.machine import usable_cores

if TYPE_CHECKING:
    from allbrains.records import Array

Crop = tuple[int, int, int]

_MOST_THREADS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSettings:
    """How batches are made.

    Attributes:
        size: samples a batch; the last of an epoch may have fewer.
        shuffle: seed of order and crops; None for the table's order and crops from the middle.
        crop: voxels along x, y, z; None for whole maps.
        share: which part of each epoch is this process's.
        threads: that read; 0 for one a core, at most 8.
        ahead: batches that are made while one is used.
    """

    size: int
    shuffle: int | None = None
    crop: Crop | None = None
    share: Share = field(default_factory=Share)
    threads: int = 0
    ahead: int = 1

    def __post_init__(self) -> None:
        """Refuse numbers that mean nothing.

        Raises:
            ConfigurationError: as said.
        """
        if self.size < 1 or self.threads < 0 or self.ahead < 0:
            raise ConfigurationError("a batch has at least 1 sample, and threads and ahead are not negative")

    def workers(self) -> int:
        """Return how many threads read."""
        return self.threads or min(usable_cores(), _MOST_THREADS)


class Batches:
    """An epoch of batches each time it is iterated over; the order is another in each epoch.

    Args:
        samples: the corpus.
        settings: how.

    Raises:
        ConfigurationError: a map is smaller than the crop, or on another grid than the others.
    """

    def __init__(self, samples: Samples, settings: BatchSettings) -> None:
        self.samples, self.settings = samples, settings
        if settings.crop is not None:
            _check_crop(samples, settings.crop)
        self._buffers = {name: Buffers(*_form(samples, name, settings)) for name in samples.maps}
        self._desks = threading.local()
        self._epoch, self._done = 0, 0
        self._resume = True  # whether the next iteration goes on at epoch and place, or begins an epoch

    def __len__(self) -> int:
        """Return the batches of an epoch."""
        return math.ceil(len(self._order(self._epoch)) / self.settings.size)

    def __iter__(self) -> Iterator[Batch]:
        return self.part(0, 1, threads=self.settings.workers())

    def __getstate__(self) -> dict[str, Any]:
        """Leave the threads' buffers out; an unpickled copy allocates its own."""
        return {name: value for name, value in self.__dict__.items() if name != "_desks"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _desks=threading.local())

    def part(self, worker: int, workers: int, *, threads: int) -> Iterator[Batch]:
        """Yield every ``workers``-th batch from ``worker`` on, of what is to come of the epoch."""
        if not self._resume:
            self._epoch, self._done = self._epoch + 1, 0
        self._resume = False
        order, size = self._order(self._epoch), self.settings.size
        firsts = self._corners(self._epoch)
        todo = [(at, order[at * size : (at + 1) * size]) for at in range(self._done, len(self))]
        with ThreadPoolExecutor(threads, thread_name_prefix="brains") as pool:
            waiting: deque[tuple[int, Batch, _Jobs]] = deque()
            try:
                for number, (at, places) in enumerate(todo):
                    if number % workers == worker:
                        waiting.append((at, *self._begin(pool, places, firsts)))
                    if len(waiting) > self.settings.ahead:
                        yield self._finished(*waiting.popleft())
                while waiting:
                    yield self._finished(*waiting.popleft())
            finally:
                for _, _, jobs in waiting:
                    for job in jobs:
                        job.cancel()

    def set_epoch(self, epoch: int) -> None:
        """Let the next iteration be the beginning of this epoch, from 0."""
        self._epoch, self._done, self._resume = epoch, 0, True

    def state_dict(self) -> dict[str, Any]:
        """Return where the iteration stands: behind the batch that was yielded last. Plain values."""
        return {"epoch": self._epoch, "batches": self._done, "of": self._fingerprint()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next iteration go on where another one stood.

        Raises:
            ConfigurationError: the state is of other samples, or of batches made otherwise.
        """
        if state["of"] != self._fingerprint():
            raise ConfigurationError(
                "this state is of another corpus, selection, batch size, seed, crop or rank"
            )
        self._epoch, self._done, self._resume = int(state["epoch"]), int(state["batches"]), True

    def _order(self, epoch: int) -> Places:
        settings = self.settings
        return epoch_order(len(self.samples), seed=settings.shuffle, epoch=epoch, share=settings.share)

    def _corners(self, epoch: int) -> Places:
        count, s = len(self.samples), self.settings
        if s.crop is None:
            return np.zeros((count, 3), np.int64)
        return corners(count, _grid(self.samples), s.crop, seed=s.shuffle, epoch=epoch)

    def _fingerprint(self) -> str:
        s = self.settings
        ids = "".join(self.samples.table["scan_id"].to_pylist())
        text = f"{ids} {s.size} {s.shuffle} {s.crop} {s.share.rank} {s.share.world}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def _begin(
        self, pool: ThreadPoolExecutor, places: Places, firsts: Places
    ) -> tuple[Batch, list[Future[None]]]:
        """Return a batch that is being filled, and the jobs that fill it."""
        names = self.samples.maps
        batch = Batch(
            maps={name: self._buffers[name].take()[: len(places)] for name in names},
            scales={name: np.ones(len(places), np.float32) for name in names},
            offsets={name: np.zeros(len(places), np.float32) for name in names},
            places=places,
            corners=firsts[places],
            table=self.samples.table,
        )
        return batch, [pool.submit(self._fill, batch, at) for at in range(len(places))]

    def _finished(self, at: int, batch: Batch, jobs: _Jobs) -> Batch:
        for job in jobs:
            job.result()
        self._done = at + 1
        return batch

    def _fill(self, batch: Batch, at: int) -> None:
        """Read one sample into its place in the batch."""
        desk: _Desk | None = getattr(self._desks, "desk", None)
        if desk is None:
            desk = self._desks.desk = _Desk(self.samples)
        crop = self.settings.crop
        window = (
            tuple(slice(c, c + n) for c, n in zip(batch.corners[at], crop, strict=True))
            if crop is not None
            else (slice(None),) * 3
        )
        place = int(batch.places[at])
        for name, array in batch.maps.items():
            if name not in self.samples.specs:
                desk.derive(name, place, window, array[at])
                continue
            if crop is None:
                self.samples.integers(name, place, array[at])
            else:
                array[at] = desk.integers(name, place)[window]
            batch.scales[name][at], batch.offsets[name][at] = self.samples.step(name, place)


_Jobs = list[Future[None]]


class _Desk:
    """One thread's arrays to decode whole maps into, each with the sample that it holds."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples
        self._held: dict[str, tuple[int, Array]] = {}

    def integers(self, name: str, place: int) -> Array:
        """Return a whole map's integers; good until this thread's next sample."""
        spec = self._samples.specs[name]
        held, array = self._held.get(name, (-1, None))
        if held != place:
            if array is None:
                array = np.empty(spec.shape, np.dtype(spec.dtype).newbyteorder("<"))
            self._held[name] = (-1, array)
            self._samples.integers(name, place, array)
            self._held[name] = (place, array)
        assert array is not None
        return array

    def derive(self, name: str, place: int, window: tuple[slice, ...], out: Array) -> None:
        """Write a derived map's window into ``out``."""
        tissue, logjac = derived.parts_of(name, self._samples.specs)
        derived.modulated(
            (self.integers(tissue, place)[window], self._samples.step(tissue, place)),
            (self.integers(logjac, place)[window], self._samples.step(logjac, place)),
            self._samples.determinant(place),
            out,
        )


def _grid(samples: Samples) -> tuple[int, ...]:
    """Return the first chosen map's shape."""
    return samples.specs[derived.parts_of(samples.maps[0], samples.specs)[0]].shape


def _form(samples: Samples, name: str, settings: BatchSettings) -> tuple[tuple[int, ...], str]:
    """Return shape and type of a batch's array."""
    spec = samples.specs[derived.parts_of(name, samples.specs)[0]]
    dtype = np.dtype(spec.dtype).newbyteorder("<").str if name in samples.specs else "<f4"
    return (settings.size, *(settings.crop or spec.shape)), dtype


def _check_crop(samples: Samples, crop: Crop) -> None:
    grid = _grid(samples)
    for name in samples.maps:
        for part in derived.parts_of(name, samples.specs):
            shape = samples.specs[part].shape
            if shape != grid:
                raise ConfigurationError(
                    f"map {part!r} has shape {shape}, {samples.maps[0]!r} {grid}: "
                    "choose maps of one grid to crop them"
                )
    if len(crop) != len(grid) or any(not 0 < part <= whole for part, whole in zip(crop, grid, strict=True)):
        raise ConfigurationError(f"a crop of {crop} does not fit into maps of shape {grid}")
