"""allbrains: OpenNeuro's structural MRI as a dataset that a neural network can train on.

``allbrains.open(path)`` reads a corpus; the rest of the package makes one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allbrains.version import VERSION as __version__

if TYPE_CHECKING:
    from allbrains.load import Brain, Brains, open


__all__ = ["Brain", "Brains", "__version__", "open"]


def __getattr__(name: str) -> Any:
    """Import the reader when it is first asked for: ``import allbrains`` stays instant."""
    if name in ("Brain", "Brains", "open"):
        from allbrains import load

        return getattr(load, name)
    raise AttributeError(f"module 'allbrains' has no attribute {name!r}")
