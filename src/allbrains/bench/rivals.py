"""The same samples in other forms, and how each is read: whole, one map, or a patch.

A reader is called with a sample's number and gives its arrays; what it costs is measured elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from allbrains.load import Brains
from allbrains.store import codec

if TYPE_CHECKING:
    from allbrains.records import Array

Reader = Callable[[int], Any]
Window = tuple[slice, ...] | None

_EVERYTHING = (slice(None),) * 3


def decode_only(brains: Brains, maps: Sequence[str]) -> Reader:
    """Return what only decodes, from memory into memory that was touched before: the least that can be."""
    chunks = [
        [bytes(brains.shelf.read(brains.place(name, index))) for name in maps] for index in range(len(brains))
    ]
    outs = [_empty(brains, name) for name in maps]

    def read(index: int) -> None:
        for chunk, out in zip(chunks[index], outs, strict=True):
            codec.decode_into(chunk, out)

    return read


def shards(brains: Brains, maps: Sequence[str], window: Window = None) -> Reader:
    """Return a loop over our shards, into memory that is used again; integers."""
    outs = {name: _empty(brains, name) for name in maps}

    def read(index: int) -> list[Array]:
        read_maps = [brains.integers(name, index, outs[name]) for name in maps]
        return read_maps if window is None else [one[window].copy() for one in read_maps]

    return read


def write_nifti(brains: Brains, maps: Sequence[str], folder: Path) -> None:
    """Write what most people have: one float32 ``.nii.gz`` file for each map."""
    import nibabel

    for index in range(len(brains)):
        for name in maps:
            image = nibabel.Nifti1Image(brains.values(name, index), brains.affine)
            nibabel.save(image, folder / f"{index}_{name}.nii.gz")


def nifti(folder: Path, maps: Sequence[str], window: Window = None) -> Reader:
    """Return nibabel over a folder of ``.nii.gz``."""
    import nibabel

    def read(index: int) -> list[Array]:
        images = [nibabel.load(folder / f"{index}_{name}.nii.gz") for name in maps]
        return [np.asarray(image.dataobj[window or _EVERYTHING], np.float32) for image in images]

    return read


def write_npy(brains: Brains, maps: Sequence[str], folder: Path) -> None:
    """Write one ``.npy`` file for each map, in the integers that we store."""
    for index in range(len(brains)):
        for name in maps:
            np.save(folder / f"{index}_{name}.npy", brains.integers(name, index))


def npy(folder: Path, maps: Sequence[str], window: Window = None) -> Reader:
    """Return NumPy over a folder of ``.npy``, mapped into memory."""

    def read(index: int) -> list[Array]:
        arrays = [np.load(folder / f"{index}_{name}.npy", mmap_mode="r") for name in maps]
        return [np.array(array[window or _EVERYTHING]) for array in arrays]

    return read


def write_hf(maps: Sequence[str], count: int, niftis: Path, path: Path) -> None:
    """Write a Parquet file of Hugging Face's ``Nifti`` columns from a folder of ``.nii.gz``.

    Raises:
        ModuleNotFoundError: datasets is not installed.
    """
    from datasets import Dataset, Features, Nifti, disable_progress_bars

    disable_progress_bars()
    rows = {name: [str(niftis / f"{index}_{name}.nii.gz") for index in range(count)] for name in maps}
    features = Features({name: Nifti() for name in maps})
    Dataset.from_dict(rows, features=features).to_parquet(path, batch_size=1)


def hf(path: Path, maps: Sequence[str], window: Window = None) -> Reader:
    """Return Hugging Face's own reader of ``Nifti`` columns.

    Raises:
        ModuleNotFoundError: datasets is not installed.
    """
    from datasets import Dataset, disable_progress_bars

    disable_progress_bars()
    rows = Dataset.from_parquet(str(path), columns=list(maps), cache_dir=str(path.parent / "cache"))

    def read(index: int) -> list[Array]:
        row = rows[index]
        return [np.asarray(row[name].dataobj[window or _EVERYTHING], np.float32) for name in maps]

    return read


def _empty(brains: Brains, name: str) -> Array:
    spec = brains.specs[name]
    return np.zeros(spec.shape, np.dtype(spec.dtype).newbyteorder("<"))
