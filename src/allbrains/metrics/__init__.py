"""How good a result is: one file, one metric; a line here registers it.

A metric is a frozen dataclass with a ``name``, a ``version`` and a call from a finished case to named
numbers. Only metrics that hold on defaced and on stripped images are here: none reads the air.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

from allbrains.metrics.contrast import Contrast
from allbrains.metrics.folding import Folding
from allbrains.metrics.overlap import Overlap
from allbrains.recipe import Case


class Metric(Protocol):
    """The shape of every metric."""

    name: ClassVar[str]
    version: ClassVar[int]

    def __call__(self, case: Case) -> dict[str, float]:
        """Return named numbers; the same for the same case."""


METRICS: tuple[Metric, ...] = (Contrast(), Folding(), Overlap())
