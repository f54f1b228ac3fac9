"""Causes of failure: as which cause an unexpected exception counts."""

from __future__ import annotations

from allbrains.errors import NoSpace, TransientError
from allbrains.files import FULL
from allbrains.records import Cause
from allbrains.transfer import Unavailable


def cause_of(error: Exception) -> Cause:
    """Return what an unexpected exception counts as."""
    if isinstance(error, MemoryError):
        return Cause.MEMORY
    if isinstance(error, OSError) and error.errno in FULL:
        return Cause.DISK
    if isinstance(error, NoSpace):
        return Cause.DISK
    if isinstance(error, Unavailable):
        return Cause.UNAVAILABLE
    if isinstance(error, TransientError):
        return Cause.NETWORK
    return Cause.EXCEPTION


def said(error: Exception) -> str:
    """Return an exception as one short line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:500]
