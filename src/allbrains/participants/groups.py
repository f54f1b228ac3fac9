"""Healthy control or patient: by the dictionary's words or the cell's. Pure.

1. The dictionary's text for the cell's code is read first, then the cell itself.
2. A word for a diagnosis or "patient" is a patient, "healthy control" and its like a healthy control.
3. "control" alone, and abbreviations such as PD, count only beside a sure word of the other kind in the
   same column: in a trial the control arm is no control group.
4. Siblings, relatives, people at risk or in remission are neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from allbrains.participants.dictionary import Definition, code_key, codes_of_text
from allbrains.participants.participant import Confidence
from allbrains.participants.sex_and_hand import Code
from allbrains.participants.vocabulary import GROUP, fold, is_missing

CONTROL, PATIENT = "healthy control", "patient"
_SURE = {"control": CONTROL, "patient": PATIENT}
_BESIDE = {"control_beside_patients": CONTROL, "patient_beside_controls": PATIENT}
# What a description calls the groups whose codes it explains.
_WORDS_FOR_CODES = {
    **dict.fromkeys(("control", "controls", "healthy control", "healthy controls", "hc", "healthy"), CONTROL),
    **dict.fromkeys(("patient", "patients"), PATIENT),
}
_WORD = re.compile(r"[^\W\d_]+")


@lru_cache(maxsize=8192)
def _reading(text: str) -> tuple[str, bool]:
    """Return the group that a text names (empty for none), and whether it does so without help."""
    whole = re.sub(r"[\s\-_]+", " ", fold(text).strip(" ,;.:*'\"()[]"))
    whole = re.sub(r"\s*\d+$", "", whole)
    for name, value in _SURE.items():
        if whole in GROUP[name]:
            return value, True
    for name, value in _BESIDE.items():
        if whole in GROUP[name]:
            # one letter says too little to vouch for another abbreviation
            return value, False
    words = _WORD.findall(whole)
    if not words or GROUP["neither"].intersection(words):
        return "", False
    grams = set(words) | {" ".join(words[i : i + n]) for n in (2, 3) for i in range(len(words) - n + 1)}
    sick = any(gram in GROUP["patient"] for gram in grams)
    healthy = any(gram in GROUP["control"] for gram in grams)
    control = healthy or any(w in GROUP["control_beside_patients"] and len(w) > 2 for w in words)
    if sick == control:
        return "", False
    return (PATIENT, True) if sick else (CONTROL, healthy)


def groups(cells: Iterable[str], definition: Definition) -> dict[str, Code]:
    """Return the meaning of each distinct cell of a group column; cells that tell nothing are left out."""
    levels = codes_of_text(definition.prose, _WORDS_FOR_CODES)
    if len(set(levels.values())) < 2:
        levels = {}
    levels |= {code_key(code): text for code, text in definition.levels.items()}
    lower = {code.lower(): text for code, text in levels.items()}
    readings: dict[str, tuple[str, bool, str]] = {}
    for cell in {cell for cell in cells if not is_missing(cell)}:
        text = levels.get(code_key(cell)) or lower.get(code_key(cell).lower(), "")
        said, written = _reading(text), _reading(cell)
        if said[0] and written[0] and said[0] != written[0] and written[1]:
            continue
        best = said if said[0] and (said[1] or not written[1]) else written
        if text and not said[0] and not written[1]:
            continue  # the dictionary explains the code, and not as a control or a patient
        if best[0]:
            readings[cell] = (*best, "group.levels" if best is said else "group.word")
    sure = {value for value, certain, _ in readings.values() if certain}
    weak = {value for cell, (value, certain, _) in readings.items() if not certain and len(cell.strip()) > 1}
    if {CONTROL, PATIENT} <= weak and not sure:
        sure = weak  # CON beside PD: each vouches for the other
    other = {CONTROL: PATIENT, PATIENT: CONTROL}
    return {
        cell: Code(value=value, rule=rule, confidence=Confidence.HIGH if certain else Confidence.MEDIUM)
        for cell, (value, certain, rule) in readings.items()
        if certain or other[value] in sure
    }


_ID_PREFIX = re.compile(r"\s*(?:sub-)?([A-Za-z]+?)[-_]?\d+\w*\s*\Z")
_PREFIXES = {
    **dict.fromkeys(("con", "ctrl", "ctl", "hc", "control", "controls", "hv", "healthy"), CONTROL),
    **dict.fromkeys(("pat", "patient", "patients", "pt"), PATIENT),
}


def groups_of_ids(ids: Iterable[str]) -> dict[str, Code]:
    """Return the group that ids such as ``sub-CON01`` and ``sub-PAT01`` tell; all must be of these kinds."""
    distinct = {text for text in ids if not is_missing(text)}
    matches = {text: _ID_PREFIX.match(text) for text in distinct}
    values = {text: _PREFIXES.get(m[1].lower()) if m else None for text, m in matches.items()}
    if set(values.values()) != {CONTROL, PATIENT}:
        return {}
    return {
        t: Code(value=v, rule="group.id_prefix", confidence=Confidence.MEDIUM) for t, v in values.items() if v
    }
