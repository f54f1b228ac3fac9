"""Columns of the samples table as models take them: numbers and texts without nulls. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.types as kinds

from allbrains.errors import ConfigurationError
from allbrains.load.order import Places
from allbrains.store.sample_schema import OUTCOME, MapSpec, place_columns

if TYPE_CHECKING:
    from allbrains.records import Array


def trainable(table: pa.Table, specs: Mapping[str, MapSpec]) -> list[str]:
    """Return all numbers, truth values and texts but those about files and outcomes."""
    places = {column for name in specs for column in place_columns(name)}
    return [name for name in plain_columns(table) if name not in places and name not in OUTCOME]


def plain_columns(table: pa.Table) -> list[str]:
    """Return the names of the columns that hold numbers, truth values or texts."""
    return [field.name for field in table.schema if _is_number(field.type) or _is_text(field.type)]


def plain_column(table: pa.Table, name: str, places: Places | None = None) -> Array | list[str]:
    """Return a column, whole or at these places: float64 (NaN where unknown; truth values 0 and 1), or texts.

    Raises:
        ConfigurationError: there is no such column, or it is neither number, truth value nor text.
    """
    if name not in (known := plain_columns(table)):
        raise ConfigurationError(f"no column {name} to train on; there are {', '.join(known)}")
    column = table[name] if places is None else table[name].take(places)
    values: list[Any] = column.to_pylist()
    if _is_text(table.schema.field(name).type):
        return ["" if value is None else value for value in values]
    return np.array([np.nan if value is None else float(value) for value in values])


def _is_number(kind: pa.DataType) -> bool:
    return bool(kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_boolean(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(kinds.is_string(kind) or kinds.is_large_string(kind))
