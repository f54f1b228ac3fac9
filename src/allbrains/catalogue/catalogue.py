"""The catalogue: four tables of datasets, scans, participants, and exclusions with their reasons."""

from __future__ import annotations

import hashlib
import io
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from allbrains import condition, tables
from allbrains.errors import ConfigurationError, CorpusError, SourceError
from allbrains.participants import PARTICIPANTS
from allbrains.regular_files import open_regular
from allbrains.sources import pins
from allbrains.sources.pins import Pin
from allbrains.sources.snapshot import INCOMPLETE
from allbrains.store.bounded_table import bounded_table, schema_of

FOLDER = "catalog"  # in a corpus
_STAMP = b"allbrains.catalogue"
# A catalogue that can't be read is never written over: what only it knew would be gone without a word.
BEGIN_ANEW = (
    "`allbrains repair` reads again what a corpus lost; where there is no corpus, delete the folder's tables"
)
# columns of ``datasets`` that a condition on scans may use; its ``name`` goes by ``dataset_name``
OF_DATASET = (
    "license",
    "license_spdx",
    "doi",
    "dataset_type",
    "deprecated",
    "published",
    "affirmed_defaced",
    "affirmed_consent",
    "stated_species",
    "route",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """What a crawl found.

    Attributes:
        datasets: one row for each dataset that was read, columns ``tables.DATASETS``.
        scans: one row for each scan, with its participant's labels, columns ``tables.LABELLED_SCANS``.
        participants: columns ``participants.PARTICIPANTS``.
        exclusions: columns ``tables.EXCLUSIONS``; with an empty path a whole dataset is meant.
    """

    datasets: pa.Table
    scans: pa.Table
    participants: pa.Table
    exclusions: pa.Table

    @property
    def missing(self) -> list[dict[str, Any]]:
        """The exclusion rows that mean that something is missing; empty when the catalogue is complete."""
        return [row for row in self.exclusions.to_pylist() if row["reason"] in INCOMPLETE]

    @property
    def labels(self) -> pa.Table:
        """What a samples table says of a scan and its ledger can't, by ``scan_id``: version, participant."""
        return self.scans.select(["scan_id", "snapshot", *tables.LABELS.names])

    @property
    def pins(self) -> tuple[Pin, ...]:
        """The versions that were read, for the lock file; a folder's datasets have none."""
        rows = self.datasets.select(["dataset", "snapshot", "hexsha", "source"]).to_pylist()
        return tuple(Pin(**row) for row in rows if not row.pop("source").startswith("file:"))


NO_RATINGS: Mapping[str, str] = MappingProxyType({})

_TABLES = tuple(field.name for field in fields(Catalogue))


def write(catalogue: Catalogue, folder: Path) -> None:
    """Write the tables to ``folder`` as Parquet, and the lock file; all of them or, when killed, none.

    Everything is written and synced under other names first, then renamed. All four tables carry the
    same stamp; one renamed table thus proves that the others' new versions are whole, and ``mend`` ends
    what a killed run began.
    """
    folder.mkdir(parents=True, exist_ok=True)
    mend(folder)
    stamp = _stamp(catalogue)
    for name in _TABLES:
        table = getattr(catalogue, name).combine_chunks()
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), _STAMP: stamp})
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        _write_synced(_part(folder, name), sink.getvalue())
    _write_synced(_part(folder, pins.NAME), pins.dump(catalogue.pins).encode())
    _sync(folder)
    _rename(folder)


def mend(folder: Path) -> None:
    """End, or take back, what a run that was killed while writing left behind."""
    parts = [name for name in _TABLES if _part(folder, name).exists()]
    new = {_stamp_in(_part(folder, name)) for name in parts}
    renamed = {_stamp_in(folder / f"{name}.parquet") for name in _TABLES if name not in parts}
    # tables are renamed first: a lock file alone that waits for its name has all of them before it
    if (not parts and _part(folder, pins.NAME).exists()) or (renamed and new == renamed):
        _rename(folder)
        return
    for name in (*_TABLES, pins.NAME):
        _part(folder, name).unlink(missing_ok=True)


def _rename(folder: Path) -> None:
    targets = {name: folder / f"{name}.parquet" for name in _TABLES} | {pins.NAME: folder / pins.NAME}
    for name, target in targets.items():
        if _part(folder, name).exists():
            _part(folder, name).replace(target)
    _sync(folder)


def is_in(folder: Path) -> bool:
    """Return whether a folder holds a table of a catalogue, whole or not."""
    return any((folder / f"{name}.parquet").exists() for name in _TABLES)


def read(folder: Path) -> Catalogue:
    """Return the catalogue in ``folder``.

    Raises:
        ConfigurationError: there is none.
        SourceError: its tables are not of one crawl, of another version of allbrains, or damaged.
    """
    found: dict[str, pa.Table] = {}
    for name in _TABLES:
        path = folder / f"{name}.parquet"
        try:
            with open_regular(path) as source:  # a corpus, and its catalogue, may be a stranger's
                found[name] = bounded_table(source, path)
        except FileNotFoundError as error:
            if is_in(folder):
                raise SourceError(f"{path} is not there, its companions are: {BEGIN_ANEW}") from error
            raise ConfigurationError(f"no catalogue in {folder}: {path.name} is not there") from error
        except (CorpusError, OSError) as error:
            said = error if isinstance(error, CorpusError) else f"{path} can't be read: {error.strerror}"
            raise SourceError(f"{said}: {BEGIN_ANEW}") from error
    if len({(table.schema.metadata or {}).get(_STAMP) for table in found.values()}) != 1:
        raise SourceError(f"the tables in {folder} are of different crawls: {BEGIN_ANEW}")
    return Catalogue(
        **{name: _as_of_today(table, folder / f"{name}.parquet") for name, table in found.items()}
    )


def _as_of_today(table: pa.Table, path: Path) -> pa.Table:
    """Return a table with today's columns.

    What another version of allbrains did not know of a scan or a participant is null. Other columns can't be
    done without.
    """
    schema, needed = _SCHEMAS[path.stem], _NEEDED.get(path.stem)
    try:
        for field in schema:
            if field.name not in table.column_names and needed and field.name not in needed:
                table = table.append_column(field, pa.nulls(len(table), field.type))
        return table.select(schema.names).cast(schema)
    except (pa.ArrowException, KeyError) as error:
        raise SourceError(
            f"{path} has the columns of another version of allbrains ({error}): {BEGIN_ANEW}"
        ) from error


_SCHEMAS = {
    "datasets": tables.DATASETS,
    "scans": tables.LABELLED_SCANS,
    "participants": PARTICIPANTS,
    "exclusions": tables.EXCLUSIONS,
}
_NEEDED = {
    "datasets": [name for name in tables.DATASETS.names if name != "stated_ages"],
    "scans": tables.SCANS.names,
    "participants": ["dataset", "participant_id", "session_id"],
}


def _part(folder: Path, name: str) -> Path:
    return folder / f".{name}.part"


def _write_synced(path: Path, content: bytes | memoryview) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _stamp_in(path: Path) -> bytes | None:
    """Return a table's stamp; none for a file that is not there or not whole."""
    try:
        metadata: dict[bytes, bytes] = schema_of(path, path).metadata or {}
    except CorpusError:
        return None
    return metadata.get(_STAMP)


def select(
    catalogue: Catalogue,
    *,
    where: str = "",
    datasets: Sequence[str] = (),
    limit: int | None = None,
    ratings: Mapping[str, str] = NO_RATINGS,
) -> pa.Table:
    """Return the scans that are asked for, in order of dataset and path.

    Args:
        catalogue: what there is.
        where: an SQL condition (DuckDB's dialect) over the columns of the scans, and of their datasets
            ``dataset_name`` and the names in ``OF_DATASET``, and ``rating``; empty means all.
        datasets: accessions; empty means all.
        limit: at most so many scans.
        ratings: what a person thought of scans, by scan id; the ``rating`` of others is empty, not null, so
            that ``rating != 'reject'`` holds of a scan that nobody has looked at.

    Raises:
        ConfigurationError: the condition is not one, or a dataset is not in the catalogue.
    """
    if unknown := sorted(set(datasets) - set(catalogue.datasets["dataset"].to_pylist())):
        raise ConfigurationError(f"not in the catalogue: {', '.join(unknown)}")
    scans = catalogue.scans
    chosen = _matching(catalogue, where, ratings) if where.strip() else range(scans.num_rows)
    names = scans["dataset"].to_pylist()
    paths = scans["path"].to_pylist()
    rows = sorted(
        (row for row in chosen if not datasets or names[row] in datasets),
        key=lambda row: (names[row], paths[row]),
    )
    return scans.take(pa.array(rows[:limit], pa.int64()))


def check(where: str) -> None:
    """Find out whether a condition fits a catalogue's columns, before there is one.

    Raises:
        ConfigurationError: it doesn't.
    """
    blank = Catalogue(  # one row, all null: some slips show only when a row is looked at
        datasets=tables.DATASETS.empty_table(),
        scans=pa.Table.from_pylist([{}], schema=tables.LABELLED_SCANS),
        participants=PARTICIPANTS.empty_table(),
        exclusions=tables.EXCLUSIONS.empty_table(),
    )
    select(blank, where=where)


def _matching(catalogue: Catalogue, where: str, ratings: Mapping[str, str]) -> Iterable[int]:
    """Return the numbers of the rows of ``scans`` that fulfil the condition."""
    words = [ratings.get(one, "") for one in catalogue.scans["scan_id"].to_pylist()]
    rated = catalogue.scans.append_column("rating", pa.array(words, pa.string()))
    own = catalogue.datasets.select(["dataset", "name", *OF_DATASET])
    columns = [*rated.column_names, "dataset_name", *OF_DATASET]
    sql = (
        f"SELECT {condition.ROW} FROM (SELECT s.*, d.name AS dataset_name, "
        f"{', '.join(f'd.{n}' for n in OF_DATASET)} "
        f"FROM scans s LEFT JOIN datasets d USING (dataset)) WHERE (\n{where}\n)"
    )
    try:
        # the condition may come from a file or a script: it may look at these two tables, at nothing else
        return condition.rows_where(sql, {"scans": rated, "datasets": own})
    except ConfigurationError as error:
        told = condition.advice(where, str(error), columns)
        raise ConfigurationError(f"--where {where!r} can't be used: {error}. {told}") from error


def grouped(scans: pa.Table) -> pa.Table:
    """Return the scans, in order of dataset and path, with the groups that have the same bytes."""
    digests = scans["digest"].to_pylist()
    copies = Counter(digests)
    first: dict[str, str] = {}
    for digest, scan_id in zip(digests, scans["scan_id"].to_pylist(), strict=True):
        first.setdefault(digest, scan_id)
    columns = {
        "copies": [copies[digest] for digest in digests],
        "digest_group": [first[digest] for digest in digests],
    }
    for name, values in columns.items():
        number = scans.schema.get_field_index(name)
        column = scans.schema.field(number)
        scans = scans.set_column(number, column, pa.array(values, column.type))
    return scans


class _Hashing(io.RawIOBase):
    """A file that only hashes what is written to it."""

    def __init__(self) -> None:
        self.digest, self.written = hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self.digest.update(data)
        self.written += len(data)
        return len(data)

    def tell(self) -> int:
        return self.written


def _stamp(catalogue: Catalogue) -> bytes:
    """Return a hash over the tables' contents, however their arrays came about."""
    sink = _Hashing()
    for name in _TABLES:  # Parquet knows no unused bytes under nulls and no offsets into larger arrays
        pq.write_table(getattr(catalogue, name), pa.PythonFile(sink, mode="w"), compression="none")
    return sink.digest.hexdigest()[:32].encode()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
