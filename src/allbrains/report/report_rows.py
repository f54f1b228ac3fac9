"""One row for everything that was found: files left out, gaps, scans not planned, planned scans. Pure.

So the numbers of the overview add up by construction: each is a count of these rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from allbrains.limits import LIMITS, Limits, judged
from allbrains.rejection import PROBABILITY
from allbrains.report.oddness import oddness
from allbrains.report.packing import is_number
from allbrains.store.sample_schema import place_columns, specs_of_samples

# of the samples table: names of files and bytes, and outcomes that are told in one column here
_ASIDE = ("digest", "entities", "detail", "cause", "shard", "shard_size", "row_group", "montage", "urls")
_MOST_WORDS = 2000  # a text column with more values than this tells single scans apart: it is a detail
_ALWAYS = ("scan_id", "dataset", "path", "subject", "session")
_LONGEST_LICENCE = 60

# Codes of the catalogue that tell of a gap in it and not of a file that was left out (``sources.snapshot``,
# ``Exclusion``): the scans that they are about have rows of their own.
GAPS = frozenset(
    {
        "listing_failed",
        "listing_truncated",
        "not_accessible",
        "lock_broken",
        "unlisted",
        "text_failed",
        "text_unavailable",
        "labels_refused",
        "labels_unjoined",
        "text_unreadable",
        "header_failed",
        "header_unavailable",
        "api_changed",
    }
)


def report_rows(
    samples: pa.Table,
    *,
    scans: pa.Table | None = None,
    exclusions: pa.Table | None = None,
    datasets: pa.Table | None = None,
    limits: Limits = LIMITS,
) -> pa.Table:
    """Return the rows of a report, planned scans first.

    Args:
        samples: ``samples.parquet``.
        scans: the catalogue's; those that aren't planned get a row.
        exclusions: the catalogue's; each gets a row.
        datasets: the catalogue's; the licence is taken from there.
        limits: that decide the column ``qc``.

    Returns:
        The samples' columns but those of places, and: ``outcome`` (also ``not planned``, ``excluded`` and
        ``gap``), ``reason`` (code or cause), ``qc`` (``pass`` or ``look``), ``qc_reasons``, ``oddness``,
        ``odd_in``, ``odd_why``, ``odd_order``, ``voxel_mm``, ``license``.
    """
    parts = [_planned(samples, limits)]
    if scans is not None:
        new = pc.invert(pc.is_in(scans["scan_id"], value_set=samples["scan_id"].combine_chunks()))
        parts.append(_with(scans.filter(new), outcome="not planned"))
    if exclusions is not None and len(exclusions):
        told = exclusions.rename_columns({"evidence": "detail"})
        gaps = pc.is_in(told["reason"], value_set=pa.array(sorted(GAPS)))
        parts.append(_put(told, "outcome", pc.if_else(gaps, "gap", "excluded")))
    table = pa.concat_tables(parts, promote_options="permissive").combine_chunks()
    table = _put(table, "voxel_mm", _voxels(table))
    if datasets is not None:
        table = _put(table, "license", _licences(table, datasets))
    return table


def shown(table: pa.Table) -> list[str]:
    """Return the names of the columns that can be filtered and sorted by."""
    names = []
    for field in table.schema:
        if field.name in _ASIDE or field.name.startswith("affine_"):
            continue
        told = pa.types.is_string(field.type) and (field.name in _ALWAYS or _few(table[field.name]))
        if told or is_number(field.type) or pa.types.is_boolean(field.type):
            names.append(field.name)
    return names


def _few(values: pa.ChunkedArray) -> bool:
    longest = pc.max(pc.utf8_length(values)).as_py() or 0
    return len(values.unique()) <= _MOST_WORDS and longest <= 200


def _planned(samples: pa.Table, limits: Limits) -> pa.Table:
    places = [name for spec in specs_of_samples(samples.schema) for name in place_columns(spec)]
    table = samples.drop_columns([name for name in places if name in samples.column_names])
    done = pc.equal(table["outcome"], "done")
    reason = pc.if_else(pc.equal(table["cause"], ""), table["reason"], table["cause"])
    table = _put(table, "reason", pc.if_else(pc.equal(reason, ""), None, reason))
    judgement = judged(table, limits)
    qc = pc.if_else(judgement["qc_pass"], "pass", "look")
    table = _put(table, "qc", pc.if_else(done, qc, None))
    table = _put(table, "qc_reasons", pc.if_else(done, judgement["qc_reasons"], None))
    if PROBABILITY in judgement.column_names:
        table = _put(table, PROBABILITY, pc.if_else(done, judgement[PROBABILITY], None))
    looks = pc.and_(done, pc.invert(judgement["qc_pass"]))
    odd = oddness(table, *(np.asarray(one.to_numpy(zero_copy_only=False)) for one in (done, looks)))
    for name, values in (("oddness", odd.score), ("odd_in", odd.where), ("odd_why", odd.why)):
        table = _put(table, name, values)
    return _put(table, "odd_order", odd.order)


def _with(table: pa.Table, **words: str) -> pa.Table:
    for name, word in words.items():
        table = _put(table, name, pa.array([word] * len(table), pa.string()))
    return table


def _put(table: pa.Table, name: str, values: Any) -> pa.Table:
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, values)
    return table.append_column(name, values)


def _voxels(table: pa.Table) -> pa.Array:
    """Return voxel sizes as a word, ascending: files of one protocol differ in the order of their axes."""
    for names in (("spacing_x_mm", "spacing_y_mm", "spacing_z_mm"), ("spacing_x", "spacing_y", "spacing_z")):
        if set(names) <= set(table.column_names):
            columns: Sequence[list[float | None]] = [table[name].to_pylist() for name in names]
            return pa.array([_voxel(edges) for edges in zip(*columns, strict=True)], pa.string())
    return pa.nulls(len(table), pa.string())


def _voxel(edges: tuple[float | None, ...]) -> str | None:
    known = sorted(edge for edge in edges if edge is not None)
    return " × ".join(f"{edge:.1f}" for edge in known) if len(known) == len(edges) else None


def _licences(table: pa.Table, datasets: pa.Table) -> pa.Array:
    named: Mapping[str, str] = {row["dataset"]: _licence(row) for row in datasets.to_pylist()}
    return pa.array([named.get(name) for name in table["dataset"].to_pylist()], pa.string())


def _licence(row: Mapping[str, Any]) -> str:
    spdx, written = row.get("license_spdx"), " ".join((row.get("license") or "").split())
    if spdx:
        return str(spdx)
    if not written:
        return "not stated"
    return written if len(written) <= _LONGEST_LICENCE else written[: _LONGEST_LICENCE - 1] + "…"
