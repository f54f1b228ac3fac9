"""How good a result is: one file, one metric; a line here registers it.

A metric is a frozen dataclass with a ``name``, a ``version`` and a call from a case to named numbers. Only
metrics that hold on defaced and on stripped images are here; the one that reads the air says so. They run
at three places of a recipe, because images are let go on the way: on the whole scan, on the brain with its
surroundings, and on the finished case.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

from allbrains.case import Case
from allbrains.metrics.background import Background
from allbrains.metrics.brightness import Brightness
from allbrains.metrics.contrast import Contrast
from allbrains.metrics.coverage import Coverage
from allbrains.metrics.entropy import Entropy
from allbrains.metrics.folding import Folding
from allbrains.metrics.outline import Outline
from allbrains.metrics.overlap import Overlap
from allbrains.metrics.partial_volume import PartialVolume
from allbrains.metrics.slices import Slices
from allbrains.metrics.smoothness import Smoothness
from allbrains.metrics.symmetry import Symmetry
from allbrains.metrics.topology import Topology


class Metric(Protocol):
    """The shape of every metric."""

    name: ClassVar[str]
    version: ClassVar[int]

    def __call__(self, case: Case) -> dict[str, float]:
        """Return named numbers; the same for the same case."""


OF_SCAN: tuple[Metric, ...] = (Background(), Slices())
OF_BRAIN: tuple[Metric, ...] = (Outline(),)
METRICS: tuple[Metric, ...] = (
    Contrast(),
    Brightness(),
    Smoothness(),
    PartialVolume(),
    Entropy(),
    Symmetry(),
    Topology(),
    Coverage(),
    Folding(),
    Overlap(),
)
