"""One age cell: what its text says, before anything is known of its column. Pure; never raises.

26   26.5   18,0        a number          026Y  8w  26 years  5y3m   a number with its unit
20-25   20 to 25        a range           89+  >89  90 or older      a lower bound
<18                     an upper bound    19,19,19  [19, 20]         several visits
2001-05-12  10-May      a date, refused   adult                      a word, refused
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from allbrains.participants.vocabulary import UNITS, fold, is_missing

PER_YEAR = {"years": 1.0, "months": 12.0, "weeks": 365.25 / 7, "days": 365.25}
_MAX_VISITS = 20
_MAX_LENGTH = 120
DICOM_UNITS = {"y": "years", "m": "months", "w": "weeks", "d": "days"}


class Form(StrEnum):
    """What kind of text an age cell holds; the names are those of the rules."""

    MISSING = "missing"
    NUMBER = "number"
    COMMA = "decimal_comma"  # 18,0: a decimal comma or two visits; the column decides
    WITH_UNIT = "unit_in_cell"
    DICOM = "dicom"
    YEARS_MONTHS = "years_and_months"
    RANGE = "range"
    CAPPED = "capped"
    BELOW = "below"
    VISITS = "visits"
    DISORDER = "disorder"  # several numbers, not in the order in which anybody ages
    DATE = "date"
    WORD = "word"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeText:
    """What one cell says.

    Attributes:
        form: kind of text.
        values: the numbers in it, in the cell's unit or the column's; of ``decimal_comma`` first the
            decimal number, then the two numbers of the other reading.
        unit: unit in the cell; empty where it has none.
        decimals: digits behind the comma of ``decimal_comma``.
    """

    form: Form
    values: tuple[float, ...] = ()
    unit: str = ""
    decimals: int = 0

    @property
    def is_known(self) -> bool:
        """Whether the text says something about an age."""
        return self.form not in (Form.MISSING, Form.DATE, Form.WORD, Form.DISORDER)


_N = r"(\d{1,5}(?:[.,]\d+)?|\.\d+)"
_DASH = r"\s*(?:-|to|until|bis|a|~|_|\.\.|through|and)\s*"
_UNIT_WORD = "|".join(sorted(map(re.escape, UNITS), key=len, reverse=True)) + "|y/o|y\\.o\\.?|yrs?\\.|a|m|w|d"
_UNIT = rf"\s*(?:\(?({_UNIT_WORD})(?:\s*-?\s*(?:old|of age|olds))?\)?\.?)?"
_NUMBER = re.compile(r"\+?(\d{1,6}(?:\.\d*)?|\.\d+)(e[-+]?\d{1,2})?")
_NEGATIVE = re.compile(r"-\s?(\d+(?:[.,]\d*)?|\.\d+)(e[-+]?\d{1,2})?")
_DICOM = re.compile(r"(\d{3})([ymwd])")
_WITH_UNIT = re.compile(rf"(?:age:?\s*)?{_N}\s*-?\s*\(?({_UNIT_WORD})\)?\.?(?:\s*-?\s*(?:old|of age|s))?\.?")
_ISO = re.compile(r"p(\d{1,3})y(?:(\d{1,2})m)?")  # ISO 8601: P31Y6M
_POSTNATAL = re.compile(r"(?:pnd|pn|postnatal day)\s*-?(\d{1,4})")
_YEARS_MONTHS = re.compile(
    r"(\d{1,3})\s*(?:y|yr|yrs|years?|ans|jahre?)\s*[,;.]?\s*(?:and\s*)?(\d{1,2})\s*(?:m|mo|mos|mths?|months?|mois|monate?)\.?"
)
_RANGE = re.compile(rf"[\[(]?\s*{_N}{_UNIT}{_DASH}{_N}{_UNIT}\s*[\])]?")
_DECADE = re.compile(r"([1-9]0)'?\s?s")
_CAPPED = (
    re.compile(rf"(?:>=?|≥|\+|over|above|older than|at least|from|more than|uber|plus de)\s*{_N}{_UNIT}"),
    re.compile(rf"{_N}{_UNIT}\s*(?:\+|plus|(?:and|or|&) (?:over|above|older|more|up))\s*{_UNIT}"),
)
_BELOW = (
    re.compile(rf"(?:<=?|≤|under|below|younger than|less than|up to)\s*{_N}{_UNIT}"),
    re.compile(rf"{_N}{_UNIT}\s*(?:and (?:under|below|younger)|or (?:under|below|younger|less))"),
)
_SEPARATORS = tuple(re.compile(mark) for mark in (r"\s*;\s*", r"\s*/\s*", r"\s*\|\s*", r",\s*", r"\s+"))
_HALF_OPEN = re.compile(r"\[.*\)|\(.*\]")
_COMMA = re.compile(r"\d{1,3},\d{1,4}")
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2}.*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}.*|(?:19|20)\d{6}"
    r"|(?:\d{1,4}-)?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*(?:-\d{1,4})?"
)


@lru_cache(maxsize=65536)
def parse(cell: str) -> AgeText:
    """Return what the cell says."""
    if is_missing(cell) or all(map(is_missing, re.split(r"[,;|]", cell))):
        return AgeText(form=Form.MISSING)
    if len(cell) > _MAX_LENGTH:
        return AgeText(form=Form.WORD)
    text = fold(cell).strip("'\"`; ,*")
    if number := _NUMBER.fullmatch(text):
        return AgeText(form=Form.NUMBER, values=(float(number[0].replace(",", ".")),))
    if number := _NEGATIVE.fullmatch(text):
        return AgeText(form=Form.NUMBER, values=(-float((number[1] + (number[2] or "")).replace(",", ".")),))
    for read in (_date, _with_unit, _range, _bound, _visits):
        if found := read(text):
            return found
    return AgeText(form=Form.WORD)


def _float(text: str) -> float:
    return float(text.replace(",", "."))


def unit_of_word(word: str) -> str:
    """Return the unit that a word in a cell means; empty for none."""
    bare = word.strip(" .()")
    return (
        UNITS.get(bare)
        or {"y/o": "years", "y.o": "years", "a": "years"}.get(bare)
        or DICOM_UNITS.get(bare, "")
    )


def _date(text: str) -> AgeText | None:
    return AgeText(form=Form.DATE) if _DATE.fullmatch(text) else None


def _with_unit(text: str) -> AgeText | None:
    if match := _DICOM.fullmatch(text):
        return AgeText(form=Form.DICOM, values=(float(match[1]),), unit=DICOM_UNITS[match[2]])
    if match := _YEARS_MONTHS.fullmatch(text):
        years, months = float(match[1]), float(match[2])
        if months >= 12:
            return AgeText(form=Form.WORD)
        return AgeText(form=Form.YEARS_MONTHS, values=(years + months / 12,), unit="years")
    if match := _WITH_UNIT.fullmatch(text):
        return AgeText(form=Form.WITH_UNIT, values=(_float(match[1]),), unit=unit_of_word(match[2]))
    if match := _ISO.fullmatch(text):
        years, months = float(match[1]), float(match[2] or 0)
        return AgeText(form=Form.YEARS_MONTHS, values=(years + months / 12,), unit="years")
    if match := _POSTNATAL.fullmatch(text):
        return AgeText(form=Form.WITH_UNIT, values=(float(match[1]),), unit="days")
    return None


def _range(text: str) -> AgeText | None:
    if decade := _DECADE.fullmatch(text):
        return AgeText(form=Form.RANGE, values=(float(decade[1]), float(decade[1]) + 9))
    match = _RANGE.fullmatch(text)
    if not match:
        return None
    low, high = _float(match[1]), _float(match[3])
    units = {unit_of_word(word) for word in (match[2], match[4]) if word}
    if low > high or len(units) > 1:
        return AgeText(form=Form.WORD)
    return AgeText(form=Form.RANGE, values=(low, high), unit=units.pop() if units else "")


def _bound(text: str) -> AgeText | None:
    for form, patterns in ((Form.CAPPED, _CAPPED), (Form.BELOW, _BELOW)):
        for pattern in patterns:
            if match := pattern.fullmatch(text):
                units = [unit_of_word(word) for word in match.groups()[1:] if word]
                return AgeText(form=form, values=(_float(match[1]),), unit=units[0] if units else "")
    return None


def _visits(text: str) -> AgeText | None:
    if _COMMA.fullmatch(text):
        visits = tuple(float(part) for part in text.split(","))
        decimals = len(text.partition(",")[2])
        return AgeText(form=Form.COMMA, values=(_float(text), *visits), decimals=decimals)
    bare = text.strip("[](){} ")
    separator = next((form for form in _SEPARATORS if form.search(bare)), None)
    parts = separator.split(bare) if separator else [bare]
    parts = [part for part in (p.strip("'\" ,") for p in parts) if not is_missing(part)]
    if not 1 <= len(parts) <= _MAX_VISITS or parts[0] == text:
        return None
    readings = [parse(part) for part in parts]
    units = {reading.unit for reading in readings}
    if len(units) > 1 or any(r.form not in (Form.NUMBER, Form.DICOM, Form.WITH_UNIT) for r in readings):
        return None
    values = tuple(reading.values[0] for reading in readings)
    if len(values) == 2 and _HALF_OPEN.fullmatch(text) and values[0] < values[1]:
        return AgeText(form=Form.RANGE, values=values, unit=units.pop())
    return AgeText(form=Form.VISITS, values=values, unit=units.pop())
