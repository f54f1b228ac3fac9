"""From one table to its participants: finds the columns, reads the cells, keeps the receipts. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from allbrains.participants import age_doubts, age_series, sex_and_hand
from allbrains.participants.age_columns import AgeColumn, Tier
from allbrains.participants.age_series import Age, AgeSeries
from allbrains.participants.ages import Form, parse
from allbrains.participants.dictionary import HAND_KEYS, SEX_KEYS, Definition, Dictionary
from allbrains.participants.group_reader import GroupReader
from allbrains.participants.participant import Confidence, Note, NoteKind, Participant, Receipt
from allbrains.participants.population import SpeciesReader
from allbrains.participants.sex_and_hand import Code
from allbrains.participants.table_cells import Sheet, TableRow
from allbrains.participants.units import Context
from allbrains.participants.vocabulary import header_key, is_missing
from allbrains.participants.which_columns import TableLayout

# Ages of one person in two columns of one table may differ by rounding, not by more.
_SAME_AGE_YEARS = 1.5
# A number under the header "sex" is an age only if it cannot be a code.
_NO_CODE = 3.0
_UNSETTLED = "age.unsettled"
_SUB = re.compile(r"\Asub(?:[-\u2010-\u2015\u2212]|[_ ]|(?=\d))", re.IGNORECASE)
# Rows below the participants that sum them up.
_SUMMARY = re.compile(
    r"(?:mean|average|avg|median|total|sum|sd|std|stdev|range|min|max|n ?= ?\d*|count)\b.*", re.I
)
_SES = re.compile(r"\Ases[-_]", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSource:
    """One table with all that is needed to read it."""

    dataset: str
    sheet: Sheet
    layout: TableLayout
    dictionary: Dictionary
    context: Context
    name: str


def participants_of(source: TableSource) -> tuple[list[Participant], list[Note]]:
    """Return the participants of a table, in its order, and what was refused."""
    if not source.sheet.header:
        return [], list(source.sheet.notes)
    table = _Table(source)
    rows = [
        participant for number in range(len(table.sheet.rows)) for participant in table.participants(number)
    ]
    unnamed = sum(_is_unnamed(row.cells[table.id_column]) for row in table.sheet.rows)
    notes = [*source.sheet.notes, *table.notes, *table.groups.notes]
    if unnamed:
        notes.append(table.note(NoteKind.REFUSED, "row.no_id", "rows without a participant", rows=unnamed))
    kept, repeated, several = _without_repetition(rows)
    if repeated:
        detail = "rows that repeat another one in all that is read from them"
        notes.append(table.note(NoteKind.DUPLICATE, "row.repeated", detail, rows=repeated))
    if several:
        detail = f"different rows of one participant and no session to tell them apart; as {min(several)!r}"
        notes.append(table.note(NoteKind.DUPLICATE, "row.several", detail, rows=len(several)))
    return kept, notes


def _without_repetition(rows: Sequence[Participant]) -> tuple[list[Participant], int, set[str]]:
    """Return the rows without equal ones, how many those are, and who has different ones for a session."""
    kept: dict[tuple[str, str], dict[str, Participant]] = {}
    groups_of_rows: dict[tuple[str, str], list[Participant]] = {}
    for row in rows:
        groups_of_rows.setdefault((row.participant_id, row.session_id), []).append(row)
    for key, same in groups_of_rows.items():
        # receipts are no part of a hash: repr stands for the whole row, where there is something to compare
        kept[key] = {repr(row) if len(same) > 1 else "": row for row in same}
    several = {participant for (participant, _), different in kept.items() if len(different) > 1}
    left = [row for different in kept.values() for row in different.values()]
    return left, len(rows) - len(left), several


def participant_id(cell: str) -> str:
    """Return an id as ``sub-<label>``: ``01``, ``sub01`` and ``SUB-01`` all give ``sub-01``."""
    text = cell.strip().strip("'\"").strip()
    return "sub-" + _SUB.sub("", text)


def session_id(cell: str) -> str:
    """Return a session as ``ses-<label>``; empty where the cell says nothing."""
    text = cell.strip().strip("'\"").strip()
    return "" if is_missing(text) else "ses-" + _SES.sub("", text)


class _Table:
    """The columns of one table and what each holds."""

    def __init__(self, source: TableSource) -> None:
        self._source = source
        self.notes: list[Note] = []
        layout, sheet = source.layout, source.sheet
        self.id_column = layout.participant
        self._ages = layout.ages
        self._sexes = layout.sexes
        self.sheet, self._swapped = self._unswapped(sheet)
        self.notes += [
            self.note(NoteKind.REFUSED, "age.header", r.reason, r.header) for r in layout.refused_ages
        ]
        self._visit = self._visit_column()
        self._people = [participant_id(cell) for cell in self.sheet.column(self.id_column)]
        # Of two columns of one tier, years before other units, a stated unit before an assumed one.
        self._series = sorted(
            (self._age_series(column) for column in self._ages),
            key=lambda s: (s.column.tier, s.verdict.unit != "years", not s.verdict.declared, s.column.index),
        )
        self._sex_codes = self._read_sexes()
        self._hands = self._read_hands()
        self.groups = GroupReader(self.sheet, layout, source.dictionary)
        self._species = SpeciesReader(self.sheet, layout, source.name)

    def note(self, kind: NoteKind, rule: str, detail: str, column: str = "", rows: int = 0) -> Note:
        """Return a note about this table."""
        return Note(
            kind=kind, source=self._source.sheet.source, column=column, rule=rule, detail=detail, rows=rows
        )

    def _define(self, index: int, keys: frozenset[str] | None = None) -> Definition:
        definition = self._source.dictionary.of(self.sheet.header[index])
        if definition == Definition() and keys:
            return self._source.dictionary.of_kind(keys)
        return definition

    def _unswapped(self, sheet: Sheet) -> tuple[Sheet, frozenset[int]]:
        """Exchange age and sex in rows where each stands under the other's header."""
        if not self._ages or not self._sexes:
            return sheet, frozenset()
        age, sex = self._ages[0].index, self._sexes[0].index
        rows, swapped = [], []
        for number, row in enumerate(sheet.rows):
            if sex_and_hand.plain_sex(row.cells[age]) and _is_age(row.cells[sex]):
                cells = list(row.cells)
                cells[age], cells[sex] = cells[sex], cells[age]
                swapped.append(number)
                rows.append(replace(row, cells=tuple(cells)))
            else:
                rows.append(row)
        if swapped:
            detail = f"age and sex stand under each other's header {sheet.header[sex]!r}"
            self.notes.append(
                self.note(NoteKind.REPAIRED, "row.swapped", detail, sheet.header[age], rows=len(swapped))
            )
        return replace(sheet, rows=tuple(rows)), frozenset(swapped)

    def _visit_column(self) -> int | None:
        index = self._source.layout.visit
        if index is None:
            return None
        cells = [cell for cell in self.sheet.column(index) if not is_missing(cell)]
        ids = Counter(participant_id(cell) for cell in self.sheet.column(self.id_column))
        repeated = any(count > 1 for count in ids.values())
        labelled = bool(cells) and all(re.match(r"\s*ses-", cell, re.IGNORECASE) for cell in cells)
        return index if repeated or labelled else None

    def _age_series(self, column: AgeColumn) -> AgeSeries:
        cells = self.sheet.column(column.index)
        given = age_series.AgeCells(
            column=column,
            cells=cells,
            people=self._people,
            spread=self._spread(column),
            definition=self._define(column.index),
        )
        series = age_series.read(given, self._source.context)
        self.notes += age_series.notes(series, cells, self._source.sheet.source)
        return series

    def _spread(self, column: AgeColumn) -> Mapping[Hashable, float]:
        """Return the spread of each person's numbers over rows, and over the columns of other sessions."""
        beside = (
            [one for one in self._ages if one.session and one.tier is column.tier] if column.session else []
        )
        texts = [
            (person, text)
            for one in beside or [column]
            for person, text in zip(self._people, map(parse, self.sheet.column(one.index)), strict=True)
        ]
        plain = [(person, text) for person, text in texts if text.form is Form.NUMBER and text.values[0] > 0]
        return age_doubts.spans((person, text.values[0]) for person, text in plain)

    def _read_sexes(self) -> list[tuple[int, str, dict[str, Code]]]:
        found = []
        for column in self._sexes:
            cells = self.sheet.column(column.index)
            keys = SEX_KEYS if len(self._sexes) == 1 else None
            header = self.sheet.header[column.index]
            codes, fault = sex_and_hand.sexes(cells, header, self._define(column.index, keys))
            if column.asks and not codes:
                codes = sex_and_hand.indicator(cells, column.asks)
            self._note_unread(
                column.index, cells, codes, f"sex.{'contradiction' if fault else 'unread'}", fault
            )
            found.append((column.index, column.kind, codes))
        return found

    def _read_hands(self) -> list[tuple[int, dict[str, Code]]]:
        found = []
        for index in self._source.layout.hands:
            cells = self.sheet.column(index)
            codes, fault = sex_and_hand.handedness(
                cells, self.sheet.header[index], self._define(index, HAND_KEYS)
            )
            self._note_unread(index, cells, codes, "handedness.unread", fault)
            found.append((index, codes))
        return found

    def _note_unread(
        self, index: int, cells: Sequence[str], codes: Mapping[str, Code], rule: str, fault: str
    ) -> None:
        unread = Counter(cell for cell in cells if cell not in codes and not is_missing(cell))
        if unread:
            example = min(unread, key=lambda cell: (-unread[cell], cell))
            detail = fault or "neither a word that is known nor a code that the dictionary explains"
            detail += f"; for example {example[:60]!r}"
            self.notes.append(
                self.note(NoteKind.REFUSED, rule, detail, self.sheet.header[index], rows=unread.total())
            )

    def participants(self, number: int) -> Iterable[Participant]:
        """Yield the participants of a row: one, or one for each session that has an age column."""
        row = self.sheet.rows[number]
        if _is_unnamed(row.cells[self.id_column]):
            return
        plain, receipts = self._plain(number, row)
        ages = self._ages_by_session(number, row)
        visit = session_id(row.cells[self._visit]) if self._visit is not None else ""
        some: Mapping[str, Age | None] = ages or {"": None}
        for session, age in some.items():
            own: dict[str, Any] = {**(age.fields() if age else {}), **plain}
            yield Participant(
                dataset=self._source.dataset,
                participant_id=participant_id(row.cells[self.id_column]),
                session_id=session_id(session) or visit,
                receipts={**(age.receipts() if age else {}), **receipts},
                **own,
            )

    def _ages_by_session(self, number: int, row: TableRow) -> dict[str, Age]:
        found: dict[str, Age] = {}
        nearer = {s.column.session for s in self._series if s.column.tier <= Tier.PLAIN}
        for series in self._series:
            column = series.column
            if column.tier is Tier.EXAM and column.session in nearer:
                continue  # no age at the scan: no scan
            index = self._where(number, column.index)
            age = series.age(number, row.cells[column.index], self._file(row), self.sheet.header[index])
            if age and number in self._swapped and index != column.index:
                receipt = replace(
                    age.receipt, rule=age.receipt.rule + "+row.swapped", confidence=Confidence.MEDIUM
                )
                age = replace(age, receipt=receipt)
            if age and column.session not in found:
                found[column.session] = age
            elif age and self._disagree(found[column.session], age):
                found[column.session] = self._settled(found[column.session], age, row)
        return {session: age for session, age in found.items() if age.receipt.rule != _UNSETTLED}

    def _disagree(self, first: Age, second: Age) -> bool:
        if first.years is None or second.years is None:
            return False
        return abs(first.years - second.years) > _SAME_AGE_YEARS

    def _settled(self, first: Age, second: Age, row: TableRow) -> Age:
        """Return which of two ages of one row counts: a stated unit before an assumed one, else the first.

        Two columns of the same name that disagree settle nothing.
        """
        same_name = header_key(first.receipt.column) == header_key(second.receipt.column)
        stated = second.receipt.unit_declared and not first.receipt.unit_declared
        taken = second if stated else first
        detail = (
            f"{row.cells[self.id_column]}: {first.receipt.column!r} says {first.receipt.raw!r},"
            f" {second.receipt.column!r} says {second.receipt.raw!r};"
            f" {'none' if same_name else repr(taken.receipt.column)} was taken"
        )
        self.notes.append(self.note(NoteKind.CONFLICT, "age.columns", detail, first.receipt.column, rows=1))
        rule = _UNSETTLED if same_name else taken.receipt.rule
        return replace(taken, receipt=replace(taken.receipt, rule=rule, confidence=Confidence.LOW))

    def _plain(self, number: int, row: TableRow) -> tuple[dict[str, str], dict[str, Receipt]]:
        """Return what does not depend on the session, and its receipts."""
        values: dict[str, str] = {}
        receipts: dict[str, Receipt] = {}
        for index, kind, codes in self._sex_codes:
            if code := codes.get(row.cells[index]):
                receipt = self._receipt(number, row, index, code)
                if "sex" not in receipts:
                    values["sex"], receipts["sex"] = code.value, receipt
                elif kind == "gender" and "gender" not in receipts:
                    receipts["gender"] = replace(receipt, value=code.value)
                    self._compare_sexes(
                        values.get("sex", code.value), code.value, row, index, "both are kept"
                    )
                elif kind == "sex" and values.get("sex", code.value) != code.value:
                    self._compare_sexes(values.pop("sex"), code.value, row, index, "none was taken")
        if "sex" not in values:
            receipts.pop("sex", None)
        hands = [(index, code) for index, codes in self._hands if (code := codes.get(row.cells[index]))]
        if hands and len({code.value for _, code in hands}) == 1:
            index, code = hands[0]
            values["handedness"], receipts["handedness"] = code.value, self._receipt(number, row, index, code)
        elif hands:
            detail = f"{row.cells[self.id_column]}: columns of handedness disagree; none was taken"
            column = self.sheet.header[hands[0][0]]
            self.notes.append(self.note(NoteKind.CONFLICT, "handedness.columns", detail, column, rows=1))
        groups, of_groups = self.groups.read(row.cells, self._file(row), row.cells[self.id_column])
        values |= groups
        receipts |= of_groups
        if species := self._species.read(row.cells, self._file(row)):
            values["species"], receipts["species"] = species
        return values, receipts

    def _compare_sexes(self, first: str, second: str, row: TableRow, index: int, outcome: str) -> None:
        if first != second:
            detail = f"{row.cells[self.id_column]}: one column says {first}, another {second}; {outcome}"
            column = self.sheet.header[index]
            self.notes.append(self.note(NoteKind.CONFLICT, "sex.columns", detail, column, rows=1))

    def _receipt(self, number: int, row: TableRow, index: int, code: Code) -> Receipt:
        where = self._where(number, index)
        return Receipt(
            source=self._file(row),
            column=self.sheet.header[where],
            raw=row.cells[index],
            rule=code.rule if where == index else code.rule + "+row.swapped",
            confidence=code.confidence if where == index else Confidence.MEDIUM,
        )

    def _where(self, number: int, index: int) -> int:
        """Return the column in which a row's cell really stands, where age and sex were swapped."""
        if number not in self._swapped:
            return index
        age, sex = self._ages[0].index, self._sexes[0].index
        return {age: sex, sex: age}.get(index, index)

    def _file(self, row: TableRow) -> str:
        return row.source or self._source.sheet.source


def _is_unnamed(cell: str) -> bool:
    """Whether a row's id names no participant; 999 may be an id though it is a missing age."""
    text = cell.strip()
    return (is_missing(cell) and not text.isdigit()) or text.startswith("#") or bool(_SUMMARY.fullmatch(text))


def _is_age(cell: str) -> bool:
    text = parse(cell)
    numeric = text.form in (Form.NUMBER, Form.COMMA, Form.DICOM, Form.WITH_UNIT, Form.RANGE, Form.CAPPED)
    return numeric and text.values[0] >= _NO_CODE
