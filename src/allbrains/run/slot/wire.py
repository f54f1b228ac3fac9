"""What goes over the pipe between the driver and a worker: JSON lines, typed on both sides."""

from __future__ import annotations

from typing import Any

import msgspec

from allbrains.errors import AllbrainsError
from allbrains.records import Done, Failed, Outcome, Rejected, Scan
from allbrains.run.slot.job import Job

READY = b"ready\n"  # the worker's first answer: the job is understood, the recipe loaded

_KINDS: dict[str, type[Done] | type[Rejected] | type[Failed]] = {
    "done": Done,
    "rejected": Rejected,
    "failed": Failed,
}


class BadReply(AllbrainsError):
    """A worker said something that is no outcome."""


def dump(value: Scan | Job) -> bytes:
    """Return a record as one line."""
    return msgspec.json.encode(value) + b"\n"


def load_scan(line: bytes) -> Scan:
    """Return the scan in a line that ``dump`` made."""
    return msgspec.json.decode(line, type=Scan)


def load_job(line: bytes) -> Job:
    """Return the job in a line that ``dump`` made."""
    return msgspec.json.decode(line, type=Job)


def dump_outcome(outcome: Outcome) -> bytes:
    """Return an outcome as one line."""
    kind = next(name for name, cls in _KINDS.items() if isinstance(outcome, cls))
    return msgspec.json.encode({"kind": kind, "outcome": outcome}) + b"\n"


def load_outcome(line: bytes) -> Outcome:
    """Return the outcome in a line that ``dump_outcome`` made.

    Raises:
        BadReply: the line is something else.
    """
    try:
        data: dict[str, Any] = msgspec.json.decode(line, type=dict[str, Any])
        outcome: Outcome = msgspec.convert(data["outcome"], _KINDS[data["kind"]])
    except (msgspec.MsgspecError, KeyError) as error:
        raise BadReply(f"a worker's reply is no outcome: {line[:200]!r}") from error
    return outcome
