"""Participants, the receipt of each of their values, and their table. Frozen nouns. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pyarrow as pa

SCHEMA_VERSION = "2"


class Confidence(StrEnum):
    """How far a value can be trusted, given that its file is honest."""

    HIGH = "high"  # the file says it: a word, a declared unit, a dictionary
    MEDIUM = "medium"  # the convention says it: an undeclared unit that fits every value of the column
    LOW = "low"  # two statements disagree and one of them is impossible


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Where one harmonised value comes from.

    Attributes:
        source: path of the file inside the dataset.
        column: header as written.
        raw: text of the cell as written, without its quotes.
        unit_declared: unit that the dictionary or the header states; empty where none does.
        unit_inferred: unit that was used, where it differs from the declared one; empty elsewhere.
        rule: name of the rule that decided (docs/concepts/participants.md explains each).
        confidence: of this value.
        value: only where a value beside the harmonised one is kept, such as ``gender`` beside ``sex``.
    """

    source: str
    column: str
    raw: str
    unit_declared: str = ""
    unit_inferred: str = ""
    rule: str
    confidence: Confidence
    value: str = ""

    def as_dict(self) -> dict[str, str]:
        """Return the receipt as plain texts; ``value`` only where it is kept."""
        texts = {
            "source": self.source,
            "column": self.column,
            "raw": self.raw,
            "unit_declared": self.unit_declared,
            "unit_inferred": self.unit_inferred,
            "rule": self.rule,
            "confidence": str(self.confidence),
        }
        return texts | ({"value": self.value} if self.value else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """One participant, at one session where the source tells sessions apart.

    Attributes:
        dataset: accession or folder name.
        participant_id: ``sub-<label>``; labels are text, so ``sub-01`` keeps its zero.
        session_id: ``ses-<label>``, empty where the row holds for every session.
        age_years: age; at the cap where ``age_capped``; None where only a range is known.
        age_low: lower end of an age range as written, years.
        age_high: upper end of an age range as written, years.
        age_capped: the age is at least ``age_years`` (``89+``); None where no age is known.
        sex: ``female``, ``male`` or ``other``.
        handedness: ``right``, ``left`` or ``ambidextrous``.
        group: ``control``, ``patient``, ``at risk`` or ``other``; None where it is not known.
        group_word: the dataset's own word for the group, also where its meaning is not known.
        diagnosis: what a patient has: names of the list, else the dataset's own words; joined by ``; ``.
        diagnosis_code: SNOMED CT identifiers of these, as far as the list has them (``snomed:49049000``).
        species: binomial name in lower case, or the file's own word.
        receipts: by field name, one for each field above that has a value (the age fields share theirs);
            and ``gender`` where the file tells it beside ``sex``.
    """

    dataset: str
    participant_id: str
    session_id: str = ""
    age_years: float | None = None
    age_low: float | None = None
    age_high: float | None = None
    age_capped: bool | None = None
    sex: str | None = None
    handedness: str | None = None
    group: str | None = None
    group_word: str | None = None
    diagnosis: str | None = None
    diagnosis_code: str | None = None
    species: str | None = None
    receipts: Mapping[str, Receipt] = field(default_factory=dict)

    @property
    def has_age(self) -> bool:
        """Whether an age or one end of a range is known."""
        return not (self.age_years is None and self.age_low is None and self.age_high is None)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields of the JSON line: None where nothing is known, ``receipts`` last."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in FIELDS}
        plain["session_id"] = self.session_id or None
        plain["receipts"] = {name: receipt.as_dict() for name, receipt in self.receipts.items()}
        return plain


def midpoint(row: Participant) -> float | None:
    """Return the age, or the middle of the age range. None where neither is known."""
    if row.age_years is not None or row.age_low is None or row.age_high is None:
        return row.age_years
    return (row.age_low + row.age_high) / 2


class NoteKind(StrEnum):
    """What a note is about."""

    UNREADABLE = "unreadable"  # a file could not be read: exit code 3
    REPAIRED = "repaired"  # a file was read in spite of its form
    REFUSED = "refused"  # a value or column stands there and was not taken
    CONFLICT = "conflict"  # two sources or columns disagree
    DUPLICATE = "duplicate"  # several rows for one participant and session
    ABSENT = "absent"  # the dataset has no such file
    UNJOINED = "unjoined"  # participants that met no subject folder, or folders that met no participant


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A remark on a file, for people.

    Attributes:
        kind: what it is about.
        source: path of the file inside the dataset.
        column: header as written, empty where the whole file is meant.
        rule: name of the rule that noted it.
        detail: one sentence, with an example in the file's own text.
        rows: how many rows it touches.
    """

    kind: NoteKind
    source: str
    column: str = ""
    rule: str
    detail: str
    rows: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Harmonised:
    """What the files of one dataset say of its participants."""

    rows: tuple[Participant, ...]
    notes: tuple[Note, ...]


# What is told of a person rather than of a session.
PERSON_FIELDS = ("sex", "handedness", "group", "species")
# What goes with a group and is worth nothing without it.
OF_GROUP = ("group_word", "diagnosis", "diagnosis_code")
AGE_FIELDS = ("age_years", "age_low", "age_high", "age_capped")
_TEXT, _YEARS = pa.string(), pa.float64()
_RECEIPT = pa.struct(
    [(name, _TEXT) for name in ("field", "source", "column", "raw", "unit_declared", "unit_inferred")]
    + [("rule", _TEXT), ("confidence", _TEXT), ("value", _TEXT)]
)
_COLUMNS: dict[str, tuple[pa.DataType, str]] = {
    "dataset": (_TEXT, "Accession or folder name"),
    "participant_id": (_TEXT, "sub-<label>"),
    "session_id": (_TEXT, "ses-<label>, empty where the row holds for every session"),
    "age_years": (_YEARS, "Age in years; the cap where age_capped; null where only a range is known"),
    "age_low": (_YEARS, "Lower end of an age range as written, years"),
    "age_high": (_YEARS, "Upper end of an age range as written, years"),
    "age_capped": (pa.bool_(), "True: at least age_years, as in 89+; null where no age is known"),
    "sex": (_TEXT, "female, male or other"),
    "handedness": (_TEXT, "right, left or ambidextrous"),
    "group": (_TEXT, "control, patient, at risk or other; null where not known"),
    "group_word": (_TEXT, "The dataset's own word for the group, also where its meaning is not known"),
    "diagnosis": (
        _TEXT,
        "What a patient has: names of a curated list, else the dataset's own words; joined by ; ",
    ),
    "diagnosis_code": (_TEXT, "SNOMED CT identifiers of these, as far as known, such as snomed:49049000"),
    "species": (_TEXT, "Binomial name in lower case, or the file's own word"),
    "receipts": (pa.list_(_RECEIPT), "Where each value comes from and which rule decided it"),
}
FIELDS = tuple(name for name in _COLUMNS if name != "receipts")

PARTICIPANTS = pa.schema(
    [pa.field(name, kind, metadata={"description": text}) for name, (kind, text) in _COLUMNS.items()],
    metadata={"allbrains.table": "participants", "allbrains.schema": SCHEMA_VERSION},
)


def table(rows: Iterable[Participant]) -> pa.Table:
    """Return one row for each participant and session, with the columns of ``PARTICIPANTS``."""
    plain = [
        {name: getattr(row, name) for name in FIELDS}
        | {
            "receipts": [
                {"field": name, "value": ""} | receipt.as_dict() for name, receipt in row.receipts.items()
            ]
        }
        for row in rows
    ]
    return pa.Table.from_pylist(plain, schema=PARTICIPANTS)
