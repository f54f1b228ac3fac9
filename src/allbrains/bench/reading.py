"""All that is measured of reading, as one table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from allbrains.bench import rivals
from allbrains.bench.timing import Cost, costs
from allbrains.errors import ConfigurationError
from allbrains.load import Brains

Task = Callable[[], int]
_PASSES = 4
PATCH = 96  # voxels along each side, or half the grid where it is smaller


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One way to read one kind of thing.

    Attributes:
        what: ``whole``, ``one map`` or ``patch``.
        how: the form, and its reader.
        cost: of a sample.
        ratio: CPU, over only decoding the same chunks.
    """

    what: str
    how: str
    cost: Cost
    ratio: float


def measure(brains: Brains, scratch: Path, *, rounds: int = 5) -> Iterator[Line]:
    """Yield the costs, for the same samples and maps in every form.

    Args:
        brains: a few samples with all their maps.
        scratch: folder to put the other forms into; they are removed again.
        rounds: how often each is measured.

    Raises:
        ConfigurationError: the corpus lacks ``t1w`` or ``gm``, or has no samples.
    """
    grid = brains.corpus.grid.shape
    maps = [name for name in brains.maps if name in brains.specs and brains.specs[name].shape == grid]
    if not len(brains) or not {"t1w", "gm"} <= {*maps}:
        raise ConfigurationError(f"{brains.shelf.where()} has no samples with the maps t1w and gm")
    sides = [min(PATCH, n // 2) for n in grid]
    window = tuple(slice((n - side) // 2, (n + side) // 2) for n, side in zip(grid, sides, strict=True))
    kinds = {"whole": (maps, None), "one map": (["gm"], None), "patch": (["t1w", "gm"], window)}
    with TemporaryDirectory(dir=scratch, prefix="allbrains-bench-") as folder:
        forms = _forms(brains, maps, Path(folder))
        for what, (names, part) in kinds.items():
            tasks = {"decode only": _loop(rivals.decode_only(brains, names), brains)}
            tasks["shards, loop"] = _loop(rivals.shards(brains, names, part), brains)
            crop = None if part is None else (sides[0], sides[1], sides[2])
            for threads in (1, 2):
                tasks[f"shards, batches, {_counted(threads, 'thread')}"] = _batches(
                    brains, names, crop, threads
                )
            for how, make in forms.items():
                tasks[how] = _loop(make(names, part), brains)
            tasks |= _loaders(brains, names, crop)
            found = costs(tasks, rounds)
            for how, cost in found.items():
                yield Line(what=what, how=how, cost=cost, ratio=cost.cpu_ms / found["decode only"].cpu_ms)


def _loop(read: rivals.Reader, brains: Brains) -> Task:
    def task() -> int:
        for index in range(len(brains)):
            read(index)
        return len(brains)

    return task


def _batches(brains: Brains, maps: Sequence[str], crop: tuple[int, int, int] | None, threads: int) -> Task:
    batches = _epoch(brains, maps).batches(2, crop=crop, threads=threads)
    return lambda: sum(len(batch) for batch in batches)


def _epoch(brains: Brains, maps: Sequence[str]) -> Brains:
    """Return the samples again and again: an epoch's beginning is not what is measured."""
    rows = np.tile(np.arange(len(brains)), _PASSES)
    return replace(brains.choose(maps), table=brains.table.take(rows))


def _loaders(brains: Brains, maps: Sequence[str], crop: tuple[int, int, int] | None) -> dict[str, Task]:
    """Return torch's DataLoader with one and two worker processes; nothing where torch is not installed."""
    try:
        from torch.utils.data import DataLoader
    except ModuleNotFoundError:
        return {}
    dataset = _epoch(brains, maps).torch_batches(2, [], integers=True, crop=crop)
    return {
        f"shards, DataLoader, {_counted(count, 'worker')}": partial(
            _drained, DataLoader(dataset, batch_size=None, num_workers=count), maps[0]
        )
        for count in (1, 2)
    }


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def _drained(loader: Iterable[dict[str, Any]], name: str) -> int:
    return sum(len(item[name]) for item in loader)


def _forms(
    brains: Brains, maps: Sequence[str], folder: Path
) -> dict[str, Callable[[Sequence[str], rivals.Window], rivals.Reader]]:
    """Write the samples in the other forms, and return how each is read; forms without their library, not."""
    forms: dict[str, Callable[[Sequence[str], rivals.Window], rivals.Reader]] = {}
    rivals.write_npy(brains, maps, folder)
    forms[".npy, mapped"] = partial(rivals.npy, folder)
    try:
        rivals.write_nifti(brains, maps, folder)
        forms[".nii.gz, nibabel"] = partial(rivals.nifti, folder)
        table = folder / "hf.parquet"
        rivals.write_hf(maps, len(brains), folder, table)
        forms["Nifti Parquet, datasets"] = partial(rivals.hf, table)
    except ModuleNotFoundError:
        pass
    return forms
