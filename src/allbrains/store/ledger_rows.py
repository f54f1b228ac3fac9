"""Records ↔ rows of the ledger. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from allbrains.errors import Reason
from allbrains.records import Algorithm, Cause, Digest, Done, Failed, Outcome, Rejected, Scan
from allbrains.text import json_of

# kind, reason, cause, detail, sha256, size
OutcomeRow = tuple[str, str, str, str, str, int]


def scan_text(scan: Scan) -> str:
    """Return the whole scan as JSON."""
    return json.dumps(asdict(scan), separators=(",", ":"))


def scan_from(text: str) -> Scan:
    """Return the scan that ``scan_text`` wrote.

    Raises:
        ValueError: the text is something else; a ledger may be damaged, or a stranger's.
    """
    try:
        fields: dict[str, Any] = json_of(text)
        digest, entities, urls = (fields.pop(key) for key in ("digest", "entities", "urls"))
        scan = Scan(
            **fields,
            entities=tuple((key, label) for key, label in entities),
            urls=tuple(urls),
            digest=Digest(algorithm=Algorithm(digest["algorithm"]), hexdigest=digest["hexdigest"]),
        )
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"not a scan: {error}") from error
    texts = (scan.dataset, scan.snapshot, scan.path, scan.subject, scan.session, scan.suffix)
    pairs = [one for pair in scan.entities for one in pair]
    if not all(isinstance(one, str) for one in (*texts, *pairs, *scan.urls, scan.digest.hexdigest)):
        raise ValueError("not a scan: something in it is no text")
    if type(scan.size) is not int or not 0 <= scan.size < 2**63 or not scan.dataset:
        raise ValueError("not a scan: its size is no number of bytes, or it is of no dataset")
    return scan


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
    """Return the outcome that ``outcome_row`` took apart.

    Raises:
        ValueError: no such row was ever written.
    """
    kind, reason, cause, detail, sha256, size = row
    match kind:
        case "done":
            return Done(sha256=sha256, size=size)
        case "rejected":
            return Rejected(reason=Reason(reason), detail=detail)
        case "failed":
            return Failed(cause=Cause(cause), detail=detail)
        case _:
            raise ValueError(f"an outcome of the kind {kind!r}")


def membership(outcomes: Mapping[str, Outcome]) -> str:
    """Return a digest of which samples a shard must hold: changes when one is added, lost or remade."""
    held = [f"{scan_id}:{out.sha256}" for scan_id, out in outcomes.items() if isinstance(out, Done)]
    return hashlib.sha256("\n".join(held).encode()).hexdigest()
