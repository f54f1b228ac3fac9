"""Runs the metrics over a finished case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from allbrains.metrics import METRICS
from allbrains.recipe import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Add every metric of the registry to the case's numbers."""

    name: ClassVar[str] = "measure"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("t1w", "mask", "csf", "gm", "wm", "warp", "template_mask")
    gives: ClassVar[tuple[str, ...]] = ()

    def __call__(self, case: Case) -> Case:
        """Return the case with the metrics' numbers."""
        numbers: dict[str, float] = {}
        for metric in METRICS:
            numbers |= metric(case)
        return case.plus(numbers=numbers)
