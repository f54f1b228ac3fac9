"""An own scan's numbers among those of a corpus. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from allbrains.own.centiles import Centile, Curves, fit
from allbrains.own.reference import People, too_few, with_value
from allbrains.own.site_effects import harmonise
from allbrains.records import Array

CHART_AGES = 60  # points of a chart's curves


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedMeasure:
    """A number that is compared.

    Attributes:
        column: of the samples table.
        says: what it is, for a person.
        unit: ``ml``, or empty for a ratio.
    """

    column: str
    says: str
    unit: str = "ml"


MEASURES = (
    ComparedMeasure(column="gm_ml", says="grey matter"),
    ComparedMeasure(column="wm_ml", says="white matter"),
    ComparedMeasure(column="csf_ml", says="fluid inside the brain's outline (CSF)"),
    ComparedMeasure(column="cortical_gm_ml", says="grey matter of the cortex"),
    ComparedMeasure(column="cerebral_wm_ml", says="white matter of the cerebrum"),
    ComparedMeasure(column="deep_gm_ml", says="deep grey matter"),
    ComparedMeasure(column="brainstem_ml", says="brainstem"),
    ComparedMeasure(column="cerebellum_ml", says="cerebellum"),
    ComparedMeasure(column="icv_ml", says="intracranial volume"),
    ComparedMeasure(column="gm_per_icv", says="grey matter relative to head size", unit=""),
    ComparedMeasure(column="csf_per_icv", says="fluid relative to head size", unit=""),
)
LOBES = ("frontal", "parietal", "temporal", "occipital")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Age and sex of the person, as far as the comparison needs them.

    Attributes:
        age_years: NaN where unknown.
        sex: ``female``, ``male``, or empty.
    """

    age_years: float = math.nan
    sex: str = ""

    @property
    def is_known(self) -> bool:
        """Whether both are known."""
        return bool(self.sex) and math.isfinite(self.age_years)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Curves to draw: ages (n,), and the 5th, 25th, 50th, 75th, 95th centile with bands, each (n, 5)."""

    ages: Array
    curves: Array
    low: Array
    high: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One number of the own scan.

    Attributes:
        measure: what it is.
        value: in the measure's unit; NaN where it wasn't measured.
        people: how many stand behind the centile.
        centile: None where there is none.
        why_not: one sentence where there is no centile.
        site_low, site_high: the centile if the own scanner reads one standard deviation of scanners more,
            or less; NaN without harmonisation.
        sites: datasets behind the centile; 0 without harmonisation.
        chart: None where there is no centile.
    """

    measure: ComparedMeasure
    value: float
    people: int = 0
    centile: Centile | None = None
    why_not: str = ""
    site_low: float = math.nan
    site_high: float = math.nan
    sites: int = 0
    chart: Chart | None = None


def compare(
    numbers: Mapping[str, float],
    subject: Subject,
    people: People | None,
    *,
    why_nobody: str = "",
    with_sites: bool = False,
) -> list[Compared]:
    """Return each measure with its centile, or why it has none.

    Args:
        numbers: of the own scan, by column.
        subject: age and sex.
        people: of the corpus; None where nothing is compared.
        why_nobody: one sentence where ``people`` is None.
        with_sites: take the scanners' offsets out of the corpus.
    """
    out = []
    for measure in MEASURES:
        value = numbers.get(measure.column, math.nan)
        why = _why_not(value, subject, people, why_nobody)
        if people is None or why:
            out.append(Compared(measure=measure, value=value, why_not=why))
        elif measure.column not in people.values:
            out.append(Compared(measure=measure, value=value, why_not="the corpus doesn't have this number"))
        else:
            out.append(_compared(measure, value, subject, people, with_sites))
    return out


def _why_not(value: float, subject: Subject, people: People | None, why_nobody: str) -> str:
    if people is None:
        return why_nobody
    if not math.isfinite(value):
        return "the recipe doesn't measure some of these numbers"
    return "" if subject.is_known else "age or sex is not known: give --age and --sex"


def lobe_volumes(numbers: Mapping[str, float]) -> list[tuple[str, float, float]]:
    """Return lobe, left and right grey matter in ml, of the lobes that were measured."""
    sides = [(lobe, numbers.get(f"{lobe}_left_gm_ml"), numbers.get(f"{lobe}_right_gm_ml")) for lobe in LOBES]
    return [(lobe, left, right) for lobe, left, right in sides if left is not None and right is not None]


def _compared(
    measure: ComparedMeasure, value: float, subject: Subject, everybody: People, with_sites: bool
) -> Compared:
    people, values = with_value(everybody, measure.column)
    age, sex = subject.age_years, subject.sex
    if why := too_few(people, age, sex):
        return Compared(measure=measure, value=value, people=len(people), why_not=why)
    site_low = site_high = math.nan
    sites = 0
    if with_sites:
        found = harmonise(people, values)
        values, sites = found.values, found.count
        curves = fit(people.ages, people.male, values)
        site_low = curves.centile(value - found.spread, age, sex).percent
        site_high = curves.centile(value + found.spread, age, sex).percent
    else:
        curves = fit(people.ages, people.male, values)
    return Compared(
        measure=measure,
        value=value,
        people=len(people),
        centile=curves.centile(value, age, sex),
        site_low=site_low,
        site_high=site_high,
        sites=sites,
        chart=_chart(curves, people, sex),
    )


def _chart(curves: Curves, people: People, sex: str) -> Chart:
    low, high = np.quantile(people.ages, (0.02, 0.98))
    ages = np.linspace(low, high, CHART_AGES)
    band = curves.band(ages, sex)
    drawn = [0, 2, 3, 4, 6]  # of LEVELS
    return Chart(
        ages=ages, curves=curves.at(ages, sex)[:, drawn], low=band[0][:, drawn], high=band[1][:, drawn]
    )
