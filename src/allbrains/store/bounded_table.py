"""Read an untrusted Parquet table within bounds.

What its footer promises is looked at before any memory is taken, each text is checked to be UTF-8, and what
pyarrow raises over it becomes a ``CorpusError``. A page that unpacks to more than its footer says is held
only by Parquet's own 2 GB a page.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from allbrains.errors import CorpusError
from allbrains.regular_files import open_regular

# What pyarrow, and the decoding of text and JSON in its metadata, may raise over a file with flipped bits.
UNREADABLE = (
    OSError,
    pa.ArrowException,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    OverflowError,
    RecursionError,
)

MOST_ROWS = 10_000_000  # OpenNeuro has 60,000 scans
MOST_COLUMNS = 10_000  # a corpus has some 200
MOST_BYTES = 1 << 32  # of a table in memory, without its pictures: 60,000 scans take 0.2 GB
_AT_ONCE = 1 << 31  # bytes that a row group may become before each of its columns is looked at

Source = Any  # a path, or what fsspec opens: a binary file that can seek


@contextmanager
def reading_of(origin: object) -> Iterator[None]:
    """Turn errors while an untrusted table is read into a ``CorpusError`` that names the table."""
    try:
        yield
    except UNREADABLE as error:
        said = " ".join(str(error).split())[:300] or type(error).__name__
        raise CorpusError(f"{origin} can't be read: {said}") from error


def bounded_table(
    source: Source, origin: object, *, columns: Sequence[str] | None = None, without: Collection[str] = ()
) -> pa.Table:
    """Return a Parquet table.

    Args:
        source: a path, or a binary file that can seek.
        origin: what to call it in messages.
        columns: to read; all where it isn't given.
        without: columns that are passed over.

    Raises:
        CorpusError: it is damaged, lacks a column, has one twice, or is larger than any such table.
    """
    schema = schema_of(source, origin).remove_metadata()
    parts, nbytes = [], 0
    for part in row_groups(source, origin, columns=columns, without=without):
        parts.append(part)
        if (nbytes := nbytes + part.nbytes) > MOST_BYTES:
            raise CorpusError(f"{origin} holds more than {MOST_BYTES} bytes")
    if parts:
        return pa.concat_tables(parts)
    with reading_of(origin):
        table = schema_of(source, origin).empty_table()
        return table.select([name for name in columns or schema.names if name not in without])


def row_groups(
    source: Source, origin: object, *, columns: Sequence[str] | None = None, without: Collection[str] = ()
) -> Iterator[pa.Table]:
    """Yield a Parquet table by its row groups, for one that is not to be held as a whole.

    Args:
        source: a path, or a binary file that can seek.
        origin: what to call it in messages.
        columns: to read; all where it isn't given.
        without: columns that are passed over.

    Raises:
        CorpusError: as ``bounded_table``.
    """
    with reading_of(origin), _opened(source) as opened:
        file = pq.ParquetFile(opened)
        see_bounds(file.metadata)
        schema: pa.Schema = file.schema_arrow
        names = [name for name in columns or schema.names if name not in without]
        if wrong := [name for name in names if schema.names.count(name) != 1]:
            raise ValueError(f"it has the column {wrong[0]!r} {schema.names.count(wrong[0])} times")
        for group in range(file.num_row_groups):
            if _largest(file.metadata.row_group(group), names) > _AT_ONCE:
                _see_texts(opened, group, names, schema)
            table = file.read_row_group(group, columns=names)
            table.validate(full=True)  # texts are UTF-8, indices lie inside
            yield table


def schema_of(source: Source, origin: object) -> pa.Schema:
    """Return a Parquet table's schema with its metadata.

    Raises:
        CorpusError: it is no Parquet table.
    """
    with reading_of(origin), _opened(source) as opened, pq.ParquetFile(opened) as file:
        return file.schema_arrow


@contextmanager
def _opened(source: Source) -> Iterator[Any]:
    """Give a binary file: what came open stays so; a path is opened where a regular file lies."""
    if not isinstance(source, str | Path):
        yield source
        return
    with open_regular(source) as file:
        yield file


def see_columns(table: pa.Table, schema: pa.Schema, needed: Collection[str], origin: object) -> None:
    """See that a table's columns of a schema have its types, and that those which are needed are filled.

    Raises:
        CorpusError: they aren't.
    """
    for field in schema:
        if field.name in table.column_names and table.schema.field(field.name).type != field.type:
            found = table.schema.field(field.name).type
            raise CorpusError(f"{origin}: the column {field.name} is {found}, expected {field.type}")
    for name in needed:
        if name not in table.column_names or table[name].null_count:
            raise CorpusError(f"{origin}: expected a value in each row of the column {name}")


def see_bounds(metadata: pq.FileMetaData) -> None:
    """See that a footer promises no more than such a table can have.

    Raises:
        ValueError: it does.
    """
    rows = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    if not (
        0 <= metadata.num_rows <= MOST_ROWS and sum(rows) == metadata.num_rows and min(rows, default=0) >= 0
    ):
        raise ValueError(f"{metadata.num_rows} rows, at most {MOST_ROWS} are read")
    if metadata.num_columns > MOST_COLUMNS:
        raise ValueError(f"{metadata.num_columns} columns, at most {MOST_COLUMNS} are read")


def _largest(group: pq.RowGroupMetaData, names: Collection[str]) -> int:
    """Return how many bytes a row group can become: a value of a dictionary may stand in every row."""
    nbytes = 0
    for number in range(group.num_columns):
        chunk = group.column(number)
        if chunk.path_in_schema.partition(".")[0] in names:
            coded = chunk.physical_type == "BYTE_ARRAY" and any("DICT" in one for one in chunk.encodings)
            nbytes += max(chunk.total_uncompressed_size, 0) * (group.num_rows if coded else 1)
    return nbytes


def _see_texts(source: Source, group: int, names: Sequence[str], schema: pa.Schema) -> None:
    """See how large a row group's texts are, each read as numbers into a dictionary of the values.

    Raises:
        ValueError: they are too large to be read.
    """
    texts = [name for name in names if pa.types.is_string(schema.field(name).type)]
    nbytes = 0
    with pq.ParquetFile(source, read_dictionary=texts) as file:
        for name in texts:
            for chunk in file.read_row_group(group, columns=[name])[name].chunks:
                lengths = pc.binary_length(chunk.dictionary.cast(pa.binary())).cast(pa.int64())
                nbytes += pc.sum(lengths.take(chunk.indices)).as_py() or 0
    if nbytes > MOST_BYTES:
        raise ValueError(f"its texts have {nbytes} bytes, at most {MOST_BYTES} are read")
