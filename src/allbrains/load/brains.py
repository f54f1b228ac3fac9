"""A corpus as a sequence of brains.

A brain knows where its maps are; each is read from disk when it is asked for, and nothing is kept. So a
``Brains`` of 60,000 scans is a table, it can be pickled and forked, and any thread may read any brain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from allbrains.errors import ConfigurationError, CorpusError
from allbrains.store import blobs, codec, quantise
from allbrains.store.layout import Layout
from allbrains.store.manifest import Corpus
from allbrains.store.schema import MapSpec, place_columns

if TYPE_CHECKING:
    from allbrains.load.map_style import BrainsDataset
    from allbrains.records import Affine, Array


@dataclass(frozen=True, kw_only=True, eq=False)
class Brains:
    """The samples of a corpus that were asked for.

    Attributes:
        root: the output folder.
        corpus: what it holds: recipe, grid.
        specs: shape and type of each chosen map, by name.
        table: one row a brain: the samples table but its pictures.
    """

    root: Path
    corpus: Corpus
    specs: Mapping[str, MapSpec]
    table: pa.Table

    def __len__(self) -> int:
        return len(self.table)

    def __iter__(self) -> Iterator[Brain]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Brain:
        """Return a brain; negative numbers count from the end."""
        place = range(len(self))[index]
        return Brain(brains=self, index=place)

    @property
    def maps(self) -> tuple[str, ...]:
        """Names of the chosen maps."""
        return tuple(self.specs)

    @property
    def affine(self) -> Affine:
        """Shape (4, 4), voxel index of the corpus grid → RAS+ mm of the template space."""
        return np.array(self.corpus.grid.affine)

    def torch(self, columns: Sequence[str] | None = None) -> BrainsDataset:
        """Return a map-style ``torch.utils.data.Dataset`` whose items ``default_collate`` can batch.

        Args:
            columns: of the samples table, to come with the maps; where it isn't given, all numbers, truth
                values and texts but those about files and outcomes.

        Raises:
            ConfigurationError: torch is not installed, or there is no such column.
        """
        try:
            from allbrains.load.map_style import BrainsDataset
        except ModuleNotFoundError as error:
            raise ConfigurationError("brains.torch() needs PyTorch: pip install torch") from error
        return BrainsDataset(self, columns)

    def values(self, name: str, index: int, out: Array | None = None) -> Array:
        """Return a map of the brain ``index`` as float32, in its unit; in ``out``, where it is given.

        Raises:
            ConfigurationError: the map is not among the chosen ones.
            CorpusError: the shard is damaged; the message names scan, map and shard.
        """
        scale, offset = self.step(name, index)
        return quantise.values(self.integers(name, index), scale, offset, out)

    def integers(self, name: str, index: int, out: Array | None = None) -> Array:
        """Return the integers of a map of the brain ``index``; in ``out``, where it is given.

        Raises:
            ConfigurationError: the map is not among the chosen ones.
            CorpusError: the shard is damaged; the message names scan, map and shard.
        """
        spec = self._spec(name)
        if out is None:
            out = np.empty(spec.shape, dtype=np.dtype(spec.dtype).newbyteorder("<"))
        try:
            codec.decode_into(blobs.read(self._place(name, index)), out)
        except CorpusError as error:
            row = self.table.slice(index, 1).select(["dataset", "path"]).to_pylist()[0]
            raise CorpusError(f"{row['dataset']}/{row['path']}, map {name}: {error}") from error
        return out

    def step(self, name: str, index: int) -> tuple[float, float]:
        """Return scale and offset of a map of the brain ``index``: ``value = integer * scale + offset``."""
        self._spec(name)
        return (float(self._places[f"{name}_scale"][index]), float(self._places[f"{name}_offset"][index]))

    @cached_property
    def _places(self) -> dict[str, Any]:
        """The columns that say where maps are, as arrays: a row of an Arrow table is slow to take apart."""
        names = [column for name in self.specs for column in place_columns(name)]
        columns = {name: self.table[name].to_numpy() for name in (*names, "shard_size")}
        return columns | {"shard": self.table["shard"].to_pylist()}

    def _place(self, name: str, index: int) -> blobs.Place:
        at = self._places
        return blobs.Place(
            shard=self.root / at["shard"][index],
            shard_size=int(at["shard_size"][index]),
            start=int(at[f"{name}_start"][index]),
            nbytes=int(at[f"{name}_nbytes"][index]),
            crc32=int(at[f"{name}_crc32"][index]),
        )

    def _spec(self, name: str) -> MapSpec:
        try:
            return self.specs[name]
        except KeyError as error:
            raise ConfigurationError(f"no map {name!r} here; there are {', '.join(self.specs)}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Brain:
    """One sample. Each of its maps is an attribute: ``brain.t1w`` is float32, read when asked for.

    Attributes:
        brains: where it comes from.
        index: its row there, from 0.
    """

    brains: Brains
    index: int

    def __getattr__(self, name: str) -> Array:
        if name.startswith("_") or name not in self.brains.specs:
            raise AttributeError(f"no map {name!r} here; there are {', '.join(self.brains.specs)}")
        return self.values(name)

    def values(self, name: str, out: Array | None = None) -> Array:
        """Return a map as float32, in its unit; shape as ``brains.specs`` says.

        Raises:
            CorpusError: the shard is damaged.
        """
        return self.brains.values(name, self.index, out)

    def integers(self, name: str, out: Array | None = None) -> Array:
        """Return a map as it is stored; ``brains.step`` tells what a step is worth.

        Raises:
            CorpusError: the shard is damaged.
        """
        return self.brains.integers(name, self.index, out)

    @property
    def affine(self) -> Affine:
        """Shape (4, 4), voxel index → RAS+ mm of the template space."""
        return self.brains.affine

    @property
    def row(self) -> dict[str, Any]:
        """The scan's row of the samples table, but its picture."""
        row: dict[str, Any] = self.brains.table.slice(self.index, 1).to_pylist()[0]
        return row

    @property
    def montage(self) -> bytes:
        """A JPEG picture of the sample.

        Raises:
            CorpusError: the shard is damaged or missing.
        """
        import pyarrow.parquet as pq

        row = self.row
        shard = Layout(self.brains.root).root / row["shard"]
        try:
            with pq.ParquetFile(shard) as file:
                picture: bytes = file.read_row_group(row["row_group"], columns=["montage"])["montage"][
                    0
                ].as_py()
        except (OSError, pa.ArrowInvalid) as error:
            raise CorpusError(f"shard {shard} can't be read: {error}") from error
        return picture
