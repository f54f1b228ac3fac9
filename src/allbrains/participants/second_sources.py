"""Second sources: what a table or a scan's sidecar adds to rows, and where it contradicts them. Pure.

A gap is filled; a session that the rows lack becomes a row; a contradiction is noted and the first source
stays. Nothing is averaged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from allbrains.participants.ages import PER_YEAR, Form, parse
from allbrains.participants.joining import (
    session_key,
    subject_key,
    taking,
    with_age_of,
    with_words_of_group,
    without_age,
)
from allbrains.participants.participant import PERSON_FIELDS, Confidence, Note, NoteKind, Participant, Receipt
from allbrains.participants.sex_and_hand import sex_of_words

# DICOM's age is cut to whole years, a table's may be rounded: further apart, one of them is wrong.
_SAME_AGE_YEARS = 1.5


def merge(
    first: Sequence[Participant], second: Iterable[Participant]
) -> tuple[list[Participant], list[Note]]:
    """Return the first rows with what the second ones add, and the contradictions.

    Args:
        first: rows of the source that counts more.
        second: rows of another source of the same dataset.
    """
    rows: defaultdict[str, list[Participant]] = defaultdict(list)
    for row in first:
        rows[subject_key(row.participant_id)].append(row)
    notes: list[Note] = []
    for row in second:
        label = subject_key(row.participant_id)
        rows[label] = _merged(rows[label], row, notes)
    return [row for group in rows.values() for row in group], notes


def _merged(rows: list[Participant], other: Participant, notes: list[Note]) -> list[Participant]:
    if not rows:
        return [other]
    wanted = session_key(other.session_id)
    own = [row for row in rows if not other.session_id or session_key(row.session_id) == wanted]
    if own:
        return [_filled(row, other, notes) if row in own else row for row in rows]
    if not other.has_age:
        return [_filled(row, other, notes) for row in rows]
    general = next((row for row in rows if not row.session_id), rows[0])
    new = _filled(replace(without_age(general), session_id=other.session_id), other, notes)
    # a row without session and age says nothing that the sessions' rows don't say
    return [row for row in rows if row.session_id or row.has_age] + [new]


def _filled(row: Participant, other: Participant, notes: list[Note]) -> Participant:
    if not row.has_age and other.has_age:
        row = with_age_of(row, other)
    elif _ages_disagree(row, other):
        notes.append(_conflict(row, other, "age_years"))
    for name in PERSON_FIELDS:
        value = getattr(other, name)
        if value is None:
            continue
        if getattr(row, name) is None:
            row = taking(row, other, name)
        elif getattr(row, name) != value:
            notes.append(_conflict(row, other, name))
    return with_words_of_group(row, other)


def _ages_disagree(row: Participant, other: Participant) -> bool:
    low, high = _span(row)
    other_low, other_high = _span(other)
    return (
        row.has_age
        and other.has_age
        and not (other_low <= high + _SAME_AGE_YEARS and low <= other_high + _SAME_AGE_YEARS)
    )


def _span(row: Participant) -> tuple[float, float]:
    """Return between which years the age lies."""
    if row.age_years is not None:
        return row.age_years, float("inf") if row.age_capped else row.age_years
    low = 0.0 if row.age_low is None else row.age_low
    return low, float("inf") if row.age_high is None else row.age_high


def _conflict(row: Participant, other: Participant, field: str) -> Note:
    mine = next((row.receipts[n] for n in (field, "age_low", "age_high") if n in row.receipts), None)
    theirs = next((other.receipts[n] for n in (field, "age_low", "age_high") if n in other.receipts), None)
    said = [f"{r.source} says {r.raw!r}" for r in (mine, theirs) if r]
    return Note(
        kind=NoteKind.CONFLICT,
        source=theirs.source if theirs else "",
        column=theirs.column if theirs else "",
        rule=f"{field}.sources",
        detail=f"{row.participant_id}: {', '.join(said)}; the first was taken",
        rows=1,
    )


def of_sidecar(
    dataset: str, subject: str, session: str, path: str, values: Mapping[str, object]
) -> Participant:
    """Return what a scan's sidecar says of its participant: ``PatientAge`` and ``PatientSex``.

    The age counts only with its unit (``026Y``, ``008M``); a date of birth never becomes an age.

    Args:
        dataset: accession or folder name.
        subject: label, with or without ``sub-``.
        session: label, with or without ``ses-``; empty where there is none.
        path: of the sidecar inside the dataset.
        values: its content.
    """
    row = Participant(
        dataset=dataset,
        participant_id="sub-" + subject_key(subject),
        session_id="ses-" + session.removeprefix("ses-") if session else "",
    )
    raw_age, raw_sex = values.get("PatientAge"), values.get("PatientSex")
    if isinstance(raw_age, str) and (text := parse(raw_age)).form in (Form.DICOM, Form.WITH_UNIT):
        years = text.values[0] / PER_YEAR[text.unit]
        # 000Y and 999Y are what de-identification leaves
        if 0 < years <= 120:
            receipt = _sidecar_receipt(path, "PatientAge", raw_age, f"age.{text.form}", text.unit)
            row = replace(
                row, age_years=years, age_capped=False, receipts={"age_years": receipt, "age_capped": receipt}
            )
    if isinstance(raw_sex, str) and (sex := sex_of_words(raw_sex)):
        receipt = _sidecar_receipt(path, "PatientSex", raw_sex, "sex.dicom", "")
        row = replace(row, sex=sex, receipts={**row.receipts, "sex": receipt})
    return row


def _sidecar_receipt(path: str, key: str, raw: str, rule: str, unit: str) -> Receipt:
    return Receipt(
        source=path, column=key, raw=raw, unit_declared=unit, rule=rule, confidence=Confidence.MEDIUM
    )
