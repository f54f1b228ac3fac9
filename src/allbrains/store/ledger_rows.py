"""Records ↔ rows of the ledger. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from allbrains.errors import Reason
from allbrains.records import Algorithm, Cause, Digest, Done, Failed, Outcome, Rejected, Scan

# kind, reason, cause, detail, sha256, size
OutcomeRow = tuple[str, str, str, str, str, int]


def scan_text(scan: Scan) -> str:
    """Return the whole scan as JSON."""
    return json.dumps(asdict(scan), separators=(",", ":"))


def scan_from(text: str) -> Scan:
    """Return the scan that ``scan_text`` wrote."""
    fields: dict[str, Any] = json.loads(text)
    digest, entities, urls = (fields.pop(key) for key in ("digest", "entities", "urls"))
    return Scan(
        **fields,
        entities=tuple((key, label) for key, label in entities),
        urls=tuple(urls),
        digest=Digest(algorithm=Algorithm(digest["algorithm"]), hexdigest=digest["hexdigest"]),
    )


def outcome_row(outcome: Outcome) -> OutcomeRow:
    """Return the outcome without its costs."""
    match outcome:
        case Done():
            return ("done", "", "", "", outcome.sha256, outcome.size)
        case Rejected():
            return ("rejected", outcome.reason.value, "", outcome.detail, "", 0)
        case Failed():
            return ("failed", "", outcome.cause.value, outcome.detail, "", 0)


def outcome_from(row: OutcomeRow) -> Outcome:
    """Return the outcome that ``outcome_row`` took apart."""
    kind, reason, cause, detail, sha256, size = row
    match kind:
        case "done":
            return Done(sha256=sha256, size=size)
        case "rejected":
            return Rejected(reason=Reason(reason), detail=detail)
        case _:
            return Failed(cause=Cause(cause), detail=detail)


def membership(outcomes: Mapping[str, Outcome]) -> str:
    """Return a digest of which samples a shard must hold: changes when one is added, lost or remade."""
    held = [f"{scan_id}:{out.sha256}" for scan_id, out in outcomes.items() if isinstance(out, Done)]
    return hashlib.sha256("\n".join(held).encode()).hexdigest()
