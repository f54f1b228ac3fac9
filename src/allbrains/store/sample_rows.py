"""Check the rows of an untrusted samples table before they are used.

A row names a shard, a path and places of bytes. All commands that read a corpus get their rows from here, so
a row that leads out of the corpus, or to bytes that no map can have, is refused before a file is opened.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from allbrains import tables
from allbrains.errors import CorpusError
from allbrains.limits import MADE, READ
from allbrains.store.bounded_table import Source, bounded_table, reading_of
from allbrains.store.layout import folder_name
from allbrains.store.ratings import RATING
from allbrains.store.sample_schema import MapSpec, outcome_fields, place_fields, specs_of_samples

if TYPE_CHECKING:
    from allbrains.records import Array

_SCAN_ID = r"\A[0-9a-f]{32}\z"
_SHARD = re.compile(r"shards/(?P<folder>[A-Za-z0-9_.%~-]+)/[A-Za-z0-9_%~][A-Za-z0-9_.%~-]*\.parquet\Z")
# a path with an empty part, a part "." or "..", a NUL, or a slash at its beginning or end
_ASTRAY = r"\A/|/\z|//|\A\z|(?:\A|/)\.\.?(?:/|\z)|\x00"
_NEEDED = ("scan_id", "dataset", "snapshot", "path", "subject", "session", "digest")
MOST_SHARD_BYTES = 1 << 40
_MOST_ROW_GROUP = 1 << 16
_HEADER_BYTES = 1024  # by which a chunk that could not be compressed is larger than its map; blosc2's are 32
_PLAIN = (pa.string(), pa.float64(), pa.bool_(), pa.int64(), pa.int32(), pa.list_(pa.string()))


def checked_samples(source: Source, origin: object) -> tuple[pa.Table, dict[str, MapSpec]]:
    """Return the rows of a samples table without their pictures, and its maps by name.

    Raises:
        CorpusError: it is no such table; or a row leads out of the corpus or contradicts itself.
    """
    table = bounded_table(source, origin, without=("montage",))
    with reading_of(origin):
        specs = specs_of_samples(table.schema)
        _see_types(table.schema, specs)
        _see_names(table)
        done = table.filter(pc.equal(table["outcome"], "done"))
        _see_shards(done)
        for name, spec in specs.items():
            _see_places(done, name, spec)
    return table, specs


def most_bytes(spec: MapSpec) -> int:
    """Return how many bytes a chunk of a map can have."""
    return spec.nbytes + _HEADER_BYTES


def _see_types(schema: pa.Schema, specs: Mapping[str, MapSpec]) -> None:
    places = [field for name in specs for field in place_fields(name)]
    known = {field.name: field.type for field in (*tables.LABELLED_SCANS, *outcome_fields(), *places)}
    wanted = {*_NEEDED, *(field.name for field in (*outcome_fields(), *places))}
    if lacking := sorted(wanted - set(schema.names)):
        raise CorpusError(f"it has no column {lacking[0]}")
    if made := sorted({*MADE, RATING} & set(schema.names)):
        raise CorpusError(f"its column {made[0]} is one that opening makes: a samples table has none")
    for field in schema:
        name, kind = field.name, known.get(field.name)
        if kind is not None and field.type != kind:
            raise CorpusError(f"its column {name} is {field.type}, expected {kind}")
        if field.type not in _PLAIN or (name in READ and field.type != pa.float64()):
            raise CorpusError(f"its column {name} is {field.type}, expected numbers or texts")


def _see_names(table: pa.Table) -> None:
    """See that ids and paths are what they are called: they become names of files."""
    for name in ("scan_id", "dataset", "path", "snapshot", "outcome"):
        if table[name].null_count:
            raise CorpusError(f"{table[name].null_count} rows have no {name}")
    strange = table.filter(pc.invert(pc.match_substring_regex(table["scan_id"], _SCAN_ID)))
    if len(strange):
        raise CorpusError(f"{strange['scan_id'][0].as_py()!r} is not a scan id")
    if pc.count_distinct(table["scan_id"]).as_py() != len(table):
        raise CorpusError("two rows have one scan_id")
    for name in ("dataset", "path"):
        astray = table.filter(pc.match_substring_regex(table[name], _ASTRAY))
        if len(astray):
            raise CorpusError(f"the {name} {astray[name][0].as_py()!r} leads out of its folder")


def _see_shards(done: pa.Table) -> None:
    """See that each sample's shard lies in its dataset's folder."""
    pairs = set(zip(done["dataset"].to_pylist(), done["shard"].to_pylist(), strict=True))
    for dataset, shard in sorted(pairs, key=str):
        found = _SHARD.match(shard or "")
        if found is None or found["folder"] != folder_name(dataset):
            raise CorpusError(
                f"a sample of {dataset!r} names the shard {shard!r}, which is not its dataset's"
            )
    _see_within(done, "shard_size", 0, MOST_SHARD_BYTES)
    _see_within(done, "row_group", 0, _MOST_ROW_GROUP)


def _see_places(done: pa.Table, name: str, spec: MapSpec) -> None:
    """See that each chunk lies inside its shard and is no larger than its map; null where there is none."""
    done = done.filter(pc.is_valid(done[f"{name}_nbytes"]))
    _see_within(done, f"{name}_nbytes", 1, most_bytes(spec))
    _see_within(done, f"{name}_start", 0, MOST_SHARD_BYTES)
    _see_within(done, f"{name}_crc32", 0, 2**32 - 1)
    ends = _numbers(done, f"{name}_start") + _numbers(done, f"{name}_nbytes")
    if (ends > _numbers(done, "shard_size")).any():
        raise CorpusError(f"a chunk of the map {name} ends behind its shard's end")
    for column in (f"{name}_scale", f"{name}_offset"):
        values = np.asarray(done[column].to_numpy(zero_copy_only=False), np.float64)
        if not np.isfinite(values).all():
            raise CorpusError(f"{column} is not a finite number in each row")


def _see_within(done: pa.Table, name: str, least: int, most: int) -> None:
    if done[name].null_count:
        raise CorpusError(f"{done[name].null_count} samples have no {name}")
    values = _numbers(done, name)
    wrong = values[(values < least) | (values > most)]
    if wrong.size:
        raise CorpusError(f"{name} is {wrong[0]}, expected {least} to {most}")


def _numbers(done: pa.Table, name: str) -> Array:
    values: Any = done[name].to_numpy(zero_copy_only=False)
    return np.asarray(values, np.int64)
