"""A whole age column: its unit, and what each of its cells gives. Pure.

A comma is decimal unless nearly every cell with one could be two visits (``19,20``): then it is two visits
where three or more cells are such, and doubtful, so refused, where fewer are. A cell in disorder
(``23,22``) is refused alone. Codes that the dictionary's Levels
explain are read there: ``1`` with ``{"1": "18-25"}`` is a range. ``89+`` among numbers is a cap; among
ranges it is the last of them.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from allbrains.participants.age_columns import AgeColumn, Tier
from allbrains.participants.age_doubts import are_row_numbers, stand_ins, torn_people
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

# What a description may say that makes the column another age than the one at the scan.
_RELATIVES = r"mother|father|parent|partner|spouse|sibling|caregiver"
_DECOY = re.compile(
    r"\bonset\b|\bat (?:first |initial )?diagnosis\b|\bage (?:was )?diagnosed\b"
    r"|\bage (?:at|of|when)\b[^.;]{0,30}?\bdiagnos(?:is|ed)\b|\b(?:was|were|been|first) diagnosed\b"
    rf"|\bage of (?:the |their |his |her |\w+'s )?(?:{_RELATIVES})"
    rf"|\bage,? \((?:{_RELATIVES})|\b(?:{_RELATIVES})(?:s|'s|s')? (?:'s )?age\b"
    r"|\b(?:maternal|paternal|parental) age\b|\bgestation|\bmenstrual|\bconception|\bz-?\s?scor"
    r"|\bstandardi[sz]ed (?:age|score|value)|\bage,? standardi[sz]ed\b|\bcentred\b|\bcentered\b|\bdemean"
    r"|\blog[- ]?transform|\bage of (?:language |word |english |l2 )?acquisition\b|\bat death\b|\bbrain age\b"
    r"|\bmental age\b|\bcorrected age\b"
)
_MIN_LISTS = 3
_THOUSAND_DIGITS = 3
# Of so many cells with a comma the others are slips in a column of visits.
_VISITS_SHARE = 0.9
_MAX_YEARS_BETWEEN_VISITS = 15
# 89+ hides an age for privacy; 18+ alone in a column is only the study's lower limit.
_PRIVACY_CAP_YEARS = 80
_UNKNOWN = {Form.DATE: "a date", Form.DISORDER: "numbers that are neither a decimal nor visits in order"}


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
        people: the person of each row.
        torn: people who would age decades between sessions.
        codes: why a number, in years, is none but stands for "unknown".
    """

    column: AgeColumn
    verdict: UnitVerdict
    texts: tuple[AgeText, ...]
    years: tuple[float, ...]
    oldest: float
    of_ranges: bool
    refused: str
    people: tuple[Hashable, ...]
    torn: frozenset[Hashable]
    codes: Mapping[float, str] = field(default_factory=dict)

    def why_not(self, row: int) -> str:
        """Return why a cell that says something gives no age; empty where it gives one or is missing."""
        text = self.texts[row]
        if text.form is Form.MISSING:
            return ""
        if not text.is_known:
            return _UNKNOWN.get(text.form, "no number")
        if self.column.tier is Tier.BINS and text.form not in (Form.RANGE, Form.CAPPED, Form.BELOW):
            return "a code of an age group"
        if not text.unit and (self.refused or not self.verdict.unit):
            return self.refused or self.verdict.reason
        if self.refused:
            return self.refused
        years = [value / PER_YEAR[text.unit or self.verdict.unit] for value in self.numbers(text)]
        if text.form is Form.DICOM and not any(years):
            return "what de-identification leaves of an age"
        if self.people[row] in self.torn:
            return "one person would age decades between sessions"
        # a cell that states its unit is no code, however far from the others it lies
        if not text.unit and (code := next(filter(None, map(self.codes.get, years)), "")):
            return code
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


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeCells:
    """The cells of one age column, with the person of each row.

    Attributes:
        column: where it stands and what its header says.
        cells: in the rows' order.
        people: ids of the rows' participants.
        spread: of the numbers of each person who has several, in this column and those of other sessions.
        definition: what the dictionary says of it.
    """

    column: AgeColumn
    cells: Sequence[str]
    people: Sequence[str]
    spread: Mapping[Hashable, float]
    definition: Definition


def read(given: AgeCells, context: Context) -> AgeSeries:
    """Return a column read as ages."""
    column, definition = given.column, given.definition
    texts = _texts(given)
    plain = [value for text in texts if not text.unit and text.is_known for value in _counted(text)]
    declared = _declared(column, definition, plain)
    verdict = decide(plain, declared, context, given.spread)
    if column.tier is Tier.BINS and verdict.rule == "unit.unknown" and plain and not centred(plain):
        verdict = decide([value for value in plain if value >= 10] or plain, declared, context, {})
    per_year = PER_YEAR.get(verdict.unit, 1.0)
    numbers = [
        (value / PER_YEAR.get(text.unit, per_year), bool(text.unit))
        for text in texts
        if text.is_known and text.form not in (Form.RANGE, Form.CAPPED, Form.BELOW)
        for value in _counted(text)
    ]
    unmarked = [years for years, marked in numbers if not marked]
    return AgeSeries(
        column=column,
        verdict=verdict,
        texts=tuple(texts),
        years=tuple(sorted(years for years, _ in numbers)),
        oldest=context.oldest,
        of_ranges=sum(text.form is Form.RANGE for text in texts) > len(numbers),
        refused=_why_refused(given, texts),
        people=tuple(given.people),
        torn=torn_people(given.spread, per_year) if verdict.unit else frozenset(),
        codes=stand_ins(unmarked, infants=context.infants) if verdict.unit else {},
    )


def _texts(given: AgeCells) -> list[AgeText]:
    texts = _commas([_levelled(parse(cell), cell, given.definition) for cell in given.cells])
    texts = _dashes(_years_and_months(texts, given.cells), given.cells)
    if any(_WITH_SEX.fullmatch(cell) for cell in given.cells):
        # 25m beside 31f is a man of 25, not a baby of 25 months
        texts = [AgeText(form=Form.WORD) if text.unit == "months" else text for text in texts]
    return texts


def _why_refused(given: AgeCells, texts: Sequence[AgeText]) -> str:
    """Return why the whole column is another age, or none; empty where it may be one."""
    if decoy := _DECOY.search(fold(given.definition.text)):
        return f"{decoy[0]!r} in the description: another age than at the scan"
    rows = [row for row, text in enumerate(texts) if text.form is Form.NUMBER and not text.unit]
    if are_row_numbers([texts[row].values[0] for row in rows], [given.people[row] for row in rows]):
        return "the numbers count the rows or repeat the ids"
    return ""


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
    """Decide for the whole column whether a comma is decimal or stands between two visits.

    Lists of three or more numbers in other cells speak for visits; a comma after which a visit could not
    follow speaks for decimals. Of visits the odd cells are refused; where it stays open, all with a comma.
    """
    with_comma = [text for text in texts if text.form is Form.COMMA]
    if not with_comma:
        return texts
    if all(_may_be_thousands(text) for text in with_comma):
        return [AgeText(form=Form.DISORDER) if text.form is Form.COMMA else text for text in texts]
    visits = sum(map(_could_be_visits, with_comma))
    lists = sum(text.form is Form.VISITS and len(text.values) > 1 for text in texts)
    nearly_all = visits >= _VISITS_SHARE * len(with_comma)
    if not nearly_all and not lists:
        return texts
    enough = visits + lists >= _MIN_LISTS
    if enough and (nearly_all or (lists and visits * 2 >= len(with_comma))):
        return [_as_visits(text) if text.form is Form.COMMA else text for text in texts]
    return [AgeText(form=Form.DISORDER) if text.form is Form.COMMA else text for text in texts]


def _may_be_thousands(text: AgeText) -> bool:
    """Whether a comma stands before three digits: ``1,020`` may be days."""
    return text.decimals == _THOUSAND_DIGITS


def _as_visits(text: AgeText) -> AgeText:
    if _could_be_visits(text):
        return replace(text, form=Form.VISITS, values=text.values[1:])
    return AgeText(form=Form.DISORDER)


_WITH_SEX = re.compile(r"\s*\d+\s*[fF](?:emale)?\s*")
_SEMICOLON = re.compile(r"\s*(\d{1,2});(\d{1,2})\s*")


def _years_and_months(texts: list[AgeText], cells: Sequence[str]) -> list[AgeText]:
    """Read ``8;11`` as 8 years and 11 months where the column's cells cannot all be two visits.

    A list that is in no order says nothing of its visits: that cell is refused, the others are not.
    """
    lists = [text for text in texts if text.form is Form.VISITS]
    if all(list(text.values) == sorted(text.values) for text in lists):
        return texts
    pairs = [
        _SEMICOLON.fullmatch(cell) if t.form is Form.VISITS else None
        for t, cell in zip(texts, cells, strict=True)
    ]
    if sum(pair is not None and int(pair[2]) < 12 for pair in pairs) < len(lists):
        return [_in_order(text) for text in texts]
    return [
        AgeText(form=Form.YEARS_MONTHS, values=(int(pair[1]) + int(pair[2]) / 12,), unit="years")
        if pair
        else text
        for text, pair in zip(texts, pairs, strict=True)
    ]


_DASH = re.compile(r"\s*(\d{1,2})-(\d{1,2})\s*")


def _dashes(texts: list[AgeText], cells: Sequence[str]) -> list[AgeText]:
    """Refuse ``6-11`` in a column where ``5-3`` shows that years and months may be meant, not a range."""
    pairs = [_DASH.fullmatch(cell) for cell in cells]
    if all(int(pair[1]) <= int(pair[2]) for pair in pairs if pair) or any(int(p[2]) > 11 for p in pairs if p):
        return texts
    return [AgeText(form=Form.DISORDER) if pair else text for text, pair in zip(texts, pairs, strict=True)]


def _in_order(text: AgeText) -> AgeText:
    disorder = text.form is Form.VISITS and list(text.values) != sorted(text.values)
    return AgeText(form=Form.DISORDER) if disorder else text


def _could_be_visits(text: AgeText) -> bool:
    _, first, second = text.values
    return first <= second <= first + _MAX_YEARS_BETWEEN_VISITS


def _rule(series: AgeSeries, reason: str) -> str:
    """Return the rule that refused cells for a reason: the column's, where the whole column is refused."""
    if reason == series.verdict.reason:
        return series.verdict.rule
    return "age.column" if reason == series.refused else "age.cell"


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
            rule=_rule(series, reason),
            detail=f"{reason}; for example {min(examples, key=lambda e: (len(e), e))[:60]!r}",
            rows=len(examples),
        )
        for reason, examples in reasons.items()
    ]
