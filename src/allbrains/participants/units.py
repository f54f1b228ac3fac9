"""In what unit an age column is, and whether its numbers are ages at all. Pure.

1. The unit is the one that the dictionary's Units, the description or the header states.
2. Where they state different ones, the one that gives possible ages wins, at low confidence; if several
   do, the column is refused.
3. Where nothing is stated, years are assumed (BIDS' own default), but only if the numbers look like
   years of people: not below 3 at the most, not few small whole numbers (codes), not infants', not rodents'.
4. Numbers below zero that are not codes for "missing" mean centred ages or z-scores: refused.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import median

from allbrains.participants.ages import PER_YEAR
from allbrains.participants.participant import Confidence

# The oldest person known lived 122 years.
OLDEST_YEARS = 122.0
# No laboratory rat or mouse lives longer; other animals in scanners do not reach 60.
OLDEST_RODENT_YEARS, OLDEST_ANIMAL_YEARS = 4.5, 60.0
# Up to this share of a column's numbers may be impossible (slips, codes); above it the unit is wrong.
SLIPS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What else the files say that bears on ages.

    Attributes:
        infants: the dataset's name or the age's description speaks of them.
        births: a column speaks of gestation.
        children: the name or the description speaks of them.
        rodents: the name or a column speaks of them.
        animals: a column names another species than man.
    """

    infants: bool = False
    births: bool = False
    children: bool = False
    rodents: bool = False
    animals: bool = False

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


def decide(values: Sequence[float], declared: Collection[str], context: Context) -> UnitVerdict:
    """Return the unit of a column's plain numbers.

    Args:
        values: the numbers, in the column's own unit.
        declared: units that the dictionary and the header state.
        context: of the dataset.
    """
    stated = "|".join(sorted(declared))
    if centred(values):
        reason = "numbers below zero: centred or standardised, not ages"
        return UnitVerdict(declared=stated, rule="unit.centred", reason=reason)
    known = [value for value in values if value >= 0]
    if len(declared) == 1:
        return _declared(known, stated, context)
    if declared:
        fitting = [unit for unit in PER_YEAR if unit in declared and _fits(known, unit, context.oldest)]
        if len(fitting) == 1:
            return UnitVerdict(
                unit=fitting[0], declared=stated, rule="unit.possible", confidence=Confidence.LOW
            )
        reason = f"units {stated} are stated and the numbers do not decide between them"
        return UnitVerdict(declared=stated, rule="unit.contradiction", reason=reason)
    return _assumed(known, context)


def centred(values: Sequence[float]) -> bool:
    """Whether numbers below zero are more than a slip in a column of ages."""
    negative = [value for value in values if value < 0]
    if not negative:
        return False
    positive = [value for value in values if value >= 0]
    slip = len(negative) <= max(1, 0.05 * len(values)) and all(value.is_integer() for value in negative)
    return not (slip and positive and min(positive) >= 3)


def _fits(values: Sequence[float], unit: str, oldest: float) -> bool:
    impossible = sum(value / PER_YEAR[unit] > oldest for value in values)
    return impossible <= SLIPS * len(values)


def _declared(values: Sequence[float], unit: str, context: Context) -> UnitVerdict:
    if not _fits(values, unit, context.oldest):
        reason = f"the declared unit {unit} gives ages over {context.oldest:g} years"
        return UnitVerdict(declared=unit, rule="unit.impossible", reason=reason)
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


def _assumed(values: Sequence[float], context: Context) -> UnitVerdict:
    reason = _why_not_years(values, context)
    if reason:
        return UnitVerdict(rule="unit.unknown", reason=reason)
    confidence = Confidence.LOW if context.animals else Confidence.MEDIUM
    return UnitVerdict(unit="years", rule="unit.years_assumed", confidence=confidence)


def _why_not_years(values: Sequence[float], context: Context) -> str:
    if not values:
        return ""
    highest = max(values)
    if context.rodents:
        return "no unit is stated, and rodents' ages are given in days, weeks and months"
    if (context.infants or context.births) and median(values) < 18:
        return "no unit is stated, and infants' ages are given in days, weeks and months"
    if not _fits(values, "years", context.oldest):
        years = sum(1900 <= value <= 2100 for value in values) > len(values) / 2
        return (
            "years of birth or of the scan" if years else "no unit is stated, and they are too high for years"
        )
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
