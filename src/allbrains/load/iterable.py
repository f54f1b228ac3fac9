"""A corpus as an iterable dataset of PyTorch with batches as items. Imported where torch is wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor, from_numpy
from torch.utils.data import IterableDataset, get_worker_info

from allbrains.load.batch import Batch
from allbrains.load.epoch import Batches
from allbrains.load.model_columns import plain_column, trainable

Item = dict[str, Tensor | list[str]]


class BrainBatches(IterableDataset[Item]):
    """Batches as dictionaries of tensors, for ``DataLoader(dataset, batch_size=None)``.

    With workers, each makes every n-th batch with one thread, so that a DataLoader gives the same batches
    in the same order as no workers do. The iteration counts epochs by itself only where the dataset lives
    on: workers are made anew in each epoch unless ``persistent_workers=True``, so call ``set_epoch``
    before each, as with torch's own DistributedSampler.

    Args:
        batches: what is iterated over.
        columns: of the samples table; all numbers, truth values and texts where it isn't given.
        integers: give maps as they are stored, with ``<map>_scale`` and ``<map>_offset``: a quarter of
            the bytes between a worker and the trainer.
    """

    def __init__(self, batches: Batches, columns: Sequence[str] | None, *, integers: bool = False) -> None:
        self._batches, self.integers = batches, integers
        samples = batches.samples
        self.columns = trainable(samples.table, samples.specs) if columns is None else list(columns)
        for name in self.columns:
            plain_column(samples.table.slice(0, 0), name)  # an unknown one is told at once

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Item]:
        worker = get_worker_info()
        if worker is None:
            return (self._item(batch) for batch in self._batches)
        part = self._batches.part(worker.id, worker.num_workers, threads=1)
        return (self._item(batch) for batch in part)

    def set_epoch(self, epoch: int) -> None:
        """Let the next iteration be the beginning of this epoch, from 0."""
        self._batches.set_epoch(epoch)

    def state_dict(self) -> dict[str, Any]:
        """Return where the iteration in this process stands."""
        return self._batches.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next iteration go on where another one stood.

        Raises:
            ConfigurationError: the state is of other samples, or of batches made otherwise.
        """
        self._batches.load_state_dict(state)

    def _item(self, batch: Batch) -> Item:
        if self.integers:
            item: Item = {name: from_numpy(array) for name, array in batch.maps.items()}
            item |= {f"{name}_scale": from_numpy(scale) for name, scale in batch.scales.items()}
            item |= {f"{name}_offset": from_numpy(offset) for name, offset in batch.offsets.items()}
        else:
            item = {name: from_numpy(batch.values(name)) for name in batch.maps}
        for name in self.columns:
            values = batch.column(name)
            item[name] = from_numpy(values) if isinstance(values, np.ndarray) else values
        return item
