"""This process's peak memory, resettable where the system allows it."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

_CLEAR = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


def reset_peak() -> None:
    """Let the peak start again from now. Linux only; elsewhere the peak is the process's whole life's."""
    if _CLEAR.exists():
        _CLEAR.write_text("5")  # see proc(5): resets the resident set's high-water mark


def peak_mb() -> float:
    """Return the resident set's high-water mark since the last reset, MB (10⁶ bytes)."""
    if _STATUS.exists():
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
