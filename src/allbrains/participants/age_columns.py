"""Which columns are ages, by the words of their headers, else of their descriptions. Pure.

A header counts as an age only if every word beside the noun is known to leave the meaning alone (``at``,
``scan``, ``years``, ``ses-T1``). A word that changes it (``onset``, ``mother``, ``z``) makes the column
refused, with a note. So does an unknown word, unless the dictionary's description is
plainly an age ("Age at scan", "Rat age in months").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from allbrains.participants.dictionary import Definition, first_phrase
from allbrains.participants.vocabulary import ANIMAL_WORDS, HEADER, UNITS, fold, header_words


class Tier(IntEnum):
    """How near a column is to what is looked for; lower is better."""

    SCAN = 0  # age at the scan
    PLAIN = 1
    EXAM = 2  # age at another examination
    BINS = 3  # age groups: ranges and caps only


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeColumn:
    """An age column.

    Attributes:
        index: place in the table.
        header: as written.
        tier: how near to the age at the scan.
        session: label that the header names, empty where it names none.
        units: that the header states.
        described: the description says that it is an age, not the header.
    """

    index: int
    header: str
    tier: Tier
    session: str
    units: frozenset[str]
    described: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedColumn:
    """A column that looks like one and is not taken.

    Attributes:
        header: as written.
        reason: why not.
        foreign: a word of the header is known to make it another age.
    """

    header: str
    reason: str
    foreign: bool


_ORDINAL_WORDS = {"first": "1", "initial": "1", "earliest": "1", "second": "2", "third": "3", "fourth": "4"}
# Labels of a study's first session.
_ENTRY = frozenset(
    (
        "1",
        "01",
        "t1",
        "t0",
        "v0",
        "tp0",
        "tp1",
        "baseline",
        "bl",
        "pre",
        "v1",
        "w1",
        "wave1",
        "time1",
        "timepoint1",
        "visit1",
    )
)
_LEADING = frozenset(("ses", "sess", "session", "s", "sesh"))  # dropped from a label before what follows
_PARENTHESIS_UNIT = re.compile(r"[(\[]\s*([ymwd])\s*[)\]]|(?<![a-z])(?:in|_)_?(y)\s*\Z")
_LETTER_UNITS = {"y": "years", "m": "months", "w": "weeks", "d": "days"}
PEOPLE = frozenset(
    ("child", "children", "kid", "infant", "baby", "patient", "participant", "subject", "adult")
)


# What may stand in a header without making it another age.
_HARMLESS = frozenset().union(
    *(HEADER[name] for name in ("plain", "scan", "exam", "bins", "first")), PEOPLE, UNITS, ANIMAL_WORDS
)


def age_column(index: int, header: str) -> AgeColumn | RefusedColumn | None:
    """Return what a header says of an age; None where it is not about ages."""
    words = header_words(header)
    nouns = [word for word in words if word in HEADER["age"]]
    if not nouns or "group" in words[: words.index(nouns[0])]:
        return None
    rest = [word for word in words if word not in HEADER["age"]]
    letter = _PARENTHESIS_UNIT.search(fold(header))
    if letter:
        unit = letter[1] or letter[2]
        rest.remove(unit) if unit in rest else None
        rest.append(_LETTER_UNITS[unit])
    if decoys := [word for word in rest if word in HEADER["decoy"] and word not in HEADER["bins"]]:
        reason = f"{decoys[0]!r} in the header: another age than at the scan"
        return RefusedColumn(header=header, reason=reason, foreign=True)
    bins = any(word in HEADER["bins"] for word in rest)
    session, rest = ("", rest) if bins else _session(rest)
    # "day" alone is the day of the test
    units = frozenset(UNITS[word] for word in rest if word in UNITS and word != "day")
    unknown = [word for word in rest if word not in _HARMLESS and not (bins and word.isdigit())]
    if unknown:
        reason = f"{unknown[0]!r} in the header: unknown what it does to the age"
        return RefusedColumn(header=header, reason=reason, foreign=False)
    tier = Tier.BINS if bins else Tier.PLAIN
    if not bins and any(word in HEADER["scan"] for word in rest):
        tier = Tier.SCAN
    elif not bins and any(word in HEADER["exam"] for word in rest):
        tier = Tier.EXAM
    return AgeColumn(index=index, header=header, tier=tier, session=session, units=units)


def _session(rest: list[str]) -> tuple[str, list[str]]:
    """Return the session label in a header's words, and the words without it."""
    start = stop = 0
    for i, word in enumerate(rest):
        if word.isdigit() and i and rest[i - 1] in HEADER["session"]:
            start, stop = i - 1, i + 1
            while start and rest[start - 1] in HEADER["session"] and rest[start - 1] in _LEADING:
                start -= 1
            break
        if word.isdigit() and i + 1 < len(rest) and rest[i + 1] in HEADER["scan"] | _LEADING:
            start, stop = i, i + 1
            break
        if word in HEADER["session_word"] or word in _ORDINAL_WORDS:
            start, stop = i, i + 1 + (i + 1 < len(rest) and (rest[i + 1].isdigit() or rest[i + 1] == "up"))
            break
        if word == "session" and i + 1 < len(rest) and len(rest[i + 1]) == 1 and rest[i + 1].isalpha():
            start, stop = i, i + 2
            break
    label = rest[start:stop]
    left = rest[:start] + rest[stop:]
    while len(label) > 1 and label[0] in _LEADING:
        label = label[1:]
    if label and label[0] in HEADER["scan"]:
        left.append(label[0])  # "scan2" says both which session and that it is the scan's age
        label = label[1:]
    return "".join(_ORDINAL_WORDS.get(word, word) for word in label), left


def age_columns(
    header: Sequence[str], definitions: Sequence[Definition]
) -> tuple[list[AgeColumn], list[RefusedColumn]]:
    """Return the age columns, best first, and those that only look like it."""
    found, refused = [], []
    for index, name in enumerate(header):
        column = age_column(index, name)
        if isinstance(column, RefusedColumn) and not column.foreign:
            column = _described(index, name, definitions[index]) or column
        if isinstance(column, AgeColumn):
            found.append(column)
        elif column:
            refused.append(column)
    found = _numbered(header, found, refused)
    if not found:
        described = (_described(index, name, definitions[index]) for index, name in enumerate(header))
        found = [column for column in described if column]
        refused = [one for one in refused if one.header not in {column.header for column in found}]
    sessions = {column.session for column in found if column.session}
    if len(sessions) == 1 and next(iter(sessions)).lower() in _ENTRY:
        # one such column alone is the age at entry: what other files call "age"
        found = [replace(column, session="") for column in found]
    labels = {column.session: _as_written(column) for column in found}
    found = [replace(column, session=labels[column.session]) for column in found]
    return sorted(found, key=lambda column: (column.tier, not column.units, column.index)), refused


_OF_PARTICIPANTS = (
    PEOPLE
    | HEADER["scan"]
    | ANIMAL_WORDS
    | {"participants", "subjects", "patients", "person", "volunteer", "animal", "testing", "session"}
)


def _described(index: int, header: str, definition: Definition) -> AgeColumn | None:
    """Return the age column that a description names under any header; None where it names none."""
    words = frozenset(header_words(header))
    if words & (HEADER["decoy"] | HEADER["sex"] | HEADER["hand"] | HEADER["group"]):
        return None
    phrase = first_phrase(definition.text)
    column = age_column(index, phrase)
    # "age in months" under `walked_alone` is not said to be the participant's
    if not isinstance(column, AgeColumn) or not _OF_PARTICIPANTS.intersection(header_words(phrase)):
        return None
    return replace(column, header=header, session="", described=True)


def _as_written(column: AgeColumn) -> str:
    """Return a session label in the case and with the zeros that the header has."""
    if not column.session:
        return ""
    match = re.search(r"[\W_]*?0*".join(map(re.escape, column.session)), column.header, re.IGNORECASE)
    return re.sub(r"[\W_]", "", match[0]) if match else column.session


def numbered_sexes(header: Sequence[str]) -> list[int]:
    """Return the columns such as ``sex_1`` and ``sex_2``: the rows are pairs of people."""
    found = [i for i, name in enumerate(header) if re.fullmatch(r"(?:sex|gender)[ _]?[1-9]", fold(name))]
    return found if len(found) > 1 else []


def _numbered(header: Sequence[str], found: list[AgeColumn], refused: list[RefusedColumn]) -> list[AgeColumn]:
    """Take ``age_1``, ``age_2`` as sessions where both stand there; one alone may be a square."""
    bare = {}
    for index, name in enumerate(header):
        if match := re.fullmatch(r"age[ _]?(?:at[ _]?)?([1-9])", fold(name)):
            bare[index] = match[1]
    if len(bare) < 2 or numbered_sexes(header):
        return found
    for item in [item for item in refused if item.header in {header[i] for i in bare}]:
        refused.remove(item)
    plain = [column for column in found if column.index not in bare]
    return plain + [
        AgeColumn(index=index, header=header[index], tier=Tier.PLAIN, session=number, units=frozenset())
        for index, number in bare.items()
    ]
