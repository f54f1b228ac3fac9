"""A whole age column: its unit, and what each of its cells gives. Pure.

A comma is decimal unless every cell with one could be two visits (``19,20``): then it is two visits where
three or more cells are such, and doubtful, so refused, where fewer are. Codes that the dictionary's Levels
explain are read there: ``1`` with ``{"1": "18-25"}`` is a range. ``89+`` among numbers is a cap; among
ranges it is the last of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from allbrains.participants.ages import PER_YEAR, AgeText, Form, parse
from allbrains.participants.dictionary import (
    Definition,
    code_key,
    phrased_units,
    units_of_field,
    units_of_text,
)
from allbrains.participants.participant import AGE_FIELDS, Confidence, Note, NoteKind, Receipt
from allbrains.participants.units import Context, UnitVerdict, cell_reason, centred, decide
from allbrains.participants.vocabulary import fold, header_key
from allbrains.participants.which_columns import AgeColumn, Tier

# What a description may say that makes the column another age than the one at the scan.
_DECOY = re.compile(
    r"\bonset\b|\bat (?:first |initial )?diagnosis\b|\bdiagnosed\b|\bmother|\bfather|\bgestation|\bmenstrual"
    r"|\bconception|\bz-?\s?scor|\bstandardi[sz]ed\b|\bcentred\b|\bcentered\b|\bdemean"
    r"|\blog[- ]?transform|\bof acquisition\b|\bat death\b|\bpartner|\bbrain age\b|\bmental age\b"
    r"|\bcorrected age\b|\bsiblings?\b"
)
_MIN_LISTS = 3
_MAX_YEARS_BETWEEN_VISITS = 15
# 89+ hides an age for privacy; 18+ alone in a column is only who was let into the study.
_PRIVACY_CAP_YEARS = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Age:
    """An age with its receipt; fields as in ``Participant``."""

    years: float | None = None
    low: float | None = None
    high: float | None = None
    capped: bool = False
    receipt: Receipt

    def fields(self) -> dict[str, float | bool | None]:
        """Return the values by ``Participant`` field."""
        return dict(zip(AGE_FIELDS, (self.years, self.low, self.high, self.capped), strict=True))

    def receipts(self) -> dict[str, Receipt]:
        """Return the receipt under the name of every field that has a value."""
        return {name: self.receipt for name, value in self.fields().items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeSeries:
    """One age column, read.

    Attributes:
        column: where it stands.
        verdict: unit of its plain numbers.
        texts: what each row's cell says.
        years: all plain numbers in years, sorted.
        oldest: highest age that can be, years.
        of_ranges: whether the column is one of age groups.
        refused: why the whole column is refused; empty where it is not.
    """

    column: AgeColumn
    verdict: UnitVerdict
    texts: tuple[AgeText, ...]
    years: tuple[float, ...]
    oldest: float
    of_ranges: bool
    refused: str

    def why_not(self, row: int) -> str:
        """Return why a cell that says something gives no age; empty where it gives one or is missing."""
        text = self.texts[row]
        if text.form is Form.MISSING:
            return ""
        if not text.is_known:
            return {Form.DATE: "a date"}.get(text.form, "no number")
        if self.column.tier is Tier.BINS and text.form not in (Form.RANGE, Form.CAPPED, Form.BELOW):
            return "a code of an age group"
        if not text.unit and (self.refused or not self.verdict.unit):
            return self.refused or self.verdict.reason
        if self.refused:
            return self.refused
        years = [value / PER_YEAR[text.unit or self.verdict.unit] for value in self.numbers(text)]
        if text.form is Form.DICOM and not any(years):
            return "what de-identification leaves of an age"
        # a cell that states its unit is no code, however far from the others it lies
        others = () if text.unit else self.years
        return next(filter(None, (cell_reason(value, others, self.oldest) for value in years)), "")

    def numbers(self, text: AgeText) -> tuple[float, ...]:
        """Return a cell's numbers, of a decimal comma only the decimal."""
        return text.values[:1] if text.form is Form.COMMA else text.values

    def age(self, row: int, cell: str, source: str, header: str) -> Age | None:
        """Return the age in a row's cell; None where there is none to be had.

        Args:
            row: place in the series.
            cell: as written, for the receipt.
            source: path of the file, for the receipt.
            header: of the column in which the cell stands, for the receipt.
        """
        text = self.texts[row]
        if text.form is Form.MISSING or self.why_not(row):
            return None
        unit = text.unit or self.verdict.unit
        values = [value / PER_YEAR[unit] for value in self.numbers(text)]
        receipt = self._receipt(text, cell, source, header)
        low, high = min(values), max(values)
        match text.form:
            case Form.RANGE:
                return Age(low=low, high=high, receipt=receipt)
            case Form.BELOW:
                return Age(high=high, receipt=receipt)
            case Form.CAPPED if self.of_ranges or (not self.years and low < _PRIVACY_CAP_YEARS):
                return Age(low=low, capped=True, receipt=receipt)
            case Form.CAPPED:
                return Age(years=low, capped=True, receipt=receipt)
            case Form.VISITS if low != high:
                return Age(low=low, high=high, receipt=receipt)
            case _:
                return Age(years=low, receipt=receipt)

    def _receipt(self, text: AgeText, cell: str, source: str, header: str) -> Receipt:
        own = bool(text.unit)
        confidence = Confidence.HIGH if own else self.verdict.confidence
        if own and self.verdict.declared not in ("", text.unit):
            confidence = Confidence.MEDIUM
        return Receipt(
            source=source,
            column=header,
            raw=cell,
            unit_declared=self.verdict.declared,
            unit_inferred=(text.unit if text.unit != self.verdict.declared else "")
            if own
            else self.verdict.inferred,
            rule=f"age.{text.form}" if own else f"age.{text.form}+{self.verdict.rule}",
            confidence=confidence,
        )


def read(column: AgeColumn, cells: Sequence[str], definition: Definition, context: Context) -> AgeSeries:
    """Return the column read as ages.

    Args:
        column: where it stands and what its header says.
        cells: in the rows' order.
        definition: what the dictionary says of it.
        context: of the dataset.
    """
    texts = _commas([_levelled(parse(cell), cell, definition) for cell in cells])
    texts = _years_and_months(texts, cells)
    if any(_WITH_SEX.fullmatch(cell) for cell in cells):
        # 25m beside 31f is a man of 25, not a baby of 25 months
        texts = [AgeText(form=Form.WORD) if text.unit == "months" else text for text in texts]
    plain = [value for text in texts if not text.unit and text.is_known for value in _counted(text)]
    declared = _declared(column, definition, plain)
    verdict = decide(plain, declared, context)
    if column.tier is Tier.BINS and verdict.rule == "unit.unknown" and plain and not centred(plain):
        verdict = decide([value for value in plain if value >= 10] or plain, declared, context)
    per_year = PER_YEAR.get(verdict.unit, 1.0)
    numbers = sorted(
        value / PER_YEAR.get(text.unit, per_year)
        for text in texts
        if text.is_known and text.form not in (Form.RANGE, Form.CAPPED, Form.BELOW)
        for value in _counted(text)
    )
    decoy = _DECOY.search(fold(definition.text))
    refused = f"{decoy[0]!r} in the description: another age than at the scan" if decoy else ""
    return AgeSeries(
        column=column,
        verdict=verdict,
        texts=tuple(texts),
        years=tuple(numbers),
        oldest=context.oldest,
        of_ranges=sum(text.form is Form.RANGE for text in texts) > len(numbers),
        refused=refused,
    )


def _counted(text: AgeText) -> tuple[float, ...]:
    return text.values[:1] if text.form is Form.COMMA else text.values


def _declared(column: AgeColumn, definition: Definition, plain: Sequence[float]) -> set[str]:
    declared = units_of_field(definition.units) | column.units
    # A description mentions units in passing too; beside a stated one only "in months" counts.
    declared |= phrased_units(definition.text) if declared else units_of_text(definition.text)
    # The NIMH Data Archive defines interview_age in months.
    if not declared and header_key(column.header) == "interview_age" and plain and min(plain) > 122:
        return {"months"}
    return declared


def _levelled(text: AgeText, cell: str, definition: Definition) -> AgeText:
    """Read a code in the dictionary's Levels, where it stands there."""
    if text.form is not Form.NUMBER or not definition.levels:
        return text
    meaning = {code_key(code): meaning for code, meaning in definition.levels.items()}.get(code_key(cell))
    if meaning is None:
        return text
    explained = parse(meaning)
    return explained if explained.form in (Form.RANGE, Form.CAPPED, Form.BELOW) else AgeText(form=Form.WORD)


def _commas(texts: list[AgeText]) -> list[AgeText]:
    """Decide for the whole column whether a comma is decimal or stands between two visits."""
    with_comma = [text for text in texts if text.form is Form.COMMA]
    if not with_comma or not all(_could_be_visits(text) for text in with_comma):
        return texts
    if len(with_comma) >= _MIN_LISTS:
        return [
            replace(t, form=Form.VISITS, values=t.values[1:]) if t.form is Form.COMMA else t for t in texts
        ]
    return [AgeText(form=Form.WORD) if text.form is Form.COMMA else text for text in texts]


_WITH_SEX = re.compile(r"\s*\d+\s*[fF](?:emale)?\s*")
_SEMICOLON = re.compile(r"\s*(\d{1,2});(\d{1,2})\s*")


def _years_and_months(texts: list[AgeText], cells: Sequence[str]) -> list[AgeText]:
    """Read ``8;11`` as 8 years and 11 months where the column's cells cannot all be two visits."""
    lists = [text for text in texts if text.form is Form.VISITS]
    if all(list(text.values) == sorted(text.values) for text in lists):
        return texts
    pairs = [
        _SEMICOLON.fullmatch(cell) if t.form is Form.VISITS else None
        for t, cell in zip(texts, cells, strict=True)
    ]
    if sum(pair is not None and int(pair[2]) < 12 for pair in pairs) < len(lists):
        # no order, no visits: whatever the numbers are
        return [AgeText(form=Form.WORD) if text.form is Form.VISITS else text for text in texts]
    return [
        AgeText(form=Form.YEARS_MONTHS, values=(int(pair[1]) + int(pair[2]) / 12,), unit="years")
        if pair
        else text
        for text, pair in zip(texts, pairs, strict=True)
    ]


def _could_be_visits(text: AgeText) -> bool:
    _, first, second = text.values
    return first <= second <= first + _MAX_YEARS_BETWEEN_VISITS


def notes(series: AgeSeries, cells: Sequence[str], source: str) -> list[Note]:
    """Return one note for each reason why cells of the column were refused, with an example."""
    reasons: dict[str, list[str]] = {}
    for row, cell in enumerate(cells):
        if reason := series.why_not(row):
            reasons.setdefault(reason, []).append(cell)
    return [
        Note(
            kind=NoteKind.REFUSED,
            source=source,
            column=series.column.header,
            rule=series.verdict.rule if reason == series.verdict.reason else "age.cell",
            detail=f"{reason}; for example {min(examples, key=lambda e: (len(e), e))[:60]!r}",
            rows=len(examples),
        )
        for reason, examples in reasons.items()
    ]
