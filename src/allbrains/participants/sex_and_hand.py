"""Sex and handedness: words in any language, codes only by dictionary. Pure.

1. What the dictionary (Levels) says of a cell's code counts; so does a header or a description that
   explains it (``Sex_(female=1_male=2)``). Where two of them disagree, the code is refused.
2. A cell that is a word for one value, alone or beside words that change nothing (``male (castrated)``),
   is that value; so is a list of visits that repeats one word.
3. A single letter is read in the light of the column's other letters: M is no man beside H (hombre).
4. Anything else, numbers without a dictionary above all, is refused: never guessed, never by majority.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from allbrains.participants.dictionary import Classify, Definition, code_key, codes_of_levels, codes_of_text
from allbrains.participants.participant import Confidence
from allbrains.participants.vocabulary import (
    BESIDE_SEX,
    HANDEDNESS,
    SEX,
    fold,
    header_words,
    is_missing,
    plain_words,
)

# No word for a sex or a hand needs more; free text is not searched for one.
_MAX_LENGTH = 200
_M_MAY_BE_EITHER = frozenset(("sexo", "genero"))  # Spanish and Portuguese
SEX_LETTERS = {"f": "female", "m": "male"}
# The words that may explain a code; single letters only for numbers.
SEX_WORDS = {word: value for word, value in SEX.items() if word not in ("man", "o")} | {"man": "male"}
HAND_WORDS = {word: value for word, value in HANDEDNESS.items() if word != "a"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What one cell text of a column means, by which rule."""

    value: str
    rule: str
    confidence: Confidence = Confidence.HIGH


@lru_cache(maxsize=16384)
def sex_of_words(text: str) -> str | None:
    """Return the sex that a text names in words; None for none, several or a doubtful one."""
    if len(text) > _MAX_LENGTH:
        return None
    whole = _bare(text)
    if whole in SEX:
        return SEX[whole]
    if whole in SEX_LETTERS:
        return SEX_LETTERS[whole]
    words = re.findall(r"[^\W\d_]+", whole)
    found = {SEX[word] for word in words if word in SEX and len(word) > 1}
    beside = [word for word in words if word not in SEX]
    return found.pop() if len(found) == 1 and all(word in BESIDE_SEX for word in beside) else None


_DOUBTFUL = frozenset(
    ("not", "non", "no", "trans", "transgender", "or", "neither", "both", "unknown", "former")
)


def sex_of_level(text: str) -> str | None:
    """Return the sex that a dictionary's text for a code names; it may say more around it."""
    words = plain_words(text)
    found = {SEX[word] for word in words if word in SEX and len(word) > 1}
    return sex_of_words(text) or (
        found.pop() if len(found) == 1 and not _DOUBTFUL.intersection(words) else None
    )


@lru_cache(maxsize=16384)
def hand_of_words(text: str) -> str | None:
    """Return the handedness that a text names in words; None for none or several."""
    if len(text) > _MAX_LENGTH:
        return None
    whole = _bare(text)
    if whole in HANDEDNESS:
        return HANDEDNESS[whole]
    words = [word for word in re.findall(r"[^\W\d_]+", whole) if len(word) > 1]
    found = {HANDEDNESS[word] for word in words if word in HANDEDNESS}
    doubtful = {
        "not",
        "non",
        "no",
        "or",
        "switched",
        "forced",
        "trained",
        "retrained",
        "converted",
        "foot",
        "eye",
        "less",
        "weak",
    }
    return found.pop() if len(found) == 1 and not doubtful.intersection(words) else None


def _bare(text: str) -> str:
    """Fold a cell and drop marks that slipped in (``M,``) and dashes between words."""
    return re.sub(r"[\s\-_]+", " ", fold(text).strip(" \t,;.:*'\"`()[]{}")).strip()


def sexes(cells: Iterable[str], header: str, definition: Definition) -> tuple[dict[str, Code], str]:
    """Return the meaning of each distinct cell of a sex column, and why others were refused."""
    distinct = {cell for cell in cells if not _says_nothing(cell)}
    codes, fault = _dictionary(header, definition, sex_of_level, SEX_WORDS | SEX_LETTERS)
    letters = {key for cell in distinct if len(key := _bare(cell)) == 1 and key.isalpha()}
    if letters == {"m"} and _M_MAY_BE_EITHER.intersection(header_words(header)):
        letters.add("h")  # mujer or masculino: nothing beside it tells
    found = _decoded(distinct, codes, lambda cell: _sex_code(cell, letters))
    return found, fault


def handedness(cells: Iterable[str], header: str, definition: Definition) -> tuple[dict[str, Code], str]:
    """Return the meaning of each distinct cell of a handedness column, and why others were refused."""
    distinct = {cell for cell in cells if not _says_nothing(cell)}
    codes, fault = _dictionary(header, definition, hand_of_words, HAND_WORDS)

    def by_word(cell: str) -> Code | None:
        value = _same(cell, hand_of_words)
        return Code(value=value, rule="handedness.word") if value else None

    found = {
        cell: Code(value=code.value, rule=code.rule.replace("sex.", "handedness."))
        for cell, code in _decoded(distinct, codes, by_word).items()
    }
    return found, fault


def _says_nothing(cell: str) -> bool:
    # -1 and 0 may be codes here; what is no number and missing is missing
    return is_missing(cell) and not re.fullmatch(r"\s*-?\d(?:\.0*)?\s*", cell)


def _decoded(
    distinct: Iterable[str], codes: Mapping[str, Code], by_word: Callable[[str], Code | None]
) -> dict[str, Code]:
    found: dict[str, Code] = {}
    for cell in distinct:
        code = codes.get(code_key(cell)) or codes.get(code_key(cell).lower())
        word = by_word(cell)
        if code and word and code.value != word.value:
            continue  # the dictionary contradicts the word: refused
        if either := code or word:
            found[cell] = either
    return found


def _dictionary(
    header: str, definition: Definition, classify: Classify, words: Mapping[str, str]
) -> tuple[dict[str, Code], str]:
    merged: dict[str, Code] = {}
    refused: set[str] = set()
    for rule, codes in (
        ("sex.levels", codes_of_levels(definition.levels, classify)),
        ("sex.header_text", codes_of_text(_spelt_out(header), words)),
        ("sex.description", codes_of_text(definition.prose, words)),
    ):
        numbers = [value for code, value in codes.items() if re.fullmatch(r"-?\d+", code)]
        if len(numbers) > 1 and len(set(numbers)) == 1:
            continue  # 1 and 2 the same: a slip of the dictionary
        for code, value in codes.items():
            if code in merged and merged[code].value != value:
                refused.add(code)
            merged.setdefault(code, Code(value=value, rule=rule))
    fault = f"the dictionary contradicts itself on {', '.join(sorted(refused))}" if refused else ""
    return {code: found for code, found in merged.items() if code not in refused}, fault


def _spelt_out(header: str) -> str:
    """Return a header with its pairs set apart: ``sex_1M2F`` and ``sex_M1F2`` become pairs with a sign."""
    text = header.replace("_", " ")
    text = re.sub(r"\b([01-9])([MFmf])\s?(\d)([MFmf])\b", r"\1=\2 \3=\4", text)
    text = re.sub(r"\b([MFmf])([0-9])\s?([MFmf])(\d)\b", r"\1=\2 \3=\4", text)
    return re.sub(r"(?<=[a-z])(?=\d)", " ", text)


def _same(cell: str, read: Classify) -> str | None:
    """Return what the cell, or each item of the list in it, is read as."""
    if whole := read(cell):
        return str(whole)
    parts = [part for part in re.split(r"[,;|/]", cell.strip("[]() ")) if part.strip()]
    values = {read(part) for part in parts}
    return values.pop() if len(parts) > 1 and len(values) == 1 else None


def _sex_code(cell: str, letters: set[str]) -> Code | None:
    key = _bare(cell)
    if len(key) == 1 and key.isascii() and key.isalpha():
        value = _letter(key, letters)
        return Code(value=value, rule="sex.letter") if value else None
    word = _same(cell, sex_of_words)
    if word and re.fullmatch(r"[\W_]*[mf](?:[\W_]+[mf])*[\W_]*", fold(cell)) and not letters <= {"m", "f"}:
        return None
    return Code(value=word, rule="sex.word") if word else None


def _letter(letter: str, letters: set[str]) -> str | None:
    """Return the sex that a letter means beside the column's other letters."""
    sexed = letters - {"o", "d", "x", "u", "n"}
    match letter:
        case "f":
            return "female"
        case "m" if not sexed & {"h", "v"}:  # hombre / mujer, varon / mujer
            return "male"
        case "w" if sexed <= {"w", "m"}:  # weiblich, woman
            return "female"
        case "k" if sexed <= {"k", "m"} and "m" in sexed:  # kobieta, kvinna
            return "female"
        case "h" if sexed <= {"h", "f"} and "f" in sexed:  # homme
            return "male"
        case "b" if sexed == {"b", "g"}:  # boy, girl
            return "male"
        case "g" if sexed == {"b", "g"}:
            return "female"
        case "o":
            return "other"
        case "d" if "w" in sexed and sexed <= {"w", "m"}:  # divers
            return "other"
        case _:
            return None


def plain_sex(cell: str) -> bool:
    """Whether a cell under any header is plainly a sex: a word, or the letter F or M."""
    key = _bare(cell)
    return key in SEX_LETTERS or (len(key) > 1 and SEX.get(key) in ("female", "male"))


_ANSWERS = {
    "1": True,
    "yes": True,
    "true": True,
    "y": True,
    "0": False,
    "no": False,
    "false": False,
    "n": False,
}


def indicator(cells: Iterable[str], sex: str) -> dict[str, Code]:
    """Return the meaning of cells under a header that asks for one sex: yes is that sex, no the other.

    Only where the column holds yes and no and nothing else.
    """
    readings = {
        cell: _ANSWERS.get(code_key(fold(cell)))
        for cell in cells
        if fold(cell) == "n" or not is_missing(cell)
    }
    if set(readings.values()) != {True, False}:
        return {}
    other = "male" if sex == "female" else "female"
    return {
        cell: Code(value=sex if yes else other, rule="sex.indicator", confidence=Confidence.MEDIUM)
        for cell, yes in readings.items()
    }
