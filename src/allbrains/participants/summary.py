"""What was made of one dataset's participants, in a few numbers. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from allbrains.participants.participant import Harmonised, Note, NoteKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantsSummary:
    """Numbers of one dataset.

    Attributes:
        dataset: accession or folder name.
        rows: one a participant, or one a participant and session.
        participants: different participants.
        with_age: rows with an age.
        with_age_range: rows with only a range, or one end of it.
        with_sex: rows with a sex.
        with_handedness: rows with a handedness.
        with_group: rows with a group.
        rules: how many values each rule decided, by rule.
        refused: what stands in the files and was not taken, and why.
        conflicts: where two sources or columns disagree.
        unreadable: files that could not be read.
    """

    dataset: str
    rows: int
    participants: int
    with_age: int
    with_age_range: int
    with_sex: int
    with_handedness: int
    with_group: int
    rules: Mapping[str, int]
    refused: tuple[Note, ...]
    conflicts: tuple[Note, ...]
    unreadable: tuple[Note, ...]


def summarise(dataset: str, harmonised: Harmonised) -> ParticipantsSummary:
    """Return the numbers of one dataset."""
    rows = harmonised.rows
    rules: Counter[str] = Counter()
    for row in rows:
        # the age fields share one receipt
        names = {"age" if name.startswith("age_") else name: name for name in row.receipts}
        rules.update(row.receipts[name].rule for name in names.values())

    def notes(kind: NoteKind) -> tuple[Note, ...]:
        return tuple(note for note in harmonised.notes if note.kind is kind)

    return ParticipantsSummary(
        dataset=dataset,
        rows=len(rows),
        participants=len({row.participant_id for row in rows}),
        with_age=sum(row.age_years is not None for row in rows),
        with_age_range=sum(row.has_age and row.age_years is None for row in rows),
        with_sex=sum(row.sex is not None for row in rows),
        with_handedness=sum(row.handedness is not None for row in rows),
        with_group=sum(row.group is not None for row in rows),
        rules=dict(sorted(rules.items())),
        refused=notes(NoteKind.REFUSED),
        conflicts=notes(NoteKind.CONFLICT),
        unreadable=notes(NoteKind.UNREADABLE),
    )
