"""Runs the metrics, each group while the images that it reads are still there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from allbrains.case import Case
from allbrains.metrics import METRICS, OF_BRAIN, OF_HEAD, OF_SCAN, Metric
from allbrains.metrics.face import Face, face_state
from allbrains.metrics.native_head import native_head


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureScan:
    """Add the metrics of the whole scan; before anything is cropped."""

    name: ClassVar[str] = "measure_scan"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("t1w",)
    gives: ClassVar[tuple[str, ...]] = ()

    def __call__(self, case: Case) -> Case:
        """Return the case with the metrics' numbers."""
        return _measured(case, OF_SCAN)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureBrain:
    """Add the metrics of the brain in its surroundings; before the bias step blanks what is around it."""

    name: ClassVar[str] = "measure_brain"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("t1w", "mask")
    gives: ClassVar[tuple[str, ...]] = ()

    def __call__(self, case: Case) -> Case:
        """Return the case with the metrics' numbers."""
        return _measured(case, OF_BRAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Add every metric of a finished case and what is left of its ``face``, and let the native head go."""

    name: ClassVar[str] = "measure"
    version: ClassVar[int] = 3
    needs: ClassVar[tuple[str, ...]] = (
        *("t1w", "t1w_native", "mask", "csf", "gm", "wm", "affine", "warp"),
        *(f"template_{name}" for name in ("t1w", "mask", "gm", "wm", "logjac")),
    )
    gives: ClassVar[tuple[str, ...]] = ()

    def __call__(self, case: Case) -> Case:
        """Return the case with the metrics' numbers."""
        head = native_head(case)
        for metric in OF_HEAD:
            case = case.plus(numbers=metric(head))
        case = case.plus(numbers=Face()(case))
        left = face_state(
            case.numbers["face_signal"],
            stripped=case.texts.get("input_stripped") == "yes",
            cut_by_void=case.numbers.get("cut_by_void", float("nan")),
        )
        return _measured(case.without("t1w_native").plus(texts={"face": left}), METRICS)


def _measured(case: Case, metrics: tuple[Metric, ...]) -> Case:
    numbers: dict[str, float] = {}
    for metric in metrics:
        numbers |= metric(case)
    return case.plus(numbers=numbers)
