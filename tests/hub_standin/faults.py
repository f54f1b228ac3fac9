"""How a stand-in of the Hub misbehaves, on demand."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What is done instead of answering."""

    STATUS = "status"  # refuse
    CUT = "cut"  # close the connection, nothing done
    LOSE = "lose"  # do it, then close the connection: the client never hears


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Which requests go wrong.

    Attributes:
        pattern: searched in ``METHOD /path``.
        kind: what happens.
        status: for STATUS.
        headers: sent with that status, such as ``Retry-After``.
        times: how often.
    """

    pattern: str
    kind: Kind = Kind.STATUS
    status: int = 503
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int = 1


@dataclass(slots=True)
class Faults:
    """The switches of a server. Safe in any thread."""

    _armed: list[tuple[Fault, int]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, *faults: Fault) -> None:
        """Let these happen from now on."""
        with self._lock:
            self._armed += [(fault, fault.times) for fault in faults]

    def due(self, request: str) -> Fault | None:
        """Return what happens to this request, and count it."""
        with self._lock:
            for place, (fault, left) in enumerate(self._armed):
                if left and re.search(fault.pattern, request):
                    self._armed[place] = (fault, left - 1)
                    return fault
        return None
