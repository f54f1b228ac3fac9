"""Quality metrics of a result: one file, one metric; a line here registers it.

A metric is a frozen dataclass with a ``name``, a ``version`` and a call from a case to named numbers. They
run at three places of a recipe, because images are let go on the way: on the whole scan, on the brain with
its surroundings, and on the finished case. Those that follow MRIQC, by its names, read the native head,
which is prepared once for all of them; a number that needs what a scan hasn't got, such as air around a
stripped brain, is NaN there.
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
from allbrains.metrics.mriqc_artefacts import AirQuality
from allbrains.metrics.mriqc_energy import Energy
from allbrains.metrics.mriqc_noise import SignalToNoise
from allbrains.metrics.mriqc_smoothness import VoxelSmoothness
from allbrains.metrics.mriqc_summary import Summary
from allbrains.metrics.mriqc_volumes import TissueShares
from allbrains.metrics.native_head import NativeHead
from allbrains.metrics.outline import Outline
from allbrains.metrics.overlap import Overlap
from allbrains.metrics.proportions import Proportions
from allbrains.metrics.slices import Slices
from allbrains.metrics.smoothness import Smoothness
from allbrains.metrics.symmetry import Symmetry
from allbrains.metrics.tissue_fractions import TissueFractions
from allbrains.metrics.topology import Topology


class Metric(Protocol):
    """The shape of every metric."""

    name: ClassVar[str]
    version: ClassVar[int]

    def __call__(self, case: Case) -> dict[str, float]:
        """Return named numbers; the same for the same case."""


class NativeMetric(Protocol):
    """The shape of a metric that follows MRIQC."""

    name: ClassVar[str]
    version: ClassVar[int]

    def __call__(self, head: NativeHead) -> dict[str, float]:
        """Return named numbers; the same for the same head."""


OF_SCAN: tuple[Metric, ...] = (Background(), Slices())
OF_BRAIN: tuple[Metric, ...] = (Outline(),)
METRICS: tuple[Metric, ...] = (
    Contrast(),
    Brightness(),
    Smoothness(),
    TissueFractions(),
    Entropy(),
    Symmetry(),
    Topology(),
    Coverage(),
    Folding(),
    Proportions(),
    Overlap(),
)
OF_HEAD: tuple[NativeMetric, ...] = (
    Summary(),
    SignalToNoise(),
    Energy(),
    AirQuality(),
    TissueShares(),
    VoxelSmoothness(),
)
