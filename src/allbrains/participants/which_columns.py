"""Which columns hold what, by the words of their headers. Pure.

A header counts as an age (sex, handedness) column only if every word beside the noun is known to leave
the meaning alone (``at``, ``scan``, ``years``, ``ses-T1``). A word that changes it (``onset``, ``mother``,
``z``) or that nobody has thought of makes the column refused, with a note where it looked like one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from allbrains.participants.vocabulary import HEADER, UNITS, fold, header_key, header_words, plain_words


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
    """

    index: int
    header: str
    tier: Tier
    session: str
    units: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedColumn:
    """A column that looks like one and is not taken."""

    header: str
    reason: str


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
_SPECIES_KEYS = frozenset(("species", "organism", "participant_species", "animal_species", "species_name"))
_PEOPLE = frozenset(
    ("child", "children", "kid", "infant", "baby", "patient", "participant", "subject", "adult")
)


# What may stand in a header without making it another age.
_HARMLESS = frozenset().union(
    *(HEADER[name] for name in ("plain", "scan", "exam", "bins", "first")), _PEOPLE, UNITS
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
        return RefusedColumn(
            header=header, reason=f"{decoys[0]!r} in the header: another age than at the scan"
        )
    bins = any(word in HEADER["bins"] for word in rest)
    session, rest = ("", rest) if bins else _session(rest)
    # "day" alone is the day of the test
    units = frozenset(UNITS[word] for word in rest if word in UNITS and word != "day")
    unknown = [word for word in rest if word not in _HARMLESS and not (bins and word.isdigit())]
    if unknown:
        return RefusedColumn(
            header=header, reason=f"{unknown[0]!r} in the header: unknown what it does to the age"
        )
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


def age_columns(header: Sequence[str]) -> tuple[list[AgeColumn], list[RefusedColumn]]:
    """Return the age columns, best first, and those that only look like it."""
    found, refused = [], []
    for index, name in enumerate(header):
        column = age_column(index, name)
        if isinstance(column, AgeColumn):
            found.append(column)
        elif column:
            refused.append(column)
    found = _numbered(header, found, refused)
    sessions = {column.session for column in found if column.session}
    if len(sessions) == 1 and next(iter(sessions)).lower() in (
        "1",
        "t1",
        "baseline",
        "bl",
        "pre",
        "v1",
        "w1",
        "wave1",
        "time1",
        "visit1",
    ):
        # one such column alone is the age at entry: what other files call "age"
        found = [replace(column, session="") for column in found]
    labels = {column.session: _as_written(column) for column in found}
    found = [replace(column, session=labels[column.session]) for column in found]
    return sorted(found, key=lambda column: (column.tier, not column.units, column.index)), refused


def _as_written(column: AgeColumn) -> str:
    """Return a session label in the case and with the zeros that the header has."""
    if not column.session:
        return ""
    match = re.search(r"[\W_]*?0*".join(map(re.escape, column.session)), column.header, re.IGNORECASE)
    return re.sub(r"[\W_]", "", match[0]) if match else column.session


def _numbered_sexes(header: Sequence[str]) -> list[int]:
    """Return the columns such as ``sex_1`` and ``sex_2``: the rows are pairs of people."""
    found = [i for i, name in enumerate(header) if re.fullmatch(r"(?:sex|gender)[ _]?[1-9]", fold(name))]
    return found if len(found) > 1 else []


def _numbered(header: Sequence[str], found: list[AgeColumn], refused: list[RefusedColumn]) -> list[AgeColumn]:
    """Take ``age_1``, ``age_2`` as sessions where both stand there; one alone may be a square."""
    bare = {}
    for index, name in enumerate(header):
        if match := re.fullmatch(r"age[ _]?(?:at[ _]?)?([1-9])", fold(name)):
            bare[index] = match[1]
    if len(bare) < 2 or _numbered_sexes(header):
        return found
    for item in [item for item in refused if item.header in {header[i] for i in bare}]:
        refused.remove(item)
    plain = [column for column in found if column.index not in bare]
    return plain + [
        AgeColumn(index=index, header=header[index], tier=Tier.PLAIN, session=number, units=frozenset())
        for index, number in bare.items()
    ]


_SEX_PAIRS = frozenset(("m_f", "f_m", "mf", "fm", "male_female", "female_male", "m_or_f"))
_SEX_BESIDE = HEADER["beside_sex"]


def sex_columns(header: Sequence[str]) -> list[tuple[int, str]]:
    """Return index and kind (``sex`` or ``gender``) of the columns about sex, best first."""
    found = []
    pairs = _numbered_sexes(header)
    for index, name in enumerate(header):
        if index in pairs:
            continue
        words = header_words(name)
        kind = "sex" if HEADER["sex"].intersection(words) else "gender"
        if kind == "gender" and not HEADER["gender"].intersection(words):
            if header_key(name) not in _SEX_PAIRS:
                continue
            kind = "sex"
        rest = [w for w in words if w not in HEADER["sex"] | HEADER["gender"] and not w.isdigit()]
        if any(w in HEADER["decoy"] and w not in _SEX_BESIDE for w in rest):
            continue
        unknown = any(w not in _SEX_BESIDE | HEADER["plain"] | _PEOPLE | HEADER["scan"] for w in rest)
        found.append((unknown, kind == "gender", "identity" in rest, len(rest) > 0, index, kind))
    known = [entry for entry in found if not entry[0]] or (found if len(found) == 1 else [])
    return [(entry[-2], entry[-1]) for entry in sorted(known)]


_INDICATORS = {
    **dict.fromkeys(("female", "is_female", "sex_female", "female_sex"), "female"),
    **dict.fromkeys(("male", "is_male", "sex_male", "male_sex"), "male"),
}


def indicator_columns(header: Sequence[str]) -> list[tuple[int, str]]:
    """Return index and sex of columns that ask for one sex: ``female``, ``is_male``."""
    return [
        (i, _INDICATORS[header_key(name)]) for i, name in enumerate(header) if header_key(name) in _INDICATORS
    ]


_HAND_BESIDE = HEADER["beside_hand"]


def hand_columns(header: Sequence[str]) -> list[int]:
    """Return the columns about handedness, best first."""
    found = []
    for index, name in enumerate(header):
        words = header_words(name)
        if not HEADER["hand"].intersection(words):
            continue
        rest = [w for w in words if w not in HEADER["hand"] and not w.isdigit()]
        if all(w in _HAND_BESIDE | HEADER["plain"] | _PEOPLE for w in rest):
            found.append((len(rest), index))
    return [index for _, index in sorted(found)]


_GROUP_BESIDE = HEADER["beside_group"]
_GROUP_RANK = (
    "group",
    "diagnosis",
    "dx",
    "diagnoses",
    "diag",
    "diagnostic",
    "patient",
    "patients",
    "clinical",
    "cohort",
)


def group_columns(header: Sequence[str]) -> list[tuple[int, bool]]:
    """Return the columns that may tell patients from controls, best first, and whether their name says so."""
    found = []
    for index, name in enumerate(header):
        words = [word for word in header_words(name) if not word.isdigit()]
        nouns = HEADER["group"].intersection(words)
        if not nouns or HEADER["age"].intersection(words):
            continue
        if all(w in nouns or w in _GROUP_BESIDE | HEADER["plain"] for w in words):
            rank = min(_GROUP_RANK.index(w) if w in _GROUP_RANK else len(_GROUP_RANK) for w in nouns)
            found.append((len(words) > 1, rank, index))
    return [(index, rank < len(_GROUP_RANK)) for _, rank, index in sorted(found)]


def species_columns(header: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return the columns of species, and those of breed or strain."""
    keys = [header_key(name) for name in header]
    species = [i for i, key in enumerate(keys) if key in _SPECIES_KEYS]
    breeds = [
        i
        for i, name in enumerate(header)
        if {"breed", "strain"}.intersection(plain_words(name.replace("_", " ")))
    ]
    return species, breeds


def participant_column(header: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Return the column of the ids: by its name, and by holding ``sub-`` where another does not."""
    named = [i for i, name in enumerate(header) if header_key(name) in HEADER["participant"]]
    named.sort(key=lambda i: (header_key(header[i]) not in ("participant_id", "participantid"), i))
    sample = rows[:50]

    def prefixed(index: int) -> bool:
        hits = sum(row[index].strip().lower().startswith("sub-") for row in sample)
        return bool(sample) and hits * 2 > len(sample)

    for candidates in (named, range(len(header))):
        if found := [i for i in candidates if prefixed(i)]:
            return found[0]
    return named[0] if named else 0


def visit_column(header: Sequence[str]) -> int | None:
    """Return the column that names each row's session, if there is one."""
    keys = [header_key(name) for name in header]
    found = [i for i, key in enumerate(keys) if key in HEADER["visit"]]
    return min(found, key=lambda i: (keys[i] != "session_id", i), default=None)
