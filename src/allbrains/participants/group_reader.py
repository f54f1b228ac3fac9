"""The group and diagnosis of each row of a table, from all its columns about them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from allbrains.participants.diagnosis_terms import is_listed, named
from allbrains.participants.dictionary import Dictionary
from allbrains.participants.group_words import CONTROL, PATIENT
from allbrains.participants.groups import (
    GroupCode,
    GroupSeries,
    groups_of_ids,
    icd10_codes,
    read_groups,
    yes_or_no,
)
from allbrains.participants.participant import Confidence, Note, NoteKind, Receipt
from allbrains.participants.table_cells import Sheet
from allbrains.participants.which_columns import GroupColumn, TableLayout

Found = tuple[dict[str, str], dict[str, Receipt]]
# Of so many rows a diagnosis must be affirmed before its yes and no are the arms of a study.
_LEAST_YES = 0.1
_ASKED = GroupCode(value=CONTROL, rule="group.asked", confidence=Confidence.MEDIUM)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """A column of the table with the meaning of its cells."""

    index: int
    codes: Mapping[str, GroupCode]
    words: Mapping[str, str]


def _tells_groups(series: GroupSeries) -> bool:
    """Whether a column of conditions or types tells groups: both of them, or nothing but known diagnoses."""
    values = {code.value for code in series.codes.values()}
    listed = all(code.rule == "group.levels" and is_listed(code.diagnosis) for code in series.codes.values())
    return {CONTROL, PATIENT} <= values or (bool(values) and listed)


class GroupReader:
    """Tells the group, the dataset's own word for it, and the diagnosis of each row of a table."""

    def __init__(self, sheet: Sheet, layout: TableLayout, dictionary: Dictionary) -> None:
        self._sheet = sheet
        self.notes: list[Note] = []
        self._flags = [
            (flag, answers)
            for flag in layout.flags
            if (answers := yes_or_no(sheet.column(flag.index), dictionary.of(sheet.header[flag.index])))
        ]
        asked = {flag.index for flag, _ in self._flags}
        columns = [column for column in layout.groups if column.index not in asked]
        self._columns = [found for column in columns if (found := self._column(column, dictionary))]
        # a table of healthy people asks for illnesses too: a yes now and then makes no arm of a study
        rows = [self._answers(row.cells) for row in sheet.rows] if self._flags else []
        if sum(any(answers) for answers in rows) < _LEAST_YES * len(rows):
            self._flags = []
        if not any(column.codes for column in self._columns) and not self._flags:
            codes = groups_of_ids(sheet.column(layout.participant))
            if codes:
                self._columns.append(_Column(index=layout.participant, codes=codes, words={}))

    def _column(self, column: GroupColumn, dictionary: Dictionary) -> _Column | None:
        cells = self._sheet.column(column.index)
        header = self._sheet.header[column.index]
        if column.icd10:
            return _Column(index=column.index, codes=icd10_codes(cells), words={})
        series = read_groups(
            cells,
            dictionary.of(header),
            of_diagnoses=column.of_diagnoses,
            of_findings=column.of_findings,
        )
        if not column.sure and not _tells_groups(series):
            return None
        if series.refused:
            self._note("group.pair", series.refused, header, len(cells))
        elif series.unread:
            example = min(series.unread, key=lambda cell: (-series.unread[cell], cell))
            detail = f"neither patient nor control can be concluded; for example {example[:60]!r}"
            self._note("group.unread", detail, header, series.unread.total())
        return _Column(index=column.index, codes=series.codes, words=series.words)

    def _note(self, rule: str, detail: str, column: str, rows: int) -> None:
        note = Note(
            kind=NoteKind.REFUSED,
            source=self._sheet.source,
            column=column,
            rule=rule,
            detail=detail,
            rows=rows,
        )
        self.notes.append(note)

    def read(self, cells: Sequence[str], source: str, participant: str) -> Found:
        """Return the values of a row by field, and their receipts."""
        values, receipts = self._own_word(cells, source)
        found = [(c.index, code) for c in self._columns if (code := c.codes.get(cells[c.index]))]
        if len({code.value for _, code in found}) > 1:
            detail = f"{participant}: columns of group disagree; none was taken"
            header = self._sheet.header[found[0][0]]
            self.notes.append(
                Note(
                    kind=NoteKind.CONFLICT,
                    source=self._sheet.source,
                    column=header,
                    rule="group.columns",
                    detail=detail,
                    rows=1,
                )
            )
            return values, receipts
        if not found and not any(column.codes for column in self._columns):
            found = self._flagged(cells)
        told = [("group", index, code, code.value) for index, code in found[:1]]
        # what the list knows goes before the dataset's own words
        sick = sorted((pair for pair in found if pair[1].diagnosis), key=lambda pair: not pair[1].code)
        for index, code in sick[:1]:
            told.append(("diagnosis", index, code, code.diagnosis))
            told.extend([("diagnosis_code", index, code, code.code)] if code.code else [])
        for field, index, code, value in told:
            values[field] = value
            receipts[field] = Receipt(
                source=source,
                column=self._sheet.header[index],
                raw=cells[index],
                rule=code.rule,
                confidence=code.confidence,
            )
        return values, receipts

    def _own_word(self, cells: Sequence[str], source: str) -> Found:
        for column in self._columns:
            cell = cells[column.index]
            if word := column.words.get(cell):
                receipt = Receipt(
                    source=source,
                    column=self._sheet.header[column.index],
                    raw=cell,
                    rule="group.own_word",
                    confidence=Confidence.HIGH,
                )
                return {"group_word": word}, {"group_word": receipt}
        return {}, {}

    def _answers(self, cells: Sequence[str]) -> list[bool | None]:
        return [known.get(cells[flag.index]) for flag, known in self._flags]

    def _flagged(self, cells: Sequence[str]) -> list[tuple[int, GroupCode]]:
        """Return what columns that ask for one diagnosis each say: any yes is a patient, all no a control."""
        answers = self._answers(cells)
        yes = [flag for (flag, _), answer in zip(self._flags, answers, strict=True) if answer]
        if yes:
            diagnosis, code = named(flag.diagnosis for flag in yes if flag.diagnosis)
            found = replace(_ASKED, value=PATIENT, diagnosis=diagnosis, code=code)
            return [(yes[0].index, found)]
        if answers and all(answer is False for answer in answers):
            return [(self._flags[0][0].index, _ASKED)]
        return []
