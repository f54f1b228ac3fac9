"""What batches, datasets and adapters need of a corpus; ``Brains`` is it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import pyarrow as pa

from allbrains.records import Array
from allbrains.store.sample_schema import MapSpec


class Samples(Protocol):
    """Samples that can be read by their place, in any thread."""

    @property
    def maps(self) -> tuple[str, ...]:
        """Names of the chosen maps; some may be derived from others."""

    @property
    def specs(self) -> Mapping[str, MapSpec]:
        """Shape and type of each stored map that can be read, by name."""

    @property
    def table(self) -> pa.Table:
        """One row for each sample."""

    def values(self, name: str, index: int) -> Array:
        """Return a map as float32."""

    def integers(self, name: str, index: int, out: Array | None = None) -> Array:
        """Return the integers of a stored map."""

    def step(self, name: str, index: int) -> tuple[float, float]:
        """Return scale and offset of a stored map."""

    def determinant(self, index: int) -> float:
        """Return the determinant of the affine part, template → scan."""

    def __len__(self) -> int: ...
