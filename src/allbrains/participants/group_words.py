"""What the words of one text say of a group: control, patient, at risk, other, or nothing. Pure.

1. What is denied is set apart first: "without", "never", "no history of" take the words after them to the
   end of the phrase. "Schizophrenia without current hallucinations" keeps its diagnosis; of "participant
   without aneurysm" and "never-depressed control" a diagnosis is all that is denied, which makes a control.
2. Siblings, relatives, people in remission are ``other``; those at high risk or before the outbreak are
   ``at risk``. Where it is said that a case is possible, suspected or a matter of history, nothing is read.
3. A diagnosis of the list, or a word for illness, is a patient; "healthy" and its like a control. Both in
   one text say nothing.
4. "control" alone and abbreviations are weak: the column decides (``groups.py``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from allbrains.participants.diagnosis_terms import Diagnosis, abbreviated, diagnoses_in
from allbrains.participants.vocabulary import GROUP, fold

CONTROL, PATIENT, AT_RISK, OTHER = "control", "patient", "at risk", "other"

_WORD = re.compile(r"[^\W_]+")
_TRAILING_NUMBER = re.compile(r"(?<=[^\W\d])\s+\d+$")
# "ADHD-" beside "ADHD+", "tumor-free", "HIV negative": who knows.
_DENIED_BEHIND = re.compile(r"[a-z]\s?-\s*\Z|\(-\)|\w[ -]free\b(?! (?:of|from))|\w[ -]negative\b(?! for)")
# What follows is a part of the group only: "unipolar depression including dysthymia".
_EXAMPLES = re.compile(r"\b(?:including|such as|e\.g\.|for example)\b")
# More words than these are free text; nothing is concluded from one.
_MAX_WORDS = 60
# An abbreviation counts in a text of so few words: "PD denovo", "PD off".
_FEW_WORDS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one text says.

    Attributes:
        group: ``control``, ``patient``, ``at risk`` or ``other``; empty where it says none of them.
        sure: it needs no other text of the column to vouch for it.
        terms: the diagnoses that it names.
        abbreviation: the diagnosis that its abbreviation may mean.
        mixed: it names several groups, or one in a way that concludes nothing.
    """

    group: str = ""
    sure: bool = False
    terms: tuple[Diagnosis, ...] = ()
    abbreviation: Diagnosis | None = None
    mixed: bool = False


_NOTHING = Reading()
_MIXED = Reading(mixed=True)


@lru_cache(maxsize=8192)
def read_words(text: str) -> Reading:
    """Return what a cell, or a dictionary's text for a code, says of the group."""
    plain = _plain(text)
    listed = _WORD.findall(_EXAMPLES.split(plain, maxsplit=1)[0])
    whole = _TRAILING_NUMBER.sub("", plain)  # "patient 3"
    if not listed or len(listed) > _MAX_WORDS:
        return _NOTHING
    if whole in GROUP["control"]:
        return Reading(group=CONTROL, sure=True)
    if _DENIED_BEHIND.search(fold(text)):
        return _MIXED
    stated, denied = _split(listed)
    found = _stated(stated, denied)
    if found.group or found.mixed:
        return found
    if whole in GROUP["control_beside_patients"]:
        return Reading(group=CONTROL)
    return Reading(group=PATIENT) if whole in GROUP["patient_beside_controls"] else _NOTHING


def is_general(text: str) -> bool:
    """Whether a text names no illness in particular: "patient", "case 3"."""
    listed = _WORD.findall(_plain(text))
    general = GROUP["patient"] | GROUP["patient_beside_controls"] | GROUP["phrase_end"] | {"disorder", "with"}
    return all(word in general or word.isdigit() or len(word) == 1 for word in listed)


def _plain(text: str) -> str:
    whole = re.sub(r"[\s\-_/]+", " ", fold(text).strip(" ,;.:*'\"()[]"))
    return whole.replace("non epileptic", "nonepileptic")


def _split(listed: list[str]) -> tuple[list[str], list[str]]:
    """Return the words that are stated and those that are denied."""
    stated: list[str] = []
    denied: list[str] = []
    negation = ""
    fresh = 0  # words that the last negation denies so far
    for word in listed:
        if word in GROUP["negation"]:
            negation, fresh = word, 0
        elif negation and _ends(word, negation, fresh):
            negation = ""
            stated.append(word)
        elif negation:
            denied.append(word)
            fresh += 1
        else:
            stated.append(word)
    return stated, denied


def _ends(word: str, negation: str, fresh: int) -> bool:
    """Whether a word stands behind what a negation denies, which denies some words already."""
    if negation == "non" and fresh:  # "non-functioning adenoma" denies one word
        return word not in ("s", "disease", "disorder", "syndrome")
    return word in GROUP["phrase_end"] and (fresh > 0 or word in GROUP["control_beside_patients"])


def _grams(listed: list[str]) -> set[str]:
    pairs = {" ".join(listed[i : i + n]) for n in (2, 3) for i in range(len(listed) - n + 1)}
    return set(listed) | pairs


def _stated(stated: list[str], denied: list[str]) -> Reading:
    grams = _grams(stated)
    if grams & GROUP["doubtful"]:
        return _MIXED
    terms = diagnoses_in(stated)
    if grams & GROUP["other"]:
        return Reading(group=OTHER, sure=True)
    if grams & GROUP["at_risk"]:
        before = stated[: min(stated.index(word) for word in stated if word in GROUP["at_risk"])]
        # "psychosis or at high risk for psychosis" mixes two groups
        mixed = bool(diagnoses_in(before)) or "low" in before
        return _MIXED if mixed else Reading(group=AT_RISK, sure=True)
    sick = bool(terms or grams & GROUP["patient"])
    healthy = bool(grams & GROUP["control"])
    weak = {word for word in stated if len(word) > 2 and word in GROUP["control_beside_patients"]}
    if sick:
        # "Parkinson's disease with normal cognition" is no control
        mixed = healthy or bool(weak - GROUP["mere_adjectives"])
        return _MIXED if mixed else Reading(group=PATIENT, sure=True, terms=terms)
    freed = bool(diagnoses_in(denied) or _grams(denied) & GROUP["deniable"])
    if healthy or freed:
        return Reading(group=CONTROL, sure=True)
    if weak:
        return Reading(group=CONTROL)
    return _abbreviated(stated) if len(stated) + len(denied) <= _FEW_WORDS else _NOTHING


def _abbreviated(stated: list[str]) -> Reading:
    for word in [word for word in stated if word not in GROUP["degrees"]][:1]:
        if term := abbreviated(word):
            return Reading(group=PATIENT, abbreviation=term, terms=(term,))
    return _NOTHING


def as_control(reading: Reading) -> Reading:
    """Return the other reading of an abbreviation that may stand for healthy subjects too."""
    return replace(reading, group=CONTROL, terms=(), abbreviation=None)
