"""Details of single scans: evidence, receipts, costs, provenance. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from allbrains.participants.joining import session_key, subject_key
from allbrains.records import StepCost
from allbrains.report.log_excerpts import Excerpts, shareable
from allbrains.text import plain

PER_CHUNK = 256  # rows a data script: one is loaded where a scan is opened

Receipts = Mapping[tuple[str, str], list[tuple[str, list[dict[str, Any]]]]]
Costs = Mapping[str, list[tuple[int, StepCost]]]


def receipts_of(participants: pa.Table | None) -> Receipts:
    """Return the receipts of each participant by dataset and label, each with its session."""
    found: defaultdict[tuple[str, str], list[tuple[str, list[dict[str, Any]]]]] = defaultdict(list)
    if participants is not None:
        for row in participants.to_pylist():
            key = (row["dataset"], subject_key(row["participant_id"]))
            found[key].append((row["session_id"] or "", row["receipts"] or []))
    return found


def costs_of(costs: Iterable[tuple[str, int, StepCost]]) -> Costs:
    """Return what the ledger knows of each scan's costs, by scan id."""
    found: defaultdict[str, list[tuple[int, StepCost]]] = defaultdict(list)
    for scan_id, attempt, cost in costs:
        found[scan_id].append((attempt, cost))
    return found


def log_key(dataset: str, path: str) -> str:
    """Return how a log calls a scan."""
    return plain(f"{dataset}/{path}")


def details(
    rows: pa.Table, columns: Iterable[str], receipts: Receipts, costs: Costs, logs: Excerpts
) -> list[dict[str, Any]]:
    """Return one object for each row.

    Args:
        rows: a part of the report's rows.
        columns: names of those that the page has as columns; only the other texts are told here.
        receipts: by dataset and subject.
        costs: by scan id.
        logs: by the log's name of a scan.
    """
    known = set(columns)
    texts = [
        field.name for field in rows.schema if pa.types.is_string(field.type) and field.name not in known
    ]
    return [_detail(row, texts, receipts, costs, logs) for row in rows.to_pylist()]


def _detail(
    row: Mapping[str, Any], texts: list[str], receipts: Receipts, costs: Costs, logs: Excerpts
) -> dict[str, Any]:
    subject, session = row.get("subject") or "", session_key(row.get("session") or "")
    told = receipts.get((row["dataset"], subject), [])
    own = [one for label, each in told if session_key(label) in ("", session) for one in each]
    return {
        "texts": {name: shareable(row[name]) for name in texts if row.get(name)},
        "log": list(logs.get(log_key(row["dataset"], row.get("path") or ""), ())),
        "receipts": own,
        "costs": [
            {
                "attempt": attempt,
                "step": cost.name,
                "cpu_s": cost.cpu_s,
                "wall_s": cost.wall_s,
                "mb": cost.peak_mb,
            }
            for attempt, cost in costs.get(row.get("scan_id") or "", [])
        ],
    }
