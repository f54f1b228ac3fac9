"""The tables that the Hub's viewer shows: what is known of each scan, and its picture.

A file a dataset, so a withdrawn one is a removed file and a new one changes no other. The picture is an
``Image`` feature of ``datasets``; maps are not in here, since a column of volumes breaks the viewer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from allbrains.limits import MADE
from allbrains.store.bounded_table import row_groups, schema_of
from allbrains.store.layout import folder_name
from allbrains.store.sample_schema import place_columns, specs_of_samples

PICTURE = "montage"
ROWS_PER_GROUP = 100  # about 4 MB with their pictures; the viewer reads whole groups
_IMAGE = pa.struct({"bytes": pa.binary(), "path": pa.string()})
_FEATURES: dict[str, Any] = {
    "string": {"dtype": "string", "_type": "Value"},
    "double": {"dtype": "float64", "_type": "Value"},
    "bool": {"dtype": "bool", "_type": "Value"},
    "int64": {"dtype": "int64", "_type": "Value"},
    "int32": {"dtype": "int32", "_type": "Value"},
}


def write_tables(samples: Path, folder: Path, judged: pa.Table) -> list[Path]:
    """Write the table of each dataset of a corpus into a folder; return the files.

    Args:
        samples: the corpus' samples table.
        folder: made where it isn't there.
        judged: the rows to show with their verdicts, as opened, in the samples table's order: a verdict
            hangs on all scans of its dataset, which a part of the table doesn't hold.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    writer: pq.ParquetWriter | None = None
    for dataset, rows in _runs(samples, judged):
        path = folder / f"{folder_name(dataset)}.parquet"
        if not written or path != written[-1]:
            if writer is not None:
                writer.close()
            writer = pq.ParquetWriter(path, rows.schema, compression="zstd", write_page_index=True)
            written.append(path)
        assert writer is not None
        writer.write_table(rows, row_group_size=ROWS_PER_GROUP)
    if writer is not None:
        writer.close()
    return written


def _runs(samples: Path, judged: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Yield a dataset and rows of it; only of the judged scans. Rows of a dataset follow each other."""
    specs = specs_of_samples(schema_of(samples, samples))
    places = {column for name in specs for column in place_columns(name)}
    wanted = judged["scan_id"].combine_chunks()
    verdicts, place = judged.select([name for name in MADE if name in judged.column_names]), 0
    for rows in row_groups(samples, samples, without=places | {"urls", "cause", "detail"}):
        found = rows.filter(pc.is_in(rows["scan_id"], value_set=wanted))
        table = _shown(found, verdicts.slice(place, len(found)))
        place += len(found)
        datasets = table["dataset"].to_pylist()
        starts = [n for n, name in enumerate(datasets) if n == 0 or name != datasets[n - 1]]
        for start, end in pairwise([*starts, len(datasets)]):
            yield datasets[start], table.slice(start, end - start)


def _shown(table: pa.Table, verdicts: pa.Table) -> pa.Table:
    """Return rows with their verdicts, and the picture first and as an image."""
    for field, column in zip(verdicts.schema, verdicts.columns, strict=True):
        table = table.append_column(field, column)
    pictures = table[PICTURE].combine_chunks()
    nobody = pa.nulls(len(table), pa.string())
    image = pa.StructArray.from_arrays([pictures, nobody], fields=list(_IMAGE), mask=pictures.is_null())
    rest = table.drop_columns([PICTURE])
    schema = pa.schema([pa.field(PICTURE, _IMAGE), *rest.schema], metadata=_features(rest.schema))
    return pa.Table.from_arrays([image, *rest.columns], schema=schema)


def _features(schema: pa.Schema) -> dict[bytes, bytes]:
    """Return the metadata by which ``datasets`` knows a column of pictures."""
    features = {PICTURE: {"_type": "Image"}} | {field.name: _feature(field.type) for field in schema}
    return {b"huggingface": json.dumps({"info": {"features": features}}).encode()}


def _feature(kind: pa.DataType) -> Any:
    if pa.types.is_list(kind):
        return {"feature": _feature(kind.value_type), "_type": "List"}
    return _FEATURES.get(str(kind), {"dtype": str(kind), "_type": "Value"})
