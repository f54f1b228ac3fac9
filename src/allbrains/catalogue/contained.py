"""An error while one dataset is read becomes a row of that dataset; the others are read on.

Strangers write what is read: names, tables, listings, of any characters, depth, size and year. No list of
exceptions is long enough for it, so this is the second of the package's two broad ``except`` clauses; the
other is where a scan is run. Errors that concern all datasets pass: a full disk, and our own.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa

from allbrains import tables
from allbrains.catalogue.dataset_rows import row_of
from allbrains.catalogue.read_dataset import Read
from allbrains.errors import AllbrainsError
from allbrains.files import FULL
from allbrains.sources.snapshot import Excluded, Exclusion, Snapshot
from allbrains.text import sound

_PACKAGE = Path(__file__).parents[1]
_LONGEST = 300  # letters of what is said


def contained(read: Callable[[Snapshot], Read], snapshot: Snapshot) -> Read:
    """Return what became of a dataset, fit for the catalogue's tables.

    Args:
        read: reads it.
        snapshot: of the dataset.

    Raises:
        AllbrainsError: what was raised on purpose: it is not this dataset's affair.
        OSError: a disk is full.
    """
    try:
        made = read(snapshot)
        _see_storable(made)
    except AllbrainsError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        return _failed(snapshot, error)
    return made


def _see_storable(made: Read) -> None:
    """See that a dataset's rows go into the catalogue's tables, before they stand among all others'."""
    about = row_of(made.snapshot, files=made.files, scans=0, route=made.route, source="", server="")
    pa.Table.from_pylist([about], schema=tables.DATASETS)
    pa.Table.from_pylist([asdict(row) for row in made.excluded], schema=tables.EXCLUSIONS)


def _failed(snapshot: Snapshot, error: Exception) -> Read:
    dataset, tag = sound(snapshot.dataset), sound(snapshot.tag)
    said = sound(" ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST])
    row = Excluded(
        dataset=dataset,
        snapshot=tag,
        path="",
        reason=Exclusion.LISTING_FAILED,
        evidence=f"it can't be read: {said} (in {_place(error)})",
    )
    return Read(snapshot=Snapshot(dataset=dataset, tag=tag), excluded=(row,))


def _place(error: Exception) -> str:
    """Return where in this package an exception came up: module, function and line."""
    frames = [
        one for one in traceback.extract_tb(error.__traceback__) if _PACKAGE in Path(one.filename).parents
    ]
    if not frames:
        return "a library"
    last = frames[-1]
    return f"{Path(last.filename).relative_to(_PACKAGE).with_suffix('').as_posix()}:{last.name}:{last.lineno}"
