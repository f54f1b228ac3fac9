"""The columns of shards and of the samples table, each with its description. Pure.

A shard's row is one sample. Each map ``m`` has five columns: ``m`` (one blosc2 chunk), ``m_scale``,
``m_offset``, ``m_nbytes`` and ``m_crc32``. What is the same for all rows stands once, in the metadata of
the map's field, key ``map``: JSON with ``shape``, ``affine``, and ``dtype`` (one of ``INTEGERS``; bytes are
little-endian, in C order).

A stranger may have written that JSON: what it says is bounded here, before any memory is taken for it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from allbrains import tables
from allbrains.errors import CorpusError
from allbrains.store.manifest import FORMAT_VERSION, CorpusFormat, Matrix, affine_of, shape_of
from allbrains.text import json_of

# NumPy's names of the types that a map may have, each with the bytes of a voxel. Never another: an object
# type would take a chunk's bytes for addresses in memory.
INTEGERS = {
    "uint8": 1,
    "int8": 1,
    "uint16": 2,
    "int16": 2,
    "uint32": 4,
    "int32": 4,
    "uint64": 8,
    "int64": 8,
}
MOST_MAPS = 256
MOST_MAP_BYTES = 1 << 28  # a field of three components on a grid of 0.5 mm has 236 MB

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")
_CORPUS, _MAPS = b"allbrains.corpus", b"allbrains.maps"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapSpec:
    """What all of a corpus's maps of one name have in common.

    Attributes:
        shape: axes x, y, z; a vector map has its components last.
        dtype: one of ``INTEGERS``, such as ``uint16``.
        affine: 4 rows of 4, voxel index → RAS+ mm of the template space.
    """

    shape: tuple[int, ...]
    dtype: str
    affine: Matrix

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"shape": self.shape, "dtype": self.dtype, "affine": self.affine}

    @property
    def nbytes(self) -> int:
        """Bytes of the map in memory."""
        return math.prod(self.shape) * INTEGERS[self.dtype]

    @classmethod
    def from_json(cls, name: str, fields: Any) -> MapSpec:
        """Return what ``to_json`` took apart.

        Raises:
            ValueError: it is no map that this format can hold; says what of it.
            KeyError: something is missing.
            TypeError: it is not even a mapping.
        """
        if not _NAME.match(name):
            raise ValueError(f"a map can't be called {name[:80]!r}: lower-case letters, digits and _ only")
        dtype = fields["dtype"]
        if not isinstance(dtype, str) or dtype not in INTEGERS:
            raise ValueError(f"map {name}: its type is {str(dtype)[:80]!r}, expected {', '.join(INTEGERS)}")
        spec = cls(
            shape=shape_of(fields["shape"], axes=(3, 4)), dtype=dtype, affine=affine_of(fields["affine"])
        )
        if spec.nbytes > MOST_MAP_BYTES:
            raise ValueError(f"map {name}: {spec.nbytes} bytes, at most {MOST_MAP_BYTES} are read")
        return spec


Columns = dict[str, tuple[pa.DataType, str]]

_ROW: Columns = {
    "scan_id": (pa.string(), "32 hex digits over dataset, path and content"),
    "dataset": (pa.string(), "Accession or folder name"),
    "path": (pa.string(), "BIDS path of the scan inside the dataset"),
    "numbers": (pa.string(), "Volumes and metrics, a JSON object; null where a number is not finite"),
    "texts": (pa.string(), "Provenance and flags, a JSON object"),
    "montage": (pa.binary(), "JPEG picture of the result"),
    "mosaic": (pa.binary(), "JPEG picture of the whole head in its own space; empty where there is none"),
    "outlines": (pa.binary(), "PNG of the same size: outlines of the brain's mask and the white matter"),
}
# pictures that are in the shards alone: the samples table of 40,000 scans would have 5 GB with them
LARGE_PICTURES = ("mosaic", "outlines")

_OF_MAP_IN_ROW = {
    "{}_scale": (pa.float64(), "{}: value = stored * scale + offset"),
    "{}_offset": (pa.float64(), "{}: value of a stored 0"),
    "{}_nbytes": (pa.int64(), "{}: bytes of the chunk"),
    "{}_crc32": (pa.int64(), "{}: CRC-32 of the chunk"),
}

OUTCOME: Columns = {
    "outcome": (pa.string(), "done (in a shard), rejected, failed, or pending"),
    "reason": (pa.string(), "Reason code where rejected, else empty"),
    "cause": (pa.string(), "Cause where failed, else empty"),
    "detail": (pa.string(), "One sentence on a rejection or failure, else empty"),
    "shard": (pa.string(), "File that holds the sample, relative to this table; null where there is none"),
    "shard_size": (pa.int64(), "Bytes of that file; another size means that this table is out of date"),
    "row_group": (pa.int32(), "Row group of the sample, from 0; it has one row"),
}
# Where a scan was fetched from is the catalogue's: a folder's addresses name the machine that they were on.
LEFT_OUT = ("urls",)
_OF_MAP_IN_SAMPLES = {"{}_start": (pa.int64(), "{}: first byte of the chunk in the shard")} | _OF_MAP_IN_ROW
_MONTAGE = {"montage": _ROW["montage"]}


def _fields(columns: Columns, *, nullable: bool) -> list[pa.Field]:
    return [
        pa.field(name, kind, nullable=nullable, metadata={"description": text})
        for name, (kind, text) in columns.items()
    ]


def _of_map(columns: Columns, name: str) -> Columns:
    return {column.format(name): (kind, text.format(name)) for column, (kind, text) in columns.items()}


def shard_schema(specs: Mapping[str, MapSpec], corpus: CorpusFormat) -> pa.Schema:
    """Return the schema of a shard and of a staged sample.

    Raises:
        ValueError: a map's name is not lower-case letters, digits and ``_``, or clashes with a column.
    """
    fields = _fields(_ROW, nullable=False)
    for name, spec in specs.items():
        if not _NAME.match(name):
            raise ValueError(f"a map can't be called {name!r}: lower-case letters, digits and _ only")
        about = {"description": f"{name}: a blosc2 chunk", "map": json.dumps(spec.to_json())}
        fields.append(pa.field(name, pa.binary(), nullable=False, metadata=about))
        fields += _fields(_of_map(_OF_MAP_IN_ROW, name), nullable=False)
    return pa.schema(_distinct(fields), metadata=_metadata("shard", corpus))


def samples_schema(
    *,
    specs: Mapping[str, MapSpec],
    numbers: list[str],
    texts: list[str],
    demographics: list[pa.Field],
    descriptions: Mapping[str, str],
    corpus: CorpusFormat,
) -> pa.Schema:
    """Return the schema of the samples table.

    Args:
        specs: of all maps.
        numbers: names of all numbers of all samples.
        texts: names of all texts of all samples.
        demographics: the fields that are joined to the scans, without ``scan_id``.
        descriptions: of numbers and texts, by name.
        corpus: what the folder holds.

    Raises:
        ValueError: two columns have one name.
    """
    fields = [field.with_nullable(True) for field in tables.SCANS if field.name not in LEFT_OUT]
    fields += [field.with_nullable(True) for field in demographics]
    fields += _fields(OUTCOME, nullable=True)
    told = {name: (pa.float64(), descriptions.get(name, "Number of the recipe")) for name in numbers}
    fields += _fields(told, nullable=True)
    told = {name: (pa.string(), descriptions.get(name, "Text of the recipe")) for name in texts}
    fields += _fields(told, nullable=True)
    for name in specs:
        fields += _fields(_of_map(_OF_MAP_IN_SAMPLES, name), nullable=True)
    fields += _fields(_MONTAGE, nullable=True)
    maps = {name: spec.to_json() for name, spec in specs.items()}
    return pa.schema(
        _distinct(fields), metadata=_metadata("samples", corpus) | {_MAPS: json.dumps(maps).encode()}
    )


def place_columns(name: str) -> list[str]:
    """Return the columns of the samples table that say where a map is and what its steps are worth."""
    return [column.format(name) for column in _OF_MAP_IN_SAMPLES]


def place_fields(name: str) -> list[pa.Field]:
    """Return those columns as fields."""
    return _fields(_of_map(_OF_MAP_IN_SAMPLES, name), nullable=True)


def outcome_fields() -> list[pa.Field]:
    """Return the columns of the samples table that say what became of a scan."""
    return _fields(OUTCOME, nullable=True)


def specs_of_shard(schema: pa.Schema) -> dict[str, MapSpec]:
    """Return the maps of a shard or staged sample, by name, in their order.

    Raises:
        ValueError: a map is none that this format can hold; so are ``KeyError`` and ``TypeError``.
    """
    told = {
        field.name: json_of(field.metadata[b"map"]) for field in schema if b"map" in (field.metadata or {})
    }
    return _specs(told)


def specs_of_samples(schema: pa.Schema) -> dict[str, MapSpec]:
    """Return the maps that a samples table lists, by name, in their order.

    Raises:
        CorpusError: it is not a samples table.
    """
    try:
        return _specs(json_of(schema.metadata[_MAPS]))
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise CorpusError(f"not a table of samples: its metadata doesn't tell its maps ({error})") from error


def _specs(told: Mapping[str, Any]) -> dict[str, MapSpec]:
    if len(told) > MOST_MAPS:
        raise ValueError(f"{len(told)} maps, at most {MOST_MAPS} are read")
    return {name: MapSpec.from_json(name, one) for name, one in told.items()}


def corpus_text(schema: pa.Schema) -> str:
    """Return the manifest that a shard or samples table carries.

    Raises:
        CorpusError: it carries none.
    """
    try:
        return str(schema.metadata[_CORPUS].decode())
    except (TypeError, KeyError, UnicodeDecodeError) as error:
        raise CorpusError("not a file of an allbrains corpus: its metadata has no manifest") from error


def _metadata(table: str, corpus: CorpusFormat) -> dict[bytes, bytes]:
    return {
        b"allbrains.table": table.encode(),
        b"allbrains.format": str(FORMAT_VERSION).encode(),
        _CORPUS: corpus.to_json().encode(),
    }


def _distinct(fields: list[pa.Field]) -> list[pa.Field]:
    names = [field.name for field in fields]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"two columns would be called {', '.join(twice)}")
    return fields
