"""Charts as SVG. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from allbrains.own.centiles import LEVELS
from allbrains.own.compare import Chart, Compared
from allbrains.records import Array

_WIDTH, _HEIGHT = 320, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 10, 30


def number(value: float, unit: str) -> str:
    """Return a number as it is printed on the page."""
    if not math.isfinite(value):
        return "–"
    return (
        f"{value:,.0f} ml"
        if unit == "ml" and abs(value) >= 100
        else f"{value:.1f} ml"
        if unit
        else f"{value:.3f}"
    )


def chart(one: Compared, age: float) -> str:
    """Return the curves over age with the own value as a dot; empty where there are none."""
    if one.chart is None:
        return ""
    frame, ages = _Frame.around(one.chart, one.value, age), one.chart.ages
    parts = [_axes(frame, one.measure.unit)]
    for k in range(one.chart.curves.shape[1]):
        low, high = frame.up(one.chart.low[:, k]), frame.up(one.chart.high[:, k])
        parts.append(_area(frame.across(ages), low, high))
    for k in range(one.chart.curves.shape[1]):
        kind = "curve middle" if k == 2 else "curve"
        parts.append(
            f'<path class="{kind}" d="{_path(frame.across(ages), frame.up(one.chart.curves[:, k]))}"/>'
        )
    x, y = float(frame.across(np.array(age))), float(frame.up(np.array(one.value)))
    parts.append(f'<circle class="own" cx="{x:.1f}" cy="{y:.1f}" r="5"/>')
    label = f"{one.measure.says}: 5th, 25th, 50th, 75th and 95th centile over age; the dot is this scan"
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def strip(one: Compared) -> str:
    """Return a small scale from 0 to 100 with the centile and its band; empty where there is none."""
    if one.centile is None:
        return ""
    low, high = (4 + 1.6 * end for end in (one.centile.low, one.centile.high))
    middle, ends = 4 + 1.6 * one.centile.percent, (4 + 160 * LEVELS[0], 4 + 160 * LEVELS[-1])
    ticks = "".join(f'<path class="axis" d="M{x:.1f} 4V18"/>' for x in (*ends, 84.0))
    return (
        '<svg viewBox="0 0 168 22" width="168" height="22" aria-hidden="true">'
        f'<path class="axis" d="M4 11H164"/>{ticks}<path class="range" d="M{low:.1f} 11H{high:.1f}"/>'
        f'<circle class="own" cx="{middle:.1f}" cy="11" r="5"/></svg>'
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """The ranges of a chart, own value included: (low, high) in years and in the number's unit."""

    ages: tuple[float, float]
    values: tuple[float, float]

    @classmethod
    def around(cls, found: Chart, value: float, age: float) -> _Frame:
        low, high = min(float(found.low.min()), value), max(float(found.high.max()), value)
        room = (high - low) * 0.06 or 1.0
        return cls(
            ages=(min(float(found.ages[0]), age), max(float(found.ages[-1]), age)),
            values=(low - room, high + room),
        )

    def across(self, ages: Array) -> Array:
        first, last = self.ages
        return np.asarray(_LEFT + (ages - first) / (last - first) * (_WIDTH - _LEFT - _RIGHT))

    def up(self, values: Array) -> Array:
        low, high = self.values
        return np.asarray(_HEIGHT - _BOTTOM - (values - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM))


def _axes(frame: _Frame, unit: str) -> str:
    parts = []
    for tick in _ticks(*frame.ages):
        x = float(frame.across(np.array(tick)))
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - 17}" text-anchor="middle">{tick:g}</text>')
    for tick in _ticks(*frame.values):
        y = float(frame.up(np.array(tick)))
        parts.append(f'<path class="axis" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/>')
        parts.append(f'<text x="{_LEFT - 4}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    parts.append(f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 4}" text-anchor="end">age, years</text>')
    parts.append(f'<text x="2" y="{_TOP}">{unit}</text>')
    return "".join(parts)


def _ticks(low: float, high: float) -> list[float]:
    """Return three to six round numbers in a range."""
    rough = (high - low) / 4
    power = 10 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough)
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _path(x: Array, y: Array) -> str:
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True))


def _area(x: Array, low: Array, high: Array) -> str:
    there = [f"{a:.1f} {b:.1f}" for a, b in zip(x, low, strict=True)]
    back = [f"{a:.1f} {b:.1f}" for a, b in zip(x[::-1], high[::-1], strict=True)]
    return f'<path class="band" d="M{"L".join([*there, *back])}Z"/>'
