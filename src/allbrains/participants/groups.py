"""A column of groups or diagnoses: what each of its cells means, both arms or none. Pure.

1. The dictionary's text for a cell's code is read first, then the cell itself. Where the dictionary explains
   an abbreviation as something else ("HC": hormonal contraceptive), the abbreviation counts for nothing.
2. "control" alone, and abbreviations such as PD, count only beside a sure word of the other kind in the
   same column: in a trial the control arm is no control group. Two weak words vouch for each other.
3. Where the header speaks of diagnoses, an unknown word is taken for one if the
   column holds a control or a known diagnosis; numbers and words such as "pending" are none.
4. Where only one arm could be read and another stands beside it, neither is taken: half a study is worse
   than none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from allbrains.participants.diagnosis_terms import Diagnosis, diagnoses_in, is_icd10, named, of_icd10, special
from allbrains.participants.dictionary import Definition, code_key, codes_of_text
from allbrains.participants.group_words import (
    CONTROL,
    PATIENT,
    Reading,
    as_control,
    is_general,
    read_words,
)
from allbrains.participants.participant import Confidence
from allbrains.participants.vocabulary import GROUP, fold, is_missing

# An arm is this share of the rows, and more than one row; less is an odd cell, which refuses only itself.
_ARM_SHARE = 0.05
_ONE_OF = 10
# The dictionary's other text does not take the meaning from a word of more letters than an abbreviation has.
_ABBREVIATION_LETTERS = 5
# A cell of more letters is free text, which may tell of one person: it is read and not repeated. The longest
# names of diagnoses have some 80. What a dictionary says of a code holds for many and may be longer.
_LONGEST_CELL = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCode:
    """What one cell text of a column means, by which rule.

    Attributes:
        value: ``control``, ``patient``, ``at risk`` or ``other``.
        rule: that decided.
        confidence: of the value.
        diagnosis: names of the diagnoses, or the dataset's own words; empty for people without any.
        code: identifiers of the diagnoses, as far as the list has them.
    """

    value: str
    rule: str
    confidence: Confidence = Confidence.HIGH
    diagnosis: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSeries:
    """One column of groups, read.

    Attributes:
        codes: meaning by cell text.
        words: the dataset's own word by cell text, also of cells that mean nothing known.
        refused: why codes that could be read are not taken; empty where they are.
        unread: cell texts that say something unknown, with their rows.
    """

    codes: Mapping[str, GroupCode]
    words: Mapping[str, str]
    refused: str
    unread: Counter[str]


def read_groups(
    cells: Sequence[str], definition: Definition, *, of_diagnoses: bool, of_findings: bool
) -> GroupSeries:
    """Return a column of groups, read.

    Args:
        cells: in the rows' order.
        definition: what the dictionary says of it.
        of_diagnoses: its header speaks of diagnoses.
        of_findings: its header speaks of pathology: "normal" is a finding, not a healthy person.
    """
    levels = _levels(definition)
    texts = {cell: _meaning(cell, levels) for cell in set(cells)}
    rows = Counter(cell for cell in cells if not is_missing(cell) or read_words(texts[cell]).group)
    found = {cell: _best(cell, texts[cell]) for cell in rows}
    if of_findings:
        found = {cell: best for cell, best in found.items() if best[0].sure or best[0].group != CONTROL}
    known = _settled({cell: reading for cell, (reading, _) in found.items() if reading.group}, of_diagnoses)
    codes = {
        cell: _code(cell, texts[cell], reading, found[cell][1], definition) for cell, reading in known.items()
    }
    if of_diagnoses and codes:
        codes |= _named_by_header(set(rows) - set(codes), texts, codes)
    unread = Counter({cell: count for cell, count in rows.items() if cell not in codes})
    nones = sum(fold(cell) == "none" for cell in cells) if of_diagnoses else 0
    refused = _one_arm({code.value for code in codes.values()}, unread, rows.total(), nones)
    numbered = {cell: texts[cell] for cell in rows if code_key(cell).lstrip("-").isdigit()}
    words = {cell: numbered.get(cell) or _own_words(cell) for cell in rows}
    return GroupSeries(codes={} if refused else codes, words=words, refused=refused, unread=unread)


def _levels(definition: Definition) -> dict[str, str]:
    levels = codes_of_text(definition.prose, _CODED_WORDS)
    if len(set(levels.values())) < 2:
        levels = {}
    return levels | {code_key(code): text for code, text in definition.levels.items()}


# What a description calls the groups whose codes it explains: "1 = patient, 0 = HC".
_CODED = {
    word
    for name in ("control", "patient", "control_beside_patients", "patient_beside_controls")
    for word in GROUP[name]
    if len(word) > 1
} | {"pd", "ad", "adhd", "asd", "mdd", "scz", "schizophrenia", "depression", "epilepsy"}
_CODED_WORDS = {word: word for word in _CODED}


def _meaning(cell: str, levels: Mapping[str, str]) -> str:
    key = code_key(cell)
    return levels.get(key) or {code.lower(): text for code, text in levels.items()}.get(key.lower(), "")


def _best(cell: str, text: str) -> tuple[Reading, str]:
    """Return the reading of a cell, and whether the dictionary's text or the cell gave it."""
    said, written = read_words(text), read_words(cell)
    explained = bool(text) and fold(text) != fold(cell)
    if said.mixed and explained:
        return Reading(), ""
    if said.group and written.group and said.group != written.group and written.sure:
        return Reading(), ""
    if said.group and (said.sure or not written.sure):
        # "MDD" beside "participants with depression", "depr_cbt" beside "patients who undergo therapy"
        both = (*said.terms, *written.terms) if written.group == said.group == PATIENT else said.terms
        return replace(said, terms=special(both)), "levels" if explained else "word"
    short = len(re.sub(r"[\W\d_]", "", cell)) <= _ABBREVIATION_LETTERS
    if explained and not said.group and (short or not written.sure):
        return Reading(), ""
    return written, "word"


def _settled(readings: Mapping[str, Reading], of_diagnoses: bool) -> dict[str, Reading]:
    """Return the readings that count, once each has seen the others."""
    terms = {term.name for reading in readings.values() for term in reading.terms}
    seen = {cell: _without_neighbours(cell, reading, terms) for cell, reading in readings.items()}
    sure = {reading.group for reading in seen.values() if reading.sure}
    # one letter says too little to vouch for another abbreviation
    weak = {r.group for cell, r in seen.items() if not r.sure and len(cell.strip()) > 1}
    if {CONTROL, PATIENT} <= weak and not sure:
        sure = weak
    other = {CONTROL: PATIENT, PATIENT: CONTROL}

    def counts(reading: Reading) -> bool:
        named_so = bool(reading.abbreviation) and (of_diagnoses or PATIENT in sure)
        return reading.sure or named_so or other.get(reading.group) in sure

    return {cell: reading for cell, reading in seen.items() if counts(reading)}


def _without_neighbours(cell: str, reading: Reading, terms: set[str]) -> Reading:
    """Read an abbreviation as healthy subjects where no diagnosis stands beside it that makes it one."""
    term = reading.abbreviation
    alone = term is not None and term.beside and not term.beside & terms
    return as_control(reading) if alone and fold(cell) in GROUP["control_beside_patients"] else reading


def _code(cell: str, text: str, reading: Reading, source: str, definition: Definition) -> GroupCode:
    names, codes = named(_terms(reading, text, definition)) if reading.group == PATIENT else ("", "")
    own = text.strip() if source == "levels" else _own_words(cell)
    if reading.group == PATIENT and not names and own and not is_general(own):
        names = own
    return GroupCode(
        value=reading.group,
        rule=f"group.{source}",
        confidence=Confidence.HIGH if reading.sure else Confidence.MEDIUM,
        diagnosis=names,
        code=codes,
    )


def _own_words(cell: str) -> str:
    """Return a cell's text; empty where it is free text."""
    return cell.strip() if len(cell) <= _LONGEST_CELL else ""


def _terms(reading: Reading, text: str, definition: Definition) -> tuple[Diagnosis, ...]:
    """Return the diagnoses of a cell; those of the column's description where it names just one."""
    if reading.terms or not is_general(text):
        return reading.terms
    described = diagnoses_in(re.findall(r"[^\W_]+", fold(definition.text)))
    return described if len(described) == 1 else ()


def _named_by_header(
    cells: Iterable[str], texts: Mapping[str, str], codes: Mapping[str, GroupCode]
) -> dict[str, GroupCode]:
    """Return the cells of a column of diagnoses that are diagnoses though no list knows them."""
    found = {}
    patients = any(code.value == PATIENT for code in codes.values())
    for cell in cells:
        if read_words(texts[cell] or cell).mixed:
            continue
        own = fold(texts[cell] or cell)
        others = own in ("other", "others") and patients
        known = re.findall(r"[^\W_]+", own)
        barred = GROUP["undecided"] | GROUP["doubtful"] | GROUP["negation"] | {"none", "yes", "no"}
        if others or (re.search(r"[^\W\d_]{2}", own) and not barred.intersection([own, *known])):
            found[cell] = GroupCode(
                value=PATIENT,
                rule="group.column",
                confidence=Confidence.MEDIUM,
                diagnosis=texts[cell].strip() or _own_words(cell),
            )
    return found


def _one_arm(read: set[str], unread: Counter[str], rows: int, nones: int) -> str:
    """Return why a column of which one arm alone was read is refused; empty where it is not.

    Args:
        read: the groups that were read.
        unread: cell texts that say something unknown, with their rows.
        rows: that say something.
        nones: rows that say "none" in a column of diagnoses: a control, or a patient without a finding.
    """
    if len(read) != 1:
        return ""
    left = unread.total() + nones
    odd = left < _ARM_SHARE * rows or (left == 1 and rows >= _ONE_OF)
    (arm,) = read
    return _half(arm, unread) if left and not odd else ""


def _half(arm: str, unread: Counter[str]) -> str:
    example = min(unread, key=lambda cell: (-unread[cell], cell), default="none")
    return f"only {arm} can be read and {example[:60]!r} beside it cannot: neither arm is taken"


def yes_or_no(cells: Iterable[str], definition: Definition) -> dict[str, bool]:
    """Return the answer of each cell of a column that holds yes and no and nothing else; else nothing."""
    levels = _levels(definition)
    answers: dict[str, bool] = {}
    for cell in set(cells):
        text = _meaning(cell, levels)
        answer = _answer(text) if text else _ANSWERS.get(fold(code_key(cell)))
        if answer is None and not is_missing(cell):
            return {}
        if answer is not None:
            answers[cell] = answer
    return answers


_ANSWERS = dict.fromkeys(("1", "yes", "true", "y"), True) | dict.fromkeys(("0", "no", "false", "n"), False)


def _answer(text: str) -> bool | None:
    """Return what a dictionary's text for a code answers: "no", "did not have it", "meets criteria"."""
    if (answer := _ANSWERS.get(fold(text))) is not None:
        return answer
    words = re.findall(r"[^\W_]+", fold(text))
    if not words:
        return None
    if GROUP["negation"] & set(words):
        return False
    return True if {"had", "has", "meeting", "meets", "met", "present", "diagnosed"} & set(words) else None


_ID_PREFIX = re.compile(r"\s*(?:sub-)?([A-Za-z]+?)[-_]?\d+\w*\s*\Z")
_PREFIXES = {
    **dict.fromkeys(("con", "ctrl", "ctl", "hc", "control", "controls", "hv", "healthy"), CONTROL),
    **dict.fromkeys(("pat", "patient", "patients", "pt"), PATIENT),
}


def groups_of_ids(ids: Iterable[str]) -> dict[str, GroupCode]:
    """Return the group that ids such as ``sub-CON01`` and ``sub-PAT01`` tell; all must be of these kinds."""
    distinct = {text for text in ids if not is_missing(text)}
    matches = {text: _ID_PREFIX.match(text) for text in distinct}
    values = {text: _PREFIXES.get(m[1].lower()) if m else None for text, m in matches.items()}
    if set(values.values()) != {CONTROL, PATIENT}:
        return {}
    return {
        text: GroupCode(value=value, rule="group.id_prefix", confidence=Confidence.MEDIUM)
        for text, value in values.items()
        if value
    }


def icd10_codes(cells: Iterable[str]) -> dict[str, GroupCode]:
    """Return the diagnoses of a column of ICD-10 codes; cells that hold none are left out."""
    found = {}
    for cell in set(cells):
        if is_icd10(cell):
            name, code = named(filter(None, [of_icd10(cell)]))
            found[cell] = GroupCode(
                value=PATIENT, rule="group.icd10", diagnosis=name or cell.strip(), code=code
            )
    return found
