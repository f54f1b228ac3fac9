"""Which column of a table holds what: one layout for each table, made once. Pure.

A column is taken by the words of its header; where no header tells, by its description ("Gender" under
``jsex``) or by what its levels mean. A word beside the noun that changes the meaning (``mother``,
``stimulus``) takes the column out of question.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from allbrains.participants.age_columns import PEOPLE, AgeColumn, RefusedColumn, age_columns, numbered_sexes
from allbrains.participants.diagnosis_terms import Diagnosis, abbreviated, diagnoses_in
from allbrains.participants.dictionary import Definition, Dictionary, codes_of_levels, first_phrase
from allbrains.participants.group_words import CONTROL, PATIENT, read_words
from allbrains.participants.sex_and_hand import sex_of_level
from allbrains.participants.table_cells import Sheet
from allbrains.participants.vocabulary import (
    ANIMAL_WORDS,
    HEADER,
    SPECIES,
    fold,
    header_key,
    header_words,
    is_missing,
    plain_words,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SexColumn:
    """A column about sex.

    Attributes:
        index: place in the table.
        kind: ``sex`` or ``gender``.
        asks: the sex that the header asks for (``gender_F``: female); empty where it asks for none.
    """

    index: int
    kind: str
    asks: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupColumn:
    """A column of groups or diagnoses.

    Attributes:
        index: place in the table.
        sure: its name says that it tells patients from controls; else it must hold both of them.
        of_diagnoses: its name or description speaks of diagnoses.
        of_findings: of pathology, so that "normal" says that nothing was found, not who is healthy.
        icd10: it holds ICD-10 codes.
    """

    index: int
    sure: bool
    of_diagnoses: bool = False
    of_findings: bool = False
    icd10: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagColumn:
    """A column that asks for a diagnosis, to be answered by yes and no.

    Attributes:
        index: place in the table.
        diagnosis: that it asks for; None where it asks for patients.
    """

    index: int
    diagnosis: Diagnosis | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLayout:
    """Which column of a table holds what; indices count from 0, the best first.

    Attributes:
        participant: of the ids.
        visit: of the sessions' labels; None where there is none.
        ages: of ages.
        refused_ages: columns that only look like ages.
        sexes: of sex and gender.
        hands: of handedness.
        groups: of groups and diagnoses.
        flags: that ask for one diagnosis.
        species: that name the species.
        breeds: that name breed or strain.
        animal: species that a header of an age or a sex names (``rat_age``); empty where none does.
    """

    participant: int
    visit: int | None
    ages: tuple[AgeColumn, ...]
    refused_ages: tuple[RefusedColumn, ...]
    sexes: tuple[SexColumn, ...]
    hands: tuple[int, ...]
    groups: tuple[GroupColumn, ...]
    flags: tuple[FlagColumn, ...]
    species: tuple[int, ...]
    breeds: tuple[int, ...]
    animal: str

    @property
    def tells_people(self) -> bool:
        """Whether the table holds an age or a sex."""
        return bool(self.ages or self.sexes)


def layout(sheet: Sheet, dictionary: Dictionary) -> TableLayout:
    """Return which column of a table holds what."""
    header = sheet.header
    definitions = [dictionary.of(name) for name in header]
    ages, refused = age_columns(header, definitions)
    sexes = _sex_columns(header, definitions)
    species, breeds = _species_columns(header)
    own = [header[column.index] for column in ages] + [header[column.index] for column in sexes]
    animals = {SPECIES[word] for name in own for word in header_words(name) if word in ANIMAL_WORDS}
    return TableLayout(
        participant=_participant_column(header, [row.cells for row in sheet.rows]),
        visit=_visit_column(header),
        ages=tuple(ages),
        refused_ages=tuple(refused),
        sexes=tuple(sexes),
        hands=tuple(_hand_columns(header)),
        groups=tuple(_group_columns(header, definitions)),
        flags=tuple(_flag_columns(header, definitions)),
        species=tuple(species),
        breeds=tuple(breeds),
        animal=animals.pop() if len(animals) == 1 else "",
    )


_SEX_PAIRS = frozenset(("m_f", "f_m", "mf", "fm", "male_female", "female_male", "m_or_f"))
_SEX_BESIDE = HEADER["beside_sex"] | ANIMAL_WORDS
_SEX_NOUNS = HEADER["sex"] | HEADER["gender"]
_ASKED = {
    frozenset((word,)): value
    for value, words in (("female", ("f", "female", "woman", "girl")), ("male", ("m", "male", "man", "boy")))
    for word in words
}


def _sex_columns(header: Sequence[str], definitions: Sequence[Definition]) -> list[SexColumn]:
    """Return the columns about sex, best first; by the description or the levels where no header tells."""
    pairs = numbered_sexes(header)
    named = [_by_name(i, name) for i, name in enumerate(header) if i not in pairs]
    found = [entry for entry in named if entry]
    known = [entry for entry in found if not entry[0]] or (found if len(found) == 1 else [])
    columns = [SexColumn(index=e[-2], kind=e[-1], asks=_asks(header[e[-2]])) for e in sorted(known)]
    for index, name in enumerate(header):
        words = frozenset(header_words(name)) - {"is"}
        if words in _ASKED and not _SEX_NOUNS & words:
            columns.append(SexColumn(index=index, kind="sex", asks=_ASKED[words]))
    if columns or pairs:
        return columns
    return [
        SexColumn(index=index, kind="gender" if "gender" in fold(definition.text) else "sex")
        for index, (name, definition) in enumerate(zip(header, definitions, strict=True))
        if not HEADER["decoy"].intersection(header_words(name)) and _is_of_sexes(definition)
    ]


def _by_name(index: int, name: str) -> tuple[bool, bool, bool, bool, int, str] | None:
    """Return how near a name is to that of a column of sexes, nearest first; None where it is none."""
    words = header_words(name)
    kind = "sex" if HEADER["sex"].intersection(words) else "gender"
    if kind == "gender" and not HEADER["gender"].intersection(words):
        if header_key(name) not in _SEX_PAIRS:
            return None
        kind = "sex"
    rest = [w for w in words if w not in _SEX_NOUNS and not w.isdigit()]
    if any(w in HEADER["decoy"] and w not in _SEX_BESIDE for w in rest):
        return None
    unknown = any(w not in _SEX_BESIDE | HEADER["plain"] | PEOPLE | HEADER["scan"] for w in rest)
    return unknown, kind == "gender", "identity" in rest, len(rest) > 0, index, kind


def _asks(name: str) -> str:
    """Return the one sex that a header such as ``gender_F`` or ``sex_male`` asks for."""
    return _ASKED.get(frozenset(header_words(name)) - _SEX_NOUNS - {"is"}, "")


def _is_of_sexes(definition: Definition) -> bool:
    """Whether a description or the levels say that a column holds sexes, whatever its header."""
    phrase = _by_name(0, first_phrase(definition.text))
    if phrase and not phrase[0]:
        return True
    values = codes_of_levels(definition.levels, sex_of_level)
    told = [text for text in definition.levels.values() if not is_missing(text)]
    relations = HEADER["decoy"].intersection(plain_words(definition.text))
    return {"female", "male"} <= set(values.values()) and len(values) >= len(told) and not relations


_HAND_BESIDE = HEADER["beside_hand"]


def _hand_columns(header: Sequence[str]) -> list[int]:
    """Return the columns about handedness, best first."""
    found = []
    for index, name in enumerate(header):
        words = header_words(name)
        if not HEADER["hand"].intersection(words):
            continue
        rest = [w for w in words if w not in HEADER["hand"] and not w.isdigit()]
        if all(w in _HAND_BESIDE | HEADER["plain"] | PEOPLE for w in rest):
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


_OF_DIAGNOSES = frozenset(
    ("diagnosis", "diagnoses", "dx", "diag", "diagn", "diagnostic", "pathology", "disease", "disorder")
)
_ICD = frozenset(("icd", "pre", "post", "ses", "code", "diagnosis"))


def _group_columns(header: Sequence[str], definitions: Sequence[Definition]) -> list[GroupColumn]:
    """Return the columns that may tell patients from controls, best first."""
    found = []
    for index, (name, definition) in enumerate(zip(header, definitions, strict=True)):
        words = [word for word in header_words(name) if not word.isdigit()]
        nouns = HEADER["group"].intersection(words)
        if "icd" in words and _ICD.issuperset(words):
            found.append((True, len(_GROUP_RANK), index, GroupColumn(index=index, sure=True, icd10=True)))
        if not nouns or HEADER["age"].intersection(words):
            continue
        if all(w in nouns or w in _GROUP_BESIDE | HEADER["plain"] | ANIMAL_WORDS for w in words):
            rank = min(_GROUP_RANK.index(w) if w in _GROUP_RANK else len(_GROUP_RANK) for w in nouns)
            phrase = plain_words(first_phrase(definition.text))
            of_diagnoses = bool(_OF_DIAGNOSES & nouns) or "diagnosis" in phrase[:3]
            sure = rank < len(_GROUP_RANK) or of_diagnoses
            column = GroupColumn(
                index=index, sure=sure, of_diagnoses=of_diagnoses, of_findings="pathology" in nouns
            )
            found.append((len(words) > 1, rank, index, column))
    columns = [entry[-1] for entry in sorted(found, key=lambda entry: entry[:3])]
    return columns or [
        GroupColumn(index=index, sure=True)
        for index, definition in enumerate(definitions)
        if _tells_both(definition)
    ]


def _tells_both(definition: Definition) -> bool:
    """Whether all levels of a column are groups, patients and people who are called controls among them."""
    texts = [text for text in definition.levels.values() if not is_missing(text)]
    readings = {text: read_words(text) for text in texts}
    groups = {reading.group for reading in readings.values() if reading.sure}
    # who only lacks one finding may have another: "no chronic stroke"
    called = any(
        reading.group == CONTROL and _CALLED_CONTROLS.search(fold(text)) for text, reading in readings.items()
    )
    return {PATIENT, CONTROL} <= groups and called and all(reading.group for reading in readings.values())


_CALLED_CONTROLS = re.compile(r"\bcontrols?\b|\bhealthy\b|\bneurotypical|\btypically")


_ASKS = frozenset(("dx", "diagnosis", "diagnosed", "diag"))
_FLAG_BESIDE = _ASKS | frozenset(HEADER["beside_flag"])
_ASKED_PATIENTS = (frozenset(("patient",)), frozenset(("patients",)), frozenset(("case",)))
_MAX_FLAG_WORDS = 4  # attention deficit hyperactivity disorder
_FLAG_DECOYS = frozenset(HEADER["decoy_flag"])


def _flag_columns(header: Sequence[str], definitions: Sequence[Definition]) -> list[FlagColumn]:
    """Return the columns that ask whether a participant has one diagnosis (``ADHD_diagnosis``)."""
    found = []
    for index, (name, definition) in enumerate(zip(header, definitions, strict=True)):
        words = list(header_words(name))
        if frozenset(words) - _FLAG_BESIDE in _ASKED_PATIENTS:
            found.append(FlagColumn(index=index, diagnosis=None))
        phrase = first_phrase(definition.text)
        if _FLAG_DECOYS.intersection(words) or _FLAG_DECOYS.intersection(plain_words(phrase)):
            continue
        asks = bool({"dx", "diagnosis", "diagnosed", "diag"}.intersection(words)) or "diagnosis" in fold(
            phrase
        )
        rest = [word for word in words if word not in _FLAG_BESIDE and not word.isdigit()]
        terms = diagnoses_in(rest) or tuple(filter(None, map(abbreviated, rest[:1])))
        if not terms and asks and len(rest) == 1 and definition.levels:
            terms = diagnoses_in(plain_words(phrase))
        if asks and len(terms) == 1 and not terms[0].body and len(rest) <= _MAX_FLAG_WORDS:
            found.append(FlagColumn(index=index, diagnosis=terms[0]))
    return found


_SPECIES_KEYS = frozenset(("species", "organism", "participant_species", "animal_species", "species_name"))


def _species_columns(header: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return the columns of species, and those of breed or strain."""
    keys = [header_key(name) for name in header]
    species = [i for i, key in enumerate(keys) if key in _SPECIES_KEYS]
    breeds = [
        i
        for i, name in enumerate(header)
        if {"breed", "strain"}.intersection(plain_words(name.replace("_", " ")))
    ]
    return species, breeds


def _participant_column(header: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
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


def _visit_column(header: Sequence[str]) -> int | None:
    """Return the column that names each row's session, if there is one."""
    keys = [header_key(name) for name in header]
    found = [i for i, key in enumerate(keys) if key in HEADER["visit"]]
    return min(found, key=lambda i: (keys[i] != "session_id", i), default=None)
