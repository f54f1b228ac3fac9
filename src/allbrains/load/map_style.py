"""A corpus as a map-style dataset of PyTorch. Imported only where torch is wanted."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, from_numpy
from torch.utils.data import Dataset

from allbrains.load.model_columns import plain_column, trainable
from allbrains.load.protocol import Samples

Item = dict[str, Tensor | float | str]


class BrainsDataset(Dataset[Item]):
    """Items are dictionaries: each map a float32 tensor of its stored shape, each column a number or a text.

    Numbers and truth values are floats, NaN where unknown; texts are empty where unknown. So
    ``default_collate`` batches them: maps to (batch, x, y, z), numbers to float64, texts to lists.

    Args:
        brains: the samples.
        columns: of the samples table; where it isn't given, all numbers, truth values and texts but those
            about files and outcomes.

    Raises:
        ConfigurationError: there is no such column, or it is neither number, truth value nor text.
    """

    def __init__(self, brains: Samples, columns: Sequence[str] | None = None) -> None:
        if columns is None:
            columns = trainable(brains.table, brains.specs)
        self.brains = brains
        self.columns = {name: plain_column(brains.table, name) for name in columns}

    def __len__(self) -> int:
        return len(self.brains)

    def __getitem__(self, index: int) -> Item:
        place = range(len(self))[index]  # negative numbers count from the end
        item: Item = {name: from_numpy(self.brains.values(name, place)) for name in self.brains.maps}
        return item | {name: values[place] for name, values in self.columns.items()}
