"""Samples as plain NumPy files: one ``.npy`` file for each map in folders, or WebDataset tars.

Maps are the integers that are stored; beside them, ``json`` says what a step is worth
(``value = integer * scale + offset``), where the grid lies, and all that the samples table knows.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from allbrains.export.names import source_of
from allbrains.files import publishing
from allbrains.load import Brain
from allbrains.records import Array
from allbrains.store.layout import folder_name

SAMPLES_PER_TAR = 64  # about 3 GB of full samples at 1 mm


def export_npy(brains: Iterable[Brain], to: Path) -> Iterator[Path]:
    """Write ``to/<dataset>/<scan's name>/<map>.npy`` and ``sample.json``; yield each folder when it is whole.

    Raises:
        ConfigurationError: the folder can't be written to.
        CorpusError: a shard is damaged.
        NoSpace: the disk is full.
    """
    for brain in brains:
        row = brain.row
        scan = source_of(row["path"])
        folder = (
            to / folder_name(row["dataset"]) / Path(*scan.folders) / Path(row["path"]).name.partition(".")[0]
        )
        for name in brain.brains.maps:
            _write(folder / f"{name}.npy", npy(_stored(brain, name)))
        _write(folder / "sample.json", about(brain).encode())
        yield folder


def export_webdataset(brains: Iterable[Brain], to: Path, *, per_tar: int = SAMPLES_PER_TAR) -> Iterator[Path]:
    """Write ``to/allbrains-000000.tar`` and so on; yield each when it is whole.

    A sample's files are ``<scan_id>.<map>.npy`` and ``<scan_id>.json``, one after another, as WebDataset
    wants them. The same samples give the same bytes.

    Raises:
        ConfigurationError: the folder can't be written to.
        CorpusError: a shard is damaged.
        NoSpace: the disk is full.
    """
    waiting = iter(brains)
    number, first = 0, next(waiting, None)
    while first is not None:
        path = to / f"allbrains-{number:06d}.tar"
        with publishing(path) as temporary, tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar:
            _add(tar, first)
            for brain in (next(waiting, None) for _ in range(per_tar - 1)):
                if brain is not None:
                    _add(tar, brain)
        yield path
        number, first = number + 1, next(waiting, None)


def npy(array: Array) -> bytes:
    """Return an array as the bytes of an ``.npy`` file."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    return buffer.getvalue()


def about(brain: Brain) -> str:
    """Return a sample's row and its maps' steps and affines, as JSON."""
    steps: dict[str, Any] = {}
    for name in brain.brains.maps:
        stored = name in brain.brains.specs
        scale, offset = brain.brains.step(name, brain.index) if stored else (1.0, 0.0)
        affine = brain.brains.specs[name].affine if stored else brain.affine.tolist()
        steps[name] = {"scale": scale, "offset": offset, "affine": affine}
    row = {key: value for key, value in brain.row.items() if key not in brain.brains.place_columns}
    return json.dumps({**row, "maps": steps}, ensure_ascii=False, default=str) + "\n"


def _stored(brain: Brain, name: str) -> Array:
    """Return a map's integers; a derived map, which has none, as float32."""
    return brain.integers(name) if name in brain.brains.specs else brain.values(name)


def _add(tar: tarfile.TarFile, brain: Brain) -> None:
    key = brain.row["scan_id"]
    files = {f"{key}.{name}.npy": npy(_stored(brain, name)) for name in brain.brains.maps}
    for name, data in {**files, f"{key}.json": about(brain).encode()}.items():
        entry = tarfile.TarInfo(name)  # with time, owner and mode that are the same everywhere
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))


def _write(path: Path, data: bytes) -> None:
    with publishing(path) as temporary:
        temporary.write_bytes(data)
