"""From scans to participants: by dataset, subject and session. Pure.

The row of the scan's own session wins; its gaps are filled from the participant's other rows, except
for the age, which belongs to its session. Where only ages of other sessions are known, the scan has none.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from allbrains.participants.folder_ids import loose_key
from allbrains.participants.participant import AGE_FIELDS, OF_GROUP, PERSON_FIELDS, Participant

ScanKey = tuple[str, str, str]  # dataset, subject label, session label (empty where there is none)

# Words that mean "the n-th visit"; a label is one of them and a number, or a number alone.
_ORDINAL = re.compile(r"(?:ses|session|s|wave|w|visit|v|time|timepoint|tp|t|scan|mri|mr|year|y)?0*(\d+)\Z")
_SUB = re.compile(r"\A\s*sub[-_]", re.IGNORECASE)
_SYNONYMS = {"bl": "baseline", "fu": "followup", "pretest": "pre", "posttest": "post"}


def subject_key(text: str) -> str:
    """Return a subject's label without ``sub-``; case and zeros are kept."""
    return _SUB.sub("", text).strip()


def session_key(text: str) -> str:
    """Return a session's label such that ``ses-01``, ``1``, ``W1`` and ``wave1`` are the same."""
    label = re.sub(r"[^a-z0-9]", "", re.sub(r"\A\s*ses[-_]", "", text.lower()))
    ordinal = _ORDINAL.match(label)
    return ordinal[1] if ordinal else _SYNONYMS.get(label, label)


class Roster:
    """The participants of any number of datasets, ready to be asked for."""

    def __init__(self, rows: Iterable[Participant]) -> None:
        self._exact: defaultdict[tuple[str, str], list[Participant]] = defaultdict(list)
        self._loose: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for row in rows:
            label = subject_key(row.participant_id)
            self._exact[row.dataset, label].append(row)
            self._loose[row.dataset, loose_key(label)].add(label)

    def find(self, dataset: str, subject: str, session: str = "") -> Participant | None:
        """Return what is known of a scan's participant at its session; None where there is no row.

        Args:
            dataset: as in the rows.
            subject: label with or without ``sub-``; a label that differs only in leading zeros or in
                case is taken where exactly one participant has it.
            session: label with or without ``ses-``; empty where the scan's path has none.
        """
        label = subject_key(subject)
        rows = self._exact.get((dataset, label))
        if rows is None:
            labels = self._loose.get((dataset, loose_key(label)), set())
            if len(labels) != 1:
                return None
            rows = self._exact[dataset, next(iter(labels))]
        return _best(rows, session)


def join(rows: Iterable[Participant], scans: Iterable[ScanKey]) -> list[Participant | None]:
    """Return for each scan, in order, what is known of its participant at its session."""
    roster = Roster(rows)
    return [roster.find(*scan) for scan in scans]


def _best(rows: Sequence[Participant], session: str) -> Participant:
    wanted = session_key(session) if session else ""
    own = [row for row in rows if row.session_id and session_key(row.session_id) == wanted]
    general = [row for row in rows if not row.session_id]
    # A scan without a session can only mean a session row if all of them agree.
    candidates = own + general if session else general + [row for row in rows if row.session_id]
    best = candidates[0] if candidates else without_age(rows[0])
    if len({_age(row) for row in own or candidates if row.has_age}) > 1:
        best = without_age(best)
    elif not best.has_age:
        best = next((with_age_of(best, row) for row in candidates if row.has_age), best)
    return _filled(best, rows)


def _age(row: Participant) -> tuple[float | None, float | None, float | None]:
    return row.age_years, row.age_low, row.age_high


def without_age(row: Participant) -> Participant:
    """Return the row without its age and the age's receipts."""
    receipts = {name: receipt for name, receipt in row.receipts.items() if name not in AGE_FIELDS}
    return replace(row, age_years=None, age_low=None, age_high=None, age_capped=None, receipts=receipts)


def with_age_of(row: Participant, other: Participant) -> Participant:
    """Return the row with the other row's age and the age's receipts."""
    bare = without_age(row)
    receipts = {name: receipt for name, receipt in other.receipts.items() if name in AGE_FIELDS}
    ages = {name: getattr(other, name) for name in AGE_FIELDS}
    return replace(bare, **ages, receipts={**receipts, **bare.receipts})


def _filled(best: Participant, rows: Sequence[Participant]) -> Participant:
    """Take what does not change between sessions from the other rows, where they agree."""
    for name in PERSON_FIELDS:
        values = {getattr(row, name) for row in rows} - {None}
        if getattr(best, name) is None and len(values) == 1:
            best = taking(best, next(row for row in rows if getattr(row, name) is not None), name)
    for row in rows:
        best = with_words_of_group(best, row)
    return best


def taking(row: Participant, donor: Participant, name: str) -> Participant:
    """Return the row with another row's value of a field, and its receipt."""
    receipts = {**row.receipts, **{k: v for k, v in donor.receipts.items() if k == name}}
    return replace(row, receipts=receipts, **{name: getattr(donor, name)})


def with_words_of_group(row: Participant, donor: Participant) -> Participant:
    """Return the row with the word and the diagnosis that another row of the same group has and it lacks."""
    if donor.group != row.group:
        return row
    for name in OF_GROUP:
        # a code belongs to its diagnosis
        same = name != "diagnosis_code" or donor.diagnosis == row.diagnosis
        if same and getattr(row, name) is None and getattr(donor, name) is not None:
            row = taking(row, donor, name)
    return row
