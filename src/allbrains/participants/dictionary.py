"""What participants.json says of a column: its unit, its codes, its words. Pure; never raises.

Codes are read from ``Levels`` in all the shapes that occur (object, list, text, turned round) and from
running text: ``1 = male, 2 = female``, ``F=1 M=2``, ``0 represent female``, ``1/2 = male/female``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from allbrains.participants.diagnosis_terms import of_term_url
from allbrains.participants.table_cells import decode
from allbrains.participants.vocabulary import HEADER, fold, header_key
from allbrains.text import json_of

Classify = Callable[[str], str | None]

_LEVEL_KEYS = HEADER["json_levels"]
_TEXT_KEYS = HEADER["json_text"]
_OTHER_KEYS = HEADER["json_other"]
# Deep enough for every dictionary seen, shallow enough for no harm.
_MAX_DEPTH = 3
# Longer descriptions explain no code in their tail.
_MAX_PROSE = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What a dictionary says of one column.

    Attributes:
        text: description and long name.
        units: as written.
        levels: meaning by code, both as written.
    """

    text: str = ""
    units: str = ""
    levels: Mapping[str, str] = field(default_factory=dict)

    @property
    def prose(self) -> str:
        """All running text in which codes or units may be explained."""
        return f"{self.text}\n{self.units}"


NOTHING = Definition()


def parse(data: bytes) -> tuple[dict[str, Any], str]:
    """Return the object in the bytes, and why there is none (empty where there is)."""
    text, fault = decode(data)
    if fault:
        return {}, fault
    if not text.strip():
        return {}, "empty"
    for mend in (str, _without_trailing_commas, _with_commas_between_lines):
        try:
            value = json_of(mend(text.lstrip("\ufeff")), strict=False, pairs=_unambiguous)
        except ValueError:
            continue
        if isinstance(value, list):
            value = {
                str(v.get("Name") or v.get("name") or i): v
                for i, v in enumerate(value)
                if isinstance(v, dict)
            }
        return (value, "") if isinstance(value, dict) else ({}, "not a JSON object")
    return {}, "not JSON"


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object in which a key that is given two meanings has none."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        found[key] = None if key in found and found[key] != value else value
    return found


def _without_trailing_commas(text: str) -> str:
    return re.sub(r",(\s*[}\]])", r"\1", text)


def _with_commas_between_lines(text: str) -> str:
    return _without_trailing_commas(re.sub(r'(["}\]])([ \t]*\r?\n\s*")', r"\1,\2", text))


class Dictionary:
    """The definitions of a file's columns, found by name without regard to case, blanks and marks."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._by_key: dict[str, Definition] = {}
        self._exact: dict[str, Definition] = {}
        self._collect(content, 0)

    def _collect(self, content: Mapping[str, Any], depth: int) -> None:
        for name, entry in content.items():
            definition = _definition(entry)
            if definition is not None:
                self._exact.setdefault(name, definition)
                self._by_key.setdefault(header_key(name), definition)
        if depth < _MAX_DEPTH:
            for name, entry in content.items():
                if isinstance(entry, dict) and fold(name) not in _LEVEL_KEYS | _TEXT_KEYS | _OTHER_KEYS:
                    self._collect(entry, depth + 1)

    def of(self, column: str) -> Definition:
        """Return what is said of the column; an empty definition where nothing is."""
        return self._exact.get(column) or self._by_key.get(header_key(column)) or NOTHING

    def of_kind(self, kinds: frozenset[str]) -> Definition:
        """Return the one definition under one of these names; empty where not exactly one stands."""
        found = [definition for key, definition in self._by_key.items() if key in kinds]
        return found[0] if len(found) == 1 else NOTHING


def _definition(entry: object) -> Definition | None:
    if isinstance(entry, str):
        return Definition(text=entry)
    if not isinstance(entry, dict):
        return None
    texts, units, levels = [], "", {}
    for key, value in entry.items():
        name = fold(str(key))
        if name in _LEVEL_KEYS:
            levels.update(_levels(value))
            texts.extend([value] if isinstance(value, str) else [])
        elif name in _TEXT_KEYS:
            levels.update(_levels(value) if isinstance(value, dict) else {})
            texts.append(_text(value))
        elif name in ("units", "unit"):
            units = _text(value)
        elif name not in _OTHER_KEYS and isinstance(value, str | int | float):
            levels[str(key)] = str(value)  # codes that stand in the entry itself
    return Definition(text="\n".join(filter(None, texts)), units=units, levels=levels)


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} = {_text(item)}" for key, item in list(value.items())[:99])[:9999]
    return "" if value is None else str(value)


def _levels(value: object) -> dict[str, str]:
    """Return meaning by code from any shape of ``Levels``; a bare list of words has no codes."""
    if isinstance(value, dict):
        return {str(code): _meaning(meaning) for code, meaning in value.items()}
    found: dict[str, str] = {}
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                found.update(_levels(item))
            elif isinstance(item, str) and (pair := re.match(r"\s*([\w.+-]+)\s*[:=]\s*(.+)", item)):
                found[pair[1]] = pair[2]
    return found


def _meaning(value: object) -> str:
    """Return the text of a level, with the diagnosis that its TermURL names where the text does not."""
    if not isinstance(value, dict):
        return _text(value)
    text = next((str(value[key]) for key in value if fold(str(key)) in _TEXT_KEYS), "")
    urls = [item for key, item in value.items() if fold(str(key)) in ("termurl", "term_url")]
    term = of_term_url(str(urls[0])) if urls else None
    if term and term.name.lower() not in text.lower():
        return f"{text} ({term.name})" if text else term.name
    return text or _text(value)


def code_key(code: str) -> str:
    """Return a code such that ``1``, ``01``, ``1.0`` and ``one`` are the same; letters keep their case."""
    text = code.strip().strip("'\"").strip()
    text = _NUMBER_WORDS.get(text.lower(), text)
    number = re.fullmatch(r"([-+]?)0*(\d+)(?:[.,]0*)?", text)
    return number[1].replace("+", "") + number[2] if number else text


def codes_of_levels(levels: Mapping[str, str], classify: Classify) -> dict[str, str]:
    """Return value by code from levels, also where they are turned round (``"male": "1"``)."""
    codes = {code_key(code): value for code, text in levels.items() if (value := classify(text))}
    for word, code in levels.items():
        value = classify(word)
        if value and code_key(word) not in codes and re.fullmatch(r"[-+]?\d+(\.0*)?", code.strip()):
            codes[code_key(code)] = value
    return codes


_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_NUMBER_WORDS = {word: str(number) for number, word in enumerate(_NUMBERS)}
_PHRASE_END = re.compile(r"[.;:(\[\n]|, ")
# A longer phrase is no name of a column.
_MAX_PHRASE = 80


def first_phrase(text: str) -> str:
    """Return the first phrase of a description, up to a mark; empty where it is too long to be a name."""
    phrase = _PHRASE_END.split(text.strip(), maxsplit=1)[0].strip()
    return phrase if len(phrase) <= _MAX_PHRASE else ""


_CODE = r"(?P<code>(?<![\w.])[-+]?\d{1,3}(?:\.0+)?(?![\w.]*\d)|\b[A-Za-z]\b)"
_FILL = r"(?:(?:is|are|a|an|the|for|being|biological|self-?identified|sex|gender|assigned|as|coded|code)\s+)*"
_VERBS = (
    r"\bis\b|\bare\b|\bfor\b|\bas\b|\bmeans?\b|\brepresent(?:s|ing|ed)?(?: by)?\b|\bindicat(?:es?|ing)\b"
    r"|\bdenot(?:es?|ing)\b|\bstands? for\b|\bcorresponds? to\b|\brefers? to\b|\bcoded(?: as)?\b"
)
_THEN = rf"\s*[\"')\]]*\s*(?:=+>?|:|-+>?|→|{_VERBS}|\(|\)|\.\s)\s*[\"'(\[]*\s*"


@lru_cache(maxsize=64)
def _patterns(vocabulary: frozenset[str]) -> tuple[re.Pattern[str], ...]:
    words = "|".join(sorted((re.escape(w) for w in vocabulary), key=len, reverse=True))
    word = rf"(?P<word>\b(?:{words})\b)"
    long = "|".join(sorted((re.escape(w) for w in vocabulary if len(w) > 1), key=len, reverse=True))
    bare = r"(?P<code>(?<![\w.-])\d{1,2}(?![\w.]))"
    return (
        re.compile(_CODE + _THEN + _FILL + word, re.IGNORECASE),
        re.compile(word + r"s?" + _THEN + _FILL + _CODE.replace(r"|\b[A-Za-z]\b", ""), re.IGNORECASE),
        re.compile(bare + rf"\s+(?P<word>\b(?:{long})\b)", re.IGNORECASE),
        re.compile(rf"(?P<word>\b(?:{long})\b)\s+" + bare, re.IGNORECASE),
    )


_PAIRED = re.compile(
    r"(?P<a>[\w-]+)\s*[/,|]\s*(?P<b>[\w-]+)\s*(?:=|:|\bare\b|\bfor\b|->|\()\s*(?P<c>[\w-]+)\s*[/,|]\s*(?P<d>[\w-]+)"
)


def codes_of_text(text: str, words: Mapping[str, str]) -> dict[str, str]:
    """Return value by code from running text; nothing where it can be read in two ways."""
    folded = fold(text[:_MAX_PROSE].replace("_", " "))
    if not folded:
        return {}
    readings = []
    for pattern in _patterns(frozenset(word for word in words if word.isascii())):
        found: dict[str, set[str]] = {}
        for match in pattern.finditer(folded):
            found.setdefault(code_key(match["code"]), set()).add(words[match["word"]])
        # A letter that explains itself ("F: female") is a code as well; numbers decide between readings.
        readings.append({code: values.pop() for code, values in found.items() if len(values) == 1})
    readings.append(_paired_codes(folded, words))
    full = [reading for reading in readings if len(set(reading.values())) > 1]
    chosen = full or [reading for reading in readings[:2] if reading]
    merged: dict[str, str] = {}
    for reading in chosen:
        if any(merged.get(code, value) != value for code, value in reading.items()):
            return {}
        merged |= reading
    return merged


def _paired_codes(text: str, words: Mapping[str, str]) -> dict[str, str]:
    for match in _PAIRED.finditer(text):
        left, right = (match["a"], match["b"]), (match["c"], match["d"])
        for codes, names in ((left, right), (right, left)):
            if all(name in words for name in names) and all(re.fullmatch(r"-?\d+", code) for code in codes):
                return {code_key(code): words[name] for code, name in zip(codes, names, strict=True)}
    return {}


_UNIT_WORDS = {
    "years": r"years?|yrs?|yr\.|yo|y\.o\.|jahren?|ans|annees|anos|anni|jaar",
    "months": r"months?|mos?|mths?|monate?|mois|meses",
    "weeks": r"weeks?|wks?|wochen?|semaines?",
    "days": r"days?|dy|tagen?|jours?",
}
_FULL = r"(?:full |whole |decimal |completed |rounded |integer |postnatal |chronological )*"
_IN_UNIT = {u: re.compile(rf"\bin {_FULL}(?:{w})\b") for u, w in _UNIT_WORDS.items()}
_SET_OFF_UNIT = {u: re.compile(rf"[(\[,;:=]\s*{_FULL}(?:{w})\b") for u, w in _UNIT_WORDS.items()}
# A unit merely mentioned is believed for years only: "on the day of the scan", "6 months later".
_YEARS_MENTIONED = re.compile(rf"\b(?:{_UNIT_WORDS['years']})\b")
# 8.11 in such a column may be eight years and eleven months: two units, so no number is read.
_YEARS_AND_MONTHS = re.compile(r"\b(?:years?|yrs?|y)\s*(?:and|/|;|\.|,|:|&|-)\s*(?:months?|mos?|m)\b")
_AS_UNIT = {
    u: re.compile(rf"(?:number of )?(?:{w})(?: old| of age| of life)?") for u, w in _UNIT_WORDS.items()
}
_OLD = {
    u: re.compile(rf"\b(?:number of (?:{w})|(?:{w}) (?:old|of age|of life))\b")
    for u, w in _UNIT_WORDS.items()
}
_SHORT_UNITS = {"y": "years", "a": "years", "m": "months", "w": "weeks", "d": "days", "j": "years"}


def units_of_field(text: str) -> set[str]:
    """Return the units that a ``Units`` field names."""
    folded = fold(text).strip(" .[]()'\"")
    if folded in _SHORT_UNITS:
        return {_SHORT_UNITS[folded]}
    return {unit for unit, form in _AS_UNIT.items() if form.fullmatch(folded)} or units_of_text(text)


def units_of_text(text: str) -> set[str]:
    """Return the units that a description states; "in months" counts more than a mere "years"."""
    folded = fold(text)
    if _YEARS_AND_MONTHS.search(folded):
        return {"years", "months"}
    for forms in (_IN_UNIT, _OLD):
        if units := {unit for unit, form in forms.items() if form.search(folded)}:
            return units
    # "years (months)" states two
    return {unit for unit, form in _SET_OFF_UNIT.items() if form.search(folded)} | (
        {"years"} if _YEARS_MENTIONED.search(folded) else set()
    )


def phrased_units(text: str) -> set[str]:
    """Return the units of phrases such as "in months"."""
    folded = fold(text)
    return {unit for unit, form in _IN_UNIT.items() if form.search(folded)}


SEX_KEYS = HEADER["sex"] | HEADER["gender"] | {"biological_sex", "sex_at_birth"}
HAND_KEYS = HEADER["hand"] | {"dominant_hand"}
