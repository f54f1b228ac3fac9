"""A corpus as a sequence of brains.

A brain knows where its maps are; each is read from disk when it is asked for, and nothing is kept. So a
``Brains`` of 60,000 scans is a table, it can be pickled and forked, and any thread may read any brain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from allbrains.errors import ConfigurationError, CorpusError
from allbrains.load import adapters, derived, model_columns
from allbrains.load.epoch import Batches, BatchSettings, Crop
from allbrains.load.notebook_html import brain_html
from allbrains.load.order import Share
from allbrains.load.plot import Plot
from allbrains.records import Volume
from allbrains.store import codec, quantise
from allbrains.store.blobs import ChunkPlace, Shelf
from allbrains.store.manifest import CorpusFormat
from allbrains.store.sample_schema import MapSpec, place_columns
from allbrains.store.shards import pictures_of
from allbrains.store.split_table import split_rows

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image

    from allbrains.load.iterable import BrainBatches
    from allbrains.load.map_style import BrainsDataset
    from allbrains.records import Affine, Array


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Brains:
    """The samples of a corpus that were asked for.

    Attributes:
        shelf: where its files are.
        corpus: what it holds: recipe, grid.
        maps: names of the chosen maps, stored ones and derived ones.
        specs: shape and type of each stored map that can be read, by name.
        table: one row for each brain: the samples table without its pictures.
    """

    shelf: Shelf
    corpus: CorpusFormat
    maps: tuple[str, ...]
    specs: Mapping[str, MapSpec]
    table: pa.Table

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        return f"<{len(self)} brains of {self.shelf.where()}, maps {', '.join(self.maps)}>"

    def __iter__(self) -> Iterator[Brain]:
        return (self[index] for index in range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Brain: ...

    @overload
    def __getitem__(self, index: slice) -> Brains: ...

    def __getitem__(self, index: int | slice) -> Brain | Brains:
        """Return a brain, negative numbers count from the end; or, for a slice, brains."""
        if isinstance(index, slice):
            return replace(self, table=self.table.take(np.arange(len(self))[index]))
        place = range(len(self))[index]
        return Brain(brains=self, index=place)

    @property
    def affine(self) -> Affine:
        """Shape (4, 4), voxel index of the corpus grid → RAS+ mm of the template space."""
        return np.array(self.corpus.grid.affine)

    @property
    def plot(self) -> Plot:
        """Figures of these brains with matplotlib: ``brains.plot.volumes()``."""
        return Plot(self.table)

    @property
    def known(self) -> tuple[str, ...]:
        """Names of all maps that can be read, stored ones first."""
        return (*self.specs, *self.derived)

    @property
    def derived(self) -> tuple[str, ...]:
        """Names of the maps that follow from stored ones: ``modulated_gm`` and its like."""
        return derived.possible(self.specs, self.table.column_names)

    def batches(
        self,
        size: int,
        *,
        shuffle: int | None = None,
        crop: Crop | None = None,
        split: str = "",
        rank: int = 0,
        world: int = 1,
        threads: int = 0,
        ahead: int = 1,
    ) -> Batches:
        """Return an epoch of batches, made ahead by threads; iterated over again, it is the next epoch.

        Args:
            size: samples a batch; the last of an epoch may have fewer.
            shuffle: seed of the order, another in each epoch, and of where crops are; without it the
                table's order, and crops from the middle.
            crop: voxels along x, y, z of a part of each map.
            split: only its samples: ``train``, ``validation`` or ``test``; see ``allbrains splits``.
            rank: of this process among those that share each epoch, from 0.
            world: how many they are.
            threads: that read; 0 for one a core, at most 8.
            ahead: batches that are made while one is used.

        Raises:
            ConfigurationError: a number means nothing, maps and crop don't fit, or there are no splits.
        """
        chosen = self.split(split) if split else self
        share = Share(rank=rank, world=world)
        settings = BatchSettings(
            size=size, shuffle=shuffle, crop=crop, share=share, threads=threads, ahead=ahead
        )
        return Batches(chosen, settings)

    def choose(self, maps: Sequence[str]) -> Brains:
        """Return the same brains with other maps chosen, of those that can be read.

        Raises:
            ConfigurationError: there is no such map.
        """
        for name in maps:
            if name not in self.known:
                self._spec(name)
        return replace(self, maps=tuple(maps))

    def split(self, name: str) -> Brains:
        """Return the brains on one side of the corpus' splits: ``train``, ``validation`` or ``test``.

        Raises:
            ConfigurationError: there are no splits, or no such side.
        """
        rows = split_rows(self.shelf, self.table["scan_id"], name)
        return replace(self, table=self.table.take(rows))

    def torch(self, columns: Sequence[str] | None = None) -> BrainsDataset:
        """Return a map-style ``torch.utils.data.Dataset`` with items that ``default_collate`` can batch.

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

    def torch_batches(
        self,
        size: int,
        columns: Sequence[str] | None = None,
        *,
        integers: bool = False,
        **settings: Any,
    ) -> BrainBatches:
        """Return an iterable ``torch.utils.data.IterableDataset`` with batches as items.

        Args:
            size: samples a batch.
            columns: as in ``torch``.
            integers: give maps as they are stored, with ``<map>_scale`` and ``<map>_offset``.
            settings: what ``batches`` takes besides.

        Raises:
            ConfigurationError: torch is not installed, or what ``batches`` and ``torch`` raise it for.
        """
        try:
            from allbrains.load.iterable import BrainBatches
        except ModuleNotFoundError as error:
            raise ConfigurationError("brains.torch_batches() needs PyTorch: pip install torch") from error
        batches = self.batches(size, **settings)
        return BrainBatches(batches, columns, integers=integers)

    def decode(self, rows: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Return rows of shards with their maps as float32: for ``datasets.load_dataset("parquet", …)``.

        ``data.with_transform(brains.decode)``, or of a stream ``data.map(brains.decode, batched=True)``.

        Raises:
            ConfigurationError: a map came without its ``_scale``, ``_offset`` or ``_crc32``.
            CorpusError: a chunk is damaged.
        """
        return adapters.decoded_rows(rows, self.specs)

    def values(self, name: str, index: int, out: Array | None = None) -> Array:
        """Return a map of the brain ``index`` as float32, in its unit; in ``out``, where it is given.

        Raises:
            ConfigurationError: the map is not among the chosen ones.
            CorpusError: the shard is damaged; the message names scan, map and shard.
        """
        if name in self.specs or name not in self.derived:
            return quantise.values(self.integers(name, index), *self.step(name, index), out)
        tissue, logjac = derived.parts_of(name, self.specs)
        return derived.modulated(
            (self.integers(tissue, index), self.step(tissue, index)),
            (self.integers(logjac, index), self.step(logjac, index)),
            self.determinant(index),
            out,
        )

    def integers(self, name: str, index: int, out: Array | None = None) -> Array:
        """Return the integers of a map of the brain ``index``; in ``out``, where it is given.

        Raises:
            ConfigurationError: the map is not among the chosen ones.
            CorpusError: the shard is damaged; the message names scan, map and shard.
        """
        spec = self._spec(name)
        if out is None:
            out = np.empty(spec.shape, dtype=np.dtype(spec.dtype).newbyteorder("<"))
        place, checked = self.place(name, index), self._checked[name]
        try:
            chunk = self.shelf.read(place)
            if not checked[index]:
                place.check(chunk)
                checked[index] = True
            codec.decode_into(chunk, out)
        except CorpusError as error:
            row = self.table.slice(index, 1).select(["dataset", "path"]).to_pylist()[0]
            raise CorpusError(f"{row['dataset']}/{row['path']}, map {name}: {error}") from error
        return out

    def step(self, name: str, index: int) -> tuple[float, float]:
        """Return scale and offset of a map of the brain ``index``: ``value = integer * scale + offset``."""
        self._spec(name)
        return (float(self._places[f"{name}_scale"][index]), float(self._places[f"{name}_offset"][index]))

    def determinant(self, index: int) -> float:
        """Return by how much the affine part, template → scan, makes volumes larger."""
        return float(self.table[derived.DETERMINANT][index].as_py())

    @property
    def place_columns(self) -> frozenset[str]:
        """Names of the table's columns that say where bytes are."""
        return frozenset(column for name in self.specs for column in place_columns(name))

    @cached_property
    def _places(self) -> dict[str, Any]:
        """The columns that say where maps are, as arrays: a row of an Arrow table is slow to take apart."""
        names = [column for name in self.specs for column in place_columns(name)]
        # a sample without one of the maps has no place for it: 0 bytes
        columns = {name: pc.fill_null(self.table[name], 0).to_numpy() for name in (*names, "shard_size")}
        return columns | {"shard": self.table["shard"].to_pylist()}

    @cached_property
    def _checked(self) -> dict[str, Array]:
        """Which chunks had the right checksum: each is taken once, for it costs a third of decoding."""
        return {name: np.zeros(len(self), bool) for name in self.specs}

    def place(self, name: str, index: int) -> ChunkPlace:
        """Return where the stored map ``name`` of the brain ``index`` is.

        Raises:
            CorpusError: the sample has no such map.
        """
        at = self._places
        if not at[f"{name}_nbytes"][index]:
            raise CorpusError(f"the sample {self.table['scan_id'][index]} has no map {name}")
        return ChunkPlace(
            shard=at["shard"][index],
            shard_size=int(at["shard_size"][index]),
            start=int(at[f"{name}_start"][index]),
            nbytes=int(at[f"{name}_nbytes"][index]),
            crc32=int(at[f"{name}_crc32"][index]),
        )

    def _spec(self, name: str) -> MapSpec:
        if name not in self.specs:
            raise ConfigurationError(f"no map {name!r} here; there are {', '.join(self.known)}")
        return self.specs[name]


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
        if name.startswith("_") or name not in self.brains.known:
            raise AttributeError(f"no map {name!r} here; there are {', '.join(self.brains.known)}")
        return self.values(name)

    def __dir__(self) -> list[str]:  # for TAB in a notebook
        return [*object.__dir__(self), *self.brains.known]

    def values(self, name: str, out: Array | None = None) -> Array:
        """Return a map as float32, in its unit; shape as ``brains.specs`` says.

        Raises:
            CorpusError: the shard is damaged.
        """
        return self.brains.values(name, self.index, out)

    def integers(self, name: str, out: Array | None = None) -> Array:
        """Return a map's stored integers; ``brains.step`` gives their scale and offset.

        Raises:
            CorpusError: the shard is damaged.
        """
        return self.brains.integers(name, self.index, out)

    def volume(self, name: str) -> Volume:
        """Return a map as float32 with its affine, voxel → template RAS+ mm.

        Raises:
            CorpusError: the shard is damaged.
        """
        stored = derived.parts_of(name, self.brains.specs)[0]
        affine = self.brains.specs[stored].affine if stored in self.brains.specs else self.affine
        return Volume(array=self.values(name), affine=np.array(affine))

    def to_nibabel(self, name: str) -> Nifti1Image:
        """Return a map as a ``nibabel.Nifti1Image`` in memory, float32."""
        return adapters.nibabel_image(self.volume(name))

    def niivue(self) -> Any:
        """Return a NiiVue widget with the chosen maps, the first one below the others; needs ipyniivue."""
        return adapters.niivue_widget(self._volumes())

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the picture, and what is known of the scan."""
        return brain_html(self.row, self.montage)

    def to_torchio(self) -> Any:
        """Return the chosen maps, but no vector fields, and what is known of the scan: a ``Subject``."""
        labels = frozenset(
            name
            for name, spec in self.brains.specs.items()
            if spec.dtype == "uint8" and self.brains.step(name, self.index) == (1.0, 0.0)
        )
        return adapters.torchio_subject(self._volumes(), labels, self._facts())

    def to_monai(self) -> dict[str, Any]:
        """Return the same for MONAI's dictionary transforms, each map a ``MetaTensor``."""
        return adapters.monai_dictionary(self._volumes(), self._facts())

    def _facts(self) -> dict[str, float | str]:
        """Return the row's numbers (NaN where unknown) and texts, but those about files and outcomes."""
        table, here = self.brains.table, np.array([self.index])
        names = model_columns.trainable(table, self.brains.specs)
        return {name: model_columns.plain_column(table, name, here)[0] for name in names}

    def _volumes(self) -> dict[str, Volume]:
        volumes = {name: self.volume(name) for name in self.brains.maps}
        return {name: volume for name, volume in volumes.items() if volume.array.ndim == 3}

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
        row = self.row
        with self.brains.shelf.open(row["shard"]) as source:
            return pictures_of(source, f"shard {row['shard']}", row["row_group"], ("montage",))[0]
