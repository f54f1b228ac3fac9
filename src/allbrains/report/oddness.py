"""How far a scan is from the others, so that the odd ones are looked at first. Pure."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from allbrains.limits import LIMITS
from allbrains.records import Array
from allbrains.report.packing import is_number

_FEWEST = 5  # of fewer values nobody knows what is usual
_HIGHEST = 99.0  # a metric that is nearly always the same number has no spread to speak of
_NORMAL = 1.4826  # median absolute deviation → standard deviation, where the values are normal


def oddness(table: pa.Table, done: Array) -> tuple[pa.Array, pa.Array]:
    """Return for each row its largest robust z-score, and the column where it is; null where not done.

    The score is |value − median| / (1.4826 · median absolute deviation), over the columns that have limits
    (``verdict.LIMITS``) and all volumes; columns without spread are passed over.

    Args:
        table: of samples.
        done: shape (row,), bool.
    """
    best = np.full(len(table), -1.0)
    where = np.full(len(table), "", object)
    for name in _judged_columns(table):
        values = np.asarray(table[name].cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
        known = values[done & np.isfinite(values)]
        if known.size < _FEWEST:
            continue
        middle = np.median(known)
        spread = _NORMAL * np.median(np.abs(known - middle))
        if spread <= 0:
            continue
        score = np.where(np.isfinite(values), np.minimum(np.abs(values - middle) / spread, _HIGHEST), -1.0)
        larger = done & (score > best)
        best[larger], where[larger] = score[larger], name
    seen = best >= 0
    return (
        pa.array(np.where(seen, best, np.nan), pa.float64(), from_pandas=True),
        pa.array([name or None for name in where.tolist()], pa.string()),
    )


def _judged_columns(table: pa.Table) -> list[str]:
    return [
        field.name
        for field in table.schema
        if is_number(field.type) and (field.name in LIMITS or field.name.endswith("_ml"))
    ]
