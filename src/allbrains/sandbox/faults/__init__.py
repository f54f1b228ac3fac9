"""Every known misbehaviour of OpenNeuro, as a switch. One file a family; ``registry`` has them all."""

from allbrains.sandbox.faults.registry import table
from allbrains.sandbox.faults.switches import Faults

__all__ = ["Faults", "table"]
