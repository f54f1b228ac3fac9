"""In what unit an age column is, and whether its numbers are ages at all. Pure.

1. The unit is the one that the dictionary's Units, the description or the header states, unless other
   evidence contradicts it: people who would age decades between their sessions, the ages that the owner
   states on the site, a body weight of children, a dataset of children, numbers that cannot be.
2. Where they state different ones, the one that gives possible ages wins, at low confidence; if several
   do, the column is refused.
3. Where nothing is stated, years are assumed (BIDS' own default), but only if the numbers look like
   years of people: not below 3 at the most, not few small whole numbers (codes), not infants', not
   rodents', and nothing contradicts. Where something does, and the files speak of months or the site's ages
   leave one other unit only, that one is taken; else the column is refused.
4. Numbers below zero that are no slips mean centred ages or z-scores: refused.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from allbrains.participants.age_doubts import ages_too_fast
from allbrains.participants.ages import PER_YEAR
from allbrains.participants.participant import Confidence

# The oldest person known lived 122 years.
OLDEST_YEARS = 122.0
# No laboratory rat or mouse lives longer; other animals in scanners do not reach 60.
OLDEST_RODENT_YEARS, OLDEST_ANIMAL_YEARS = 4.5, 60.0
# Up to this share of a column's numbers may lie far below all others and be slips one by one.
SLIPS = 0.1
# Up to this share of a column's numbers, or one, may be too high and be slips; above it the unit is wrong.
SLIPS_ABOVE = 0.02
# A slip lies far above the highest age that can be one; numbers that follow on it are of its kind.
_SLIP_FACTOR = 1.5
_CODE = re.compile(r"(\d)\1{2,}|99\d+")  # 777, 888, 999, 997
# In which units a column without one may be, where the evidence leaves one of them.
_OTHER_UNITS = ("months", "weeks", "days")
# Children of four to fifteen are 48 to 180 months old.
_NO_CHILDRENS_MEDIAN = 36.0
# Who weighs so little is no adult.
_CHILDS_WEIGHT_KG, _ADULT_YEARS = 35.0, 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What else the files say that bears on ages.

    Attributes:
        infants: the dataset's name or the age's description speaks of them.
        births: a column speaks of gestation.
        children: the name or the description speaks of them.
        rodents: the name or a column speaks of them.
        animals: a column names another species than man.
        only_children: the name or a table's school years speak of children and of nobody older.
        months: the name, the README or a description gives ages in months.
        stated: ages of participants as the site tells them, years, sorted; empty where it tells none.
        weight: median of a column of body weights, kg; None where there is none.
    """

    infants: bool = False
    births: bool = False
    children: bool = False
    rodents: bool = False
    animals: bool = False
    only_children: bool = False
    months: bool = False
    stated: tuple[float, ...] = ()
    weight: float | None = None

    @property
    def oldest(self) -> float:
        """Highest age that can be, years."""
        if self.rodents:
            return OLDEST_RODENT_YEARS
        return OLDEST_ANIMAL_YEARS if self.animals else OLDEST_YEARS


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitVerdict:
    """What was decided of a column's numbers.

    Attributes:
        unit: of the plain numbers; empty where they are refused.
        declared: units stated, joined by a bar where they differ.
        rule: name of the rule that decided.
        confidence: of the unit.
        reason: why they are refused; empty where they are not.
    """

    unit: str = ""
    declared: str = ""
    rule: str
    confidence: Confidence = Confidence.HIGH
    reason: str = ""

    @property
    def inferred(self) -> str:
        """The unit that was used where it is not simply the declared one."""
        return self.unit if self.unit != self.declared else ""


def decide(
    values: Sequence[float],
    declared: Collection[str],
    context: Context,
    spread: Mapping[Hashable, float],
) -> UnitVerdict:
    """Return the unit of a column's plain numbers.

    Args:
        values: the numbers, in the column's own unit.
        declared: units that the dictionary and the header state.
        context: of the dataset.
        spread: of the numbers of each person who has several.
    """
    stated = "|".join(sorted(declared))
    if centred(values):
        reason = "numbers below zero: centred or standardised, not ages"
        return UnitVerdict(declared=stated, rule="unit.centred", reason=reason)
    # zeros say nothing of the unit, and are often no ages
    known = [value for value in values if value > 0] or [value for value in values if value >= 0]
    evidence = _Evidence(values=known, context=context, spread=spread)
    if len(declared) == 1:
        return _declared(evidence, stated)
    if declared:
        fitting = [unit for unit in PER_YEAR if unit in declared and not evidence.against(unit)]
        if len(fitting) == 1:
            return UnitVerdict(
                unit=fitting[0], declared=stated, rule="unit.possible", confidence=Confidence.LOW
            )
        reason = f"units {stated} are stated and the numbers do not decide between them"
        return UnitVerdict(declared=stated, rule="unit.contradiction", reason=reason)
    return _assumed(evidence)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """A column's numbers with all that bears on their unit."""

    values: Sequence[float]
    context: Context
    spread: Mapping[Hashable, float]

    def against(self, unit: str) -> tuple[str, str] | None:
        """Return rule and reason for which the numbers cannot be ages in a unit; None for none."""
        if not self.values:
            return None
        context, per_year = self.context, PER_YEAR[unit]
        if not _fits(self.values, unit, context.oldest):
            years = sum(1900 <= value <= 2100 for value in self.values) > len(self.values) / 2
            if unit == "years" and years:
                return "unit.impossible", "years of birth or of the scan"
            return "unit.impossible", f"in {unit} they give ages over {context.oldest:g} years"
        if reason := ages_too_fast(self.spread, per_year):
            return "unit.span", f"in {unit}, {reason}"
        middle = median(self.values) / per_year
        if self.is_witness() and not self._witnessed(per_year):
            told = f"{context.stated[0]:g} to {context.stated[-1]:g}"
            return "unit.witness", f"in {unit}, most are not among the ages that the site tells, {told} years"
        if context.only_children and not context.animals and middle >= _NO_CHILDRENS_MEDIAN:
            return "unit.children", f"in {unit}, half of the children would be {middle:.0f} or older"
        if context.weight and context.weight < _CHILDS_WEIGHT_KG and middle > _ADULT_YEARS:
            return "unit.weight", f"in {unit}, adults would weigh {context.weight:.0f} kg"
        return None

    def is_witness(self) -> bool:
        """Whether the site tells ages that are not simply this column's numbers again."""
        own = {int(value) for value in self.values} | {round(value) for value in self.values}
        again = sum(int(age) in own or round(age) in own for age in self.context.stated)
        return again * 2 < len(self.context.stated)

    def _witnessed(self, per_year: float) -> bool:
        """Whether at least half of the ages are among those that the site tells, to a year."""
        low, high = self.context.stated[0], self.context.stated[-1]
        inside = sum(low - 1 <= value / per_year < high + 2 for value in self.values)
        return inside * 2 >= len(self.values)


def centred(values: Sequence[float]) -> bool:
    """Whether numbers below zero are more than slips in a column of ages."""
    negative = [value for value in values if value < 0]
    if not negative:
        return False
    positive = [value for value in values if value >= 0]
    slip = len(negative) <= max(1, 0.05 * len(values))
    return not (slip and positive and min(positive) >= 3)


def _fits(values: Sequence[float], unit: str, oldest: float) -> bool:
    """Whether all numbers are possible ages but for slips and codes.

    A slip is rare and lies apart; numbers that begin where the possible ages end are of one kind with them.
    """
    limit = oldest * PER_YEAR[unit]
    above = [value for value in values if value > limit and not _CODE.fullmatch(f"{value:g}")]
    below = [value for value in values if value <= limit]
    if not above:
        return bool(below) or not values
    apart = bool(below) and min(above) >= _SLIP_FACTOR * max(below)
    return apart and len(above) <= max(1, SLIPS_ABOVE * len(values))


def _declared(evidence: _Evidence, unit: str) -> UnitVerdict:
    values, context = evidence.values, evidence.context
    if against := evidence.against(unit):
        rule, reason = against
        return UnitVerdict(declared=unit, rule=rule, reason=f"the declared unit is {unit}; {reason}")
    # weeks of this span are mostly counted from conception, and a baby's age from birth
    if unit == "weeks" and values and min(values) >= 22 and max(values) <= 46 and not context.animals:
        return UnitVerdict(
            declared=unit, rule="unit.gestation", reason="weeks that may be counted from conception"
        )
    # "years" is what the dictionary's template says: it does not prove much about infants
    if unit == "years" and context.infants and not context.children and values and 4 < median(values) < 16:
        reason = "the declared unit years disagrees with a dataset of infants"
        return UnitVerdict(declared=unit, rule="unit.infants", reason=reason)
    return UnitVerdict(unit=unit, declared=unit, rule="unit.declared")


def _assumed(evidence: _Evidence) -> UnitVerdict:
    against = evidence.against("years")
    reason = _why_not_years(evidence.values, evidence.context)
    if not against and not reason:
        confidence = Confidence.LOW if evidence.context.animals else Confidence.MEDIUM
        return UnitVerdict(unit="years", rule="unit.years_assumed", confidence=confidence)
    if other := _other_unit(evidence):
        return UnitVerdict(unit=other, rule="unit.evidence", confidence=Confidence.MEDIUM)
    rule, told = against or ("unit.unknown", reason)
    return UnitVerdict(rule=rule, reason=f"no unit is stated; {told}" if against else told)


def _other_unit(evidence: _Evidence) -> str:
    """Return the unit other than years that the evidence leaves; empty where it leaves it open."""
    if evidence.context.months:
        return "" if evidence.against("months") else "months"
    fitting = [unit for unit in _OTHER_UNITS if not evidence.against(unit)]
    return fitting[0] if evidence.is_witness() and len(fitting) == 1 else ""


def _why_not_years(values: Sequence[float], context: Context) -> str:
    if not values:
        return ""
    highest = max(values)
    if context.rodents:
        return "no unit is stated, and rodents' ages are given in days, weeks and months"
    if (context.infants or context.births) and median(values) < 18:
        return "no unit is stated, and infants' ages are given in days, weeks and months"
    if highest < 3 or (highest <= 6 and not context.children):
        return "no unit is stated, and numbers so low may be codes, months or scaled ages"
    return ""


def cell_reason(years: float, column: Sequence[float], oldest: float) -> str:
    """Return why one number of an accepted column is no age; empty where it may be one.

    Args:
        years: the age in question.
        column: all ages of the column, years, sorted.
        oldest: highest age that can be.
    """
    if years < 0 or years > oldest:
        return "no possible age"
    # Codes for "missing" that could be ages: only where they stand far from everybody else.
    size = len(column)
    if (
        years < 3
        and size > 2
        and column[size // 2] >= 18
        and bisect_left(column, 10) <= max(1, SLIPS / 2 * size)
    ):
        return "far below everybody else: a slip or a code"
    if years >= 97 and size and max((v for v in column if v < 97), default=99) < 85:
        return "far above everybody else: a code for missing"
    return ""
