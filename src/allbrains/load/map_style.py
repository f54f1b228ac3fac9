"""A corpus as a map-style dataset of PyTorch. Imported only where torch is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import pyarrow as pa
import pyarrow.types as kinds
from torch import Tensor, from_numpy
from torch.utils.data import Dataset

from allbrains.errors import ConfigurationError
from allbrains.records import Array
from allbrains.store.schema import OUTCOME, MapSpec, place_columns

Item = dict[str, Tensor | float | str]


class Samples(Protocol):
    """What the dataset needs; ``Brains`` is it."""

    @property
    def specs(self) -> Mapping[str, MapSpec]:
        """Shape and type of each map, by name."""

    @property
    def table(self) -> pa.Table:
        """One row a sample."""

    def values(self, name: str, index: int) -> Array:
        """Return a map as float32."""

    def __len__(self) -> int: ...


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
        plain = [
            field.name for field in brains.table.schema if _is_number(field.type) or _is_text(field.type)
        ]
        if unknown := [name for name in columns or () if name not in plain]:
            raise ConfigurationError(
                f"no column {', '.join(unknown)} to train on; there are {', '.join(plain)}"
            )
        if columns is None:
            places = {column for name in brains.specs for column in place_columns(name)}
            columns = [name for name in plain if name not in places and name not in OUTCOME]
        self.brains = brains
        self.columns = {name: _plain(brains.table[name]) for name in columns}

    def __len__(self) -> int:
        return len(self.brains)

    def __getitem__(self, index: int) -> Item:
        place = range(len(self))[index]  # negative numbers count from the end
        item: Item = {name: from_numpy(self.brains.values(name, place)) for name in self.brains.specs}
        return item | {name: values[place] for name, values in self.columns.items()}


def _is_number(kind: pa.DataType) -> bool:
    return bool(kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_boolean(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(kinds.is_string(kind) or kinds.is_large_string(kind))


def _plain(column: pa.ChunkedArray) -> list[float] | list[str]:
    if _is_text(column.type):
        return ["" if value is None else value for value in column.to_pylist()]
    return [float("nan") if value is None else float(value) for value in column.to_pylist()]
