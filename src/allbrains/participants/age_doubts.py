"""Numbers that are no ages: stand-ins for "unknown", row numbers, people who age decades. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from statistics import median

# Nobody is scanned over more years; the longest series of one person on OpenNeuro spans some twenty.
LONGEST_STUDY_YEARS = 25.0
# Half of a study's people are not followed for so long.
LONGEST_MEDIAN_YEARS = 12.0
# So many repeated people make a median that means something.
_FEW_PEOPLE = 5
# Of so many repeated people one slip refuses that person, not the column.
_TORN_SHARE = 0.1
# A zero beside people who are at least so old stands for something else than a birth.
_YOUNGEST_BESIDE_ZERO = 3.0
_CODES_BELOW = 3.0  # 1 and 2 as codes
_YOUNGEST_BESIDE_CODE = 10.0
_CODES_FROM = 90.0  # 99, 100, 111, 120 as codes
_GAP_YEARS = 10.0
_DECIMAL_GAP_YEARS = 5.0
_REPEATED = 3
_REPEATED_SHARE = 0.05
_FEW_ROWS, _MORE_ROWS = 5, 10


def stand_ins(years: Sequence[float], *, infants: bool) -> dict[float, str]:
    """Return the values that stand for "unknown", each with the reason, however often they occur.

    Such a value lies apart from all others, and no birthday explains it: a zero among people who are not
    newborn; a 1 or a 99 far from everybody else; the same decimal number in many rows while the other rows
    differ.

    Args:
        years: all plain numbers of a column, years.
        infants: the dataset speaks of infants, so that 0 may be an age.
    """
    counts = Counter(years)
    values = sorted(counts)
    youngest = min((value for value in values if value >= _CODES_BELOW), default=float("inf"))
    decimals = sum(count for value, count in counts.items() if not value.is_integer())
    often = [count for _, count in counts.most_common(2)]
    found: dict[float, str] = {}
    for at, value in enumerate(values):
        count = counts[value]
        below = values[at - 1] if at else float("-inf")
        above = values[at + 1] if at + 1 < len(values) else float("inf")
        gap = min(value - below, above - value)
        own = 0 if value.is_integer() else count
        repeated = _is_repeated(count, len(years), often, decimals - own)
        # nobody is exactly 0 on many days, however near the next age lies
        apart = gap >= _DECIMAL_GAP_YEARS or (value == 0 and not infants)
        if _is_code(value, count, (above, youngest), gap, infants) or (repeated and apart):
            found[value] = f"{value:g} lies apart from all others ({count} rows): it stands for unknown"
    return found


def _is_code(value: float, count: int, higher: tuple[float, float], gap: float, infants: bool) -> bool:
    """Whether a whole number is one of those that stand for "unknown", by what lies above it.

    Args:
        value: the number.
        count: rows that say it.
        higher: the next higher number, and the lowest that is no 0, 1 or 2; infinite where there is none.
        gap: distance to the nearest number.
        infants: the dataset speaks of infants.
    """
    above, youngest = higher
    if gap == float("inf"):  # every row says the same
        return value == 0 and not infants
    if not value.is_integer():
        return False
    if 0 <= value < _CODES_BELOW:
        by_itself = value == 0 and above >= _YOUNGEST_BESIDE_ZERO
        return by_itself or _YOUNGEST_BESIDE_CODE <= youngest < float("inf")
    return value >= _CODES_FROM and count > 1 and above == float("inf") and gap >= _GAP_YEARS


def _is_repeated(count: int, rows: int, often: Sequence[int], decimals: int) -> bool:
    """Whether one number is in more rows than birthdays explain: the others are decimal and differ."""
    others = rows - count
    next_most = often[1] if count == often[0] and len(often) > 1 else often[0]
    alone = count > next_most and next_most <= max(2, count // 4)
    return alone and count >= max(_REPEATED, _REPEATED_SHARE * rows) and decimals * 2 > others > 0


def are_row_numbers(values: Sequence[float], ids: Sequence[str]) -> bool:
    """Return whether a column counts its rows, or repeats the number in each id.

    Args:
        values: numbers of the rows that have one, in the rows' order.
        ids: of the same rows.
    """
    count = len(values)
    if count < _FEW_ROWS or not all(value.is_integer() for value in values):
        return False
    start = min(values)
    counted = [start + i for i in range(count)]
    if start in (0, 1) and (list(values) == counted or (count >= _MORE_ROWS and sorted(values) == counted)):
        return True
    numbers = [re.findall(r"\d+", one) for one in ids]
    same = all(found and float(found[-1]) == value for found, value in zip(numbers, values, strict=True))
    return same and len(set(values)) > 1


def spans(people: Iterable[tuple[Hashable, float]]) -> dict[Hashable, float]:
    """Return the spread of each person's numbers, for those who have several."""
    values: defaultdict[Hashable, list[float]] = defaultdict(list)
    for person, value in people:
        values[person].append(value)
    return {person: max(own) - min(own) for person, own in values.items() if len(own) > 1}


def ages_too_fast(spread: Mapping[Hashable, float], per_year: float) -> str:
    """Return why numbers cannot be ages in a unit, since people would age too much between sessions.

    Args:
        spread: of each person's numbers, in the column's own unit.
        per_year: how many of the unit make a year.
    """
    years = sorted(value / per_year for value in spread.values())
    torn = sum(value > LONGEST_STUDY_YEARS for value in years)
    if torn > 1 and torn > _TORN_SHARE * len(years):
        return f"{torn} people would age more than {LONGEST_STUDY_YEARS:g} years between their sessions"
    if len(years) >= _FEW_PEOPLE and median(years) > LONGEST_MEDIAN_YEARS:
        return f"half of the people would age more than {LONGEST_MEDIAN_YEARS:g} years between their sessions"
    return ""


def torn_people(spread: Mapping[Hashable, float], per_year: float) -> frozenset[Hashable]:
    """Return the people who would age more than any study lasts: one of their ages is a slip."""
    return frozenset(p for p, value in spread.items() if value / per_year > LONGEST_STUDY_YEARS)
