"""Centile curves of a number over age and sex, by quantile regression with bootstrap bands. Pure.

Each level is a regression of its own (statsmodels) on a natural cubic spline of age, sex, and sex × age;
curves that would cross are put in order (Chernozhukov et al. 2010). No shape of the distribution is assumed.
Between two levels a centile is interpolated on the normal scale; beyond the outermost it is only said that
it lies there.

References:
    Koenker & Bassett 1978, Econometrica 46:33-50. Chernozhukov, Fernández-Val & Galichon 2010,
    Econometrica 78:1093-1125. Politis, Romano & Wolf 1999 (bootstrap with fewer draws than people).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from allbrains.records import Array

LEVELS = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
DRAWS = 40  # bootstrap draws: enough for a 90 % band to a tenth of its width
PEOPLE_A_DRAW = 400  # drawn at most, for speed; the spread is then scaled to the people that there are
BAND = (0.05, 0.95)  # of the draws
MALE = {"female": 0.0, "male": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Centile:
    """Where a value lies, percent of people of that age and sex below it.

    Attributes:
        percent: 5 to 95; at an end it lies there or beyond.
        low, high: the 90 % band of ``percent`` from the bootstrap.
    """

    percent: float
    low: float
    high: float

    @property
    def is_beyond(self) -> bool:
        """Whether it lies at or beyond the outermost level."""
        return not 100 * LEVELS[0] < self.percent < 100 * LEVELS[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """Fitted curves.

    Attributes:
        knots: of the spline, years.
        weights: shape (level, column), for standardised values.
        draws: shape (draw, level, column): the same, from draws of people.
        centre, scale: of the values.
    """

    knots: Array
    weights: Array
    draws: Array
    centre: float
    scale: float

    def at(self, ages: Array, sex: str) -> Array:
        """Return the curves: shape (age, level), in the values' unit, in order along the levels."""
        return self._values(self.weights, ages, sex)

    def band(self, ages: Array, sex: str) -> tuple[Array, Array]:
        """Return lower and upper end of the curves' 90 % bands, each of shape (age, level)."""
        drawn = np.stack([self._values(one, ages, sex) for one in self.draws])
        low, high = np.quantile(drawn, BAND, axis=0)
        return low, high

    def centile(self, value: float, age: float, sex: str) -> Centile:
        """Return where a value lies among people of this age and sex."""
        ages = np.array([age])
        drawn = [self._percent(value, self._values(one, ages, sex)[0]) for one in self.draws]
        low, high = np.quantile(drawn, BAND)
        return Centile(percent=self._percent(value, self.at(ages, sex)[0]), low=float(low), high=float(high))

    def _values(self, weights: Array, ages: Array, sex: str) -> Array:
        columns = design(ages, np.full(len(ages), MALE[sex]), self.knots)
        return np.sort(columns @ weights.T, axis=1) * self.scale + self.centre

    def _percent(self, value: float, curve: Array) -> float:
        from scipy.stats import norm

        scores = norm.ppf(LEVELS)
        steps = np.maximum.accumulate(curve + np.arange(len(curve)) * 1e-9 * self.scale)
        return float(100 * norm.cdf(np.interp(value, steps, scores)))


def fit(ages: Array, male: Array, values: Array, *, draws: int = DRAWS, seed: int = 0) -> Curves:
    """Return the curves for these people.

    Args:
        ages: years, shape (n,).
        male: 1 or 0, shape (n,).
        values: shape (n,).
        draws: of the bootstrap; 0 for curves without bands.
        seed: of the draws.
    """
    knots = spline_knots(ages)
    columns = design(ages, male, knots)
    centre, scale = float(np.mean(values)), float(np.std(values)) or 1.0
    standard = (values - centre) / scale
    weights = _fit_levels(columns, standard)
    random = np.random.default_rng(seed)
    count = len(values)
    size = min(count, PEOPLE_A_DRAW)
    drawn = []
    for _ in range(draws):
        chosen = random.integers(0, count, size)
        other = _fit_levels(columns[chosen], standard[chosen])
        drawn.append(weights + (other - weights) * np.sqrt(size / count))
    return Curves(knots=knots, weights=weights, draws=np.array(drawn), centre=centre, scale=scale)


def spline_knots(ages: Array) -> Array:
    """Return the knots: at quantiles of age, the more the more people there are."""
    inner = 1 if len(ages) < 500 else 2 if len(ages) < 2000 else 3
    return np.quantile(ages, np.linspace(0.02, 0.98, inner + 2))


def design(ages: Array, male: Array, knots: Array) -> Array:
    """Return the regression's columns: 1, natural cubic spline of age, sex, sex × age.

    References:
        Hastie, Tibshirani & Friedman 2009, The Elements of Statistical Learning, eq. 5.4-5.5.
    """
    low, high = float(knots[0]), float(knots[-1])
    age, places = (ages - low) / (high - low), (knots - low) / (high - low)

    def bend(k: int) -> Array:
        cubes = np.maximum(age - places[k], 0) ** 3 - np.maximum(age - places[-1], 0) ** 3
        return np.asarray(cubes / (places[-1] - places[k]))

    bends = [bend(k) - bend(len(places) - 2) for k in range(len(places) - 2)]
    return np.column_stack([np.ones(len(age)), age, *bends, male, male * age])


def _fit_levels(columns: Array, values: Array) -> Array:
    from statsmodels.regression.quantile_regression import QuantReg

    model = QuantReg(values, columns)
    with warnings.catch_warnings():
        # the last of its iterations move the curves by less than a thousandth of the spread
        warnings.simplefilter("ignore")
        fits = [model.fit(q=level, max_iter=150, p_tol=1e-4).params for level in LEVELS]
    return np.stack([np.asarray(one) for one in fits])
