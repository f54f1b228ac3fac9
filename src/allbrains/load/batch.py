"""Several samples at once, in the integers that are stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from allbrains.load.model_columns import plain_column
from allbrains.load.order import Places

if TYPE_CHECKING:
    from torch import Tensor

    from allbrains.records import Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Samples one after another; what is kept of it is never written over.

    Attributes:
        maps: by name, shape (sample, x, y, z): a stored map's integers, a derived map as float32.
        scales: by name, shape (sample,), float32: ``value = integer * scale + offset``.
        offsets: by name, shape (sample,), float32.
        places: shape (sample,), rows of the table.
        corners: shape (sample, 3), first voxel of each crop in its map; zeros where nothing is cropped.
        table: of all samples; the batch's rows are ``places``.
    """

    maps: Mapping[str, Array]
    scales: Mapping[str, Array]
    offsets: Mapping[str, Array]
    places: Places
    corners: Places
    table: pa.Table

    def __len__(self) -> int:
        return len(self.places)

    def __getattr__(self, name: str) -> Array:
        if name.startswith("_") or name not in self.maps:
            raise AttributeError(f"no map {name!r} here; there are {', '.join(self.maps)}")
        return self.values(name)

    def values(self, name: str) -> Array:
        """Return a map as float32 in its unit, shape (sample, x, y, z)."""
        array = self.maps[name]
        lone = (-1,) + (1,) * (array.ndim - 1)
        out = np.multiply(array, self.scales[name].reshape(lone), dtype=np.float32)
        if self.offsets[name].any():
            out += self.offsets[name].reshape(lone)
        return out

    def to(self, device: str) -> dict[str, Tensor]:
        """Return the maps as float32 tensors on a device; what travels there are the integers.

        Args:
            device: torch's name of it, such as ``cuda``.
        """
        import torch

        out = {}
        for name, array in self.maps.items():
            lone = (-1,) + (1,) * (array.ndim - 1)
            tensor = torch.from_numpy(array).to(device).float()
            tensor *= torch.from_numpy(self.scales[name]).to(device).view(lone)
            if self.offsets[name].any():
                tensor += torch.from_numpy(self.offsets[name]).to(device).view(lone)
            out[name] = tensor
        return out

    def column(self, name: str) -> Array | list[str]:
        """Return a column of the samples: float64, NaN where unknown; or texts, empty where unknown.

        Raises:
            ConfigurationError: there is no such column, or it is neither number, truth value nor text.
        """
        return plain_column(self.table, name, self.places)
