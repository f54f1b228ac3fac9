"""The card's charts, as PNG: demographics, datasets, quality. Same facts, same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from allbrains.limits import LIMITS
from allbrains.palette import ACCENT, LIMIT, QUIET, SEXES
from allbrains.publish.card_text import one_line
from allbrains.publish.corpus_summary import Facts

_QUALITY = (
    ("cjv", "CJV (noise and bias; low is good)"),
    ("template_correlation", "correlation with the template"),
    ("gm_ml", "grey matter, ml"),
    ("wm_ml", "white matter, ml"),
)
_MOST = 40  # datasets in a picture

Draw = Callable[[Facts], "Figure | None"]


def pictures(facts: Facts) -> dict[str, bytes]:
    """Return the pictures that the facts allow, by file name."""
    drawn = {"demographics.png": demographics, "datasets.png": datasets, "quality.png": quality}
    figures = {name: draw(facts) for name, draw in drawn.items()}
    return {name: _png(figure) for name, figure in figures.items() if figure is not None}


def demographics(facts: Facts) -> Figure | None:
    """Return ages by sex; nothing where no age is known."""
    if not (known := facts.numbers("age_years")):
        return None
    figure = Figure(figsize=(7, 3), layout="constrained")
    axes = figure.subplots()
    ages, sexes = facts.table["age_years"].to_pylist(), _sexes(facts)
    stacks = {
        sex: [age for age, one in zip(ages, sexes, strict=True) if one == sex and age is not None]
        for sex in SEXES
    }
    shown = {sex: values for sex, values in stacks.items() if values}
    labels = [f"{sex} ({len(values)})" for sex, values in shown.items()]
    colours = [SEXES[sex] for sex in shown]
    top = int(max(known) // 5 + 1) * 5
    axes.hist([*shown.values()], bins=range(0, top + 5, 5), stacked=True, label=labels, color=colours)
    axes.set(
        xlabel="age, years", ylabel="scans", title=f"{len(known)} of {facts.scans} scans with a known age"
    )
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False)
    return _plain(figure)


def datasets(facts: Facts) -> Figure | None:
    """Return the number of scans of the largest datasets."""
    largest = sorted(facts.parts, key=lambda part: (-part.done, part.origin.dataset))[:_MOST]
    if not largest:
        return None
    figure = Figure(figsize=(7, 1.2 + 0.22 * len(largest)), layout="constrained")
    axes = figure.subplots()
    names = [one_line(part.origin.dataset)[:30] for part in largest]
    axes.barh(range(len(names)), [part.passed for part in largest], color=ACCENT, label="within all limits")
    others = [part.done - part.passed for part in largest]
    axes.barh(
        range(len(names)),
        others,
        left=[part.passed for part in largest],
        color=QUIET,
        label="outside one",
    )
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.invert_yaxis()
    axes.set(xlabel="scans", title=f"{len(largest)} of {len(facts.parts)} datasets")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(frameon=False, loc="outside lower center", ncols=2)
    return _plain(figure)


def quality(facts: Facts) -> Figure | None:
    """Return how some numbers are distributed, with the limits that they are judged by."""
    known = [(name, label, facts.numbers(name)) for name, label in _QUALITY]
    shown = [one for one in known if one[2]]
    if not shown:
        return None
    figure = Figure(figsize=(7, 1.9 * ((len(shown) + 1) // 2)), layout="constrained")
    grid = figure.subplots((len(shown) + 1) // 2, 2, squeeze=False)
    for axes, (name, label, values) in zip(grid.flat, shown, strict=False):
        axes.hist(values, bins=min(30, 2 + int(len(values) ** 0.5)), color=ACCENT)
        for limit in LIMITS.get(name, ()):
            if min(values) <= limit <= max(values):
                axes.axvline(limit, color=LIMIT, linestyle="--")
        axes.set_xlabel(label)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in grid.flat[len(shown) :]:
        axes.set_visible(False)
    return _plain(figure)


def _sexes(facts: Facts) -> list[str]:
    if "sex" not in facts.table.column_names:
        return ["unknown"] * facts.scans
    return [sex if sex in SEXES else "unknown" for sex in facts.table["sex"].to_pylist()]


def _plain(figure: Figure) -> Figure:
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _png(figure: Figure) -> bytes:
    sink = io.BytesIO()
    options: dict[str, Any] = {"metadata": {"Software": None}}  # no version, so that it stays the same
    figure.savefig(sink, format="png", dpi=110, **options)
    return sink.getvalue()
