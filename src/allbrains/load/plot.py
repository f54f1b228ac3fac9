"""A few figures of a corpus, with matplotlib (extra ``plot``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from allbrains.errors import ConfigurationError
from allbrains.load.model_columns import plain_column
from allbrains.palette import ACCENT, SEXES

if TYPE_CHECKING:
    import pyarrow as pa

    from allbrains.records import Array

_COLOURS = {"female": SEXES["female"], "male": SEXES["male"], "": SEXES["unknown"]}
_VOLUMES = ("gm_ml", "wm_ml", "csf_ml", "brain_mask_ml")
_YEARS = 5  # a bar of the pyramid


@dataclass(frozen=True, slots=True)
class Plot:
    """Figures of brains; each returns a ``matplotlib.figure.Figure`` and draws nothing on a screen itself.

    Attributes:
        table: of samples.
    """

    table: pa.Table

    def volumes(self, *names: str) -> Any:
        """Return volumes (ml) against age (years), one panel for each volume.

        Args:
            names: columns; the tissues and the brain, as far as they are there, where none is given.

        Raises:
            ConfigurationError: matplotlib is not installed, or there is no such column.
        """
        known = self.table.column_names
        chosen = names or tuple(name for name in _VOLUMES if name in known)
        age, sexes = self._numbers("age_years"), self._words("sex")
        figure = _figure(width=3.4 * len(chosen))
        for place, name in enumerate(chosen):
            axes = figure.add_subplot(1, len(chosen), place + 1)
            values = self._numbers(name)
            for sex, colour in _COLOURS.items():
                here = sexes == sex
                if here.any():
                    axes.scatter(age[here], values[here], s=9, color=colour, label=sex or "unknown")
            axes.set(xlabel="age, years", ylabel=name)
            if place == 0:
                axes.legend(title="sex", frameon=False)
        return figure

    def ages(self) -> Any:
        """Return the age pyramid: scans by age and sex.

        Raises:
            ConfigurationError: matplotlib is not installed, or no column is ``age_years``.
        """
        age, sexes = self._numbers("age_years"), self._words("sex")
        known = age[np.isfinite(age)]
        edges = np.arange(0.0, (known.max() if known.size else 0.0) + 2 * _YEARS, _YEARS)
        figure = _figure(width=5)
        axes = figure.add_subplot()
        for sex, side in (("male", -1), ("female", 1)):
            counts, _ = np.histogram(age[(sexes == sex) & np.isfinite(age)], edges)
            axes.barh(edges[:-1], side * counts, _YEARS * 0.9, align="edge", color=_COLOURS[sex], label=sex)
        axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
        axes.set(xlabel="scans", ylabel="age, years")
        axes.legend(frameon=False)
        return figure

    def histogram(self, name: str) -> Any:
        """Return how one column of numbers is distributed.

        Raises:
            ConfigurationError: matplotlib is not installed, or there is no such column.
        """
        values = self._numbers(name)
        figure = _figure(width=5)
        axes = figure.add_subplot()
        axes.hist(values[np.isfinite(values)], bins="auto", color=ACCENT)
        axes.set(xlabel=name, ylabel="scans")
        return figure

    def _numbers(self, name: str) -> Array:
        return np.asarray(plain_column(self.table, name), np.float64)

    def _words(self, name: str) -> Array:
        if name not in self.table.column_names:
            return np.full(len(self.table), "", object)
        return np.asarray(plain_column(self.table, name), object)


def _figure(*, width: float) -> Any:
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ConfigurationError("brains.plot needs matplotlib: pip install 'allbrains[plot]'") from error
    return Figure(figsize=(width, 3.2), layout="constrained")
