"""The vocabulary, loaded from words.toml, and how texts are folded before they are looked up in it. Pure."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from functools import lru_cache
from importlib import resources
from typing import Any

_DATA: dict[str, Any] = tomllib.loads(
    resources.files("allbrains.participants").joinpath("words.toml").read_text("utf-8")
)

MISSING = frozenset(_DATA["missing"])
HEADER = {name: frozenset(words) for name, words in _DATA["header"].items()}
SEX = {word: value for value in ("female", "male", "other") for word in _DATA["sex"][value]}
BESIDE_SEX = frozenset(_DATA["sex"]["beside"])
HANDEDNESS = {
    word: value for value in ("right", "left", "ambidextrous") for word in _DATA["handedness"][value]
}
GROUP = {name: frozenset(words) for name, words in _DATA["group"].items()}
SPECIES = {word: name for name, words in _DATA["species"].items() for word in words}
BREEDS = {word: name for name, words in _DATA["breeds"].items() for word in words}
# Animals that a header may name beside an age or a sex ("rat_age"); "cat" is a category there.
ANIMAL_WORDS = frozenset(word for word in SPECIES if word.isalpha()) - {"human", "humans", "cat", "cats"}
UNITS = {word: unit for unit in ("years", "months", "weeks", "days") for word in HEADER["unit_" + unit]}

_TYPOGRAPHY = str.maketrans(
    {
        "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-",
        "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u00a0": " ",
        "\ufeff": None, "\u200b": None, "\u200e": None, "\u00ad": None, "ß": "ss", "ł": "l", "ø": "o",
    }
)  # fmt: skip


@lru_cache(maxsize=65536)
def fold(text: str) -> str:
    """Return the text in lower case, without accents, with plain dashes and single blanks."""
    if text.isascii():
        return " ".join(text.lower().split())
    plain = unicodedata.normalize("NFKD", text.lower().translate(_TYPOGRAPHY))
    bare = "".join(c for c in plain if not unicodedata.combining(c))
    # Hangul was taken apart with the accents and is put together again
    return " ".join(unicodedata.normalize("NFC", bare).split())


@lru_cache(maxsize=65536)
def is_missing(cell: str) -> bool:
    """Whether a cell says nothing."""
    folded = fold(cell)
    return folded in MISSING or folded.strip("'\" ,;()[]") in MISSING


def plain_words(text: str) -> list[str]:
    """Return the folded words of a text: runs of letters, digits left out."""
    return re.findall(r"[^\W\d_]+", fold(text))


_PIECE = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[^\W\dA-Za-z_]+|\d+")
_NOUNS = ("age", "sex", "gender", "hand", "visit", "participant", "group")
# Words that qualify the noun beside them: "scan" in "scan age", "group" in "age group".
QUALIFIERS = frozenset().union(
    *(
        words
        for name, words in HEADER.items()
        if name not in _NOUNS and not name.startswith(("json", "beside", "decoy_"))
    )
)
_GLUE = QUALIFIERS | {"participant", "subject", "patient"}
_ORDINALS = {"1st": "first", "2nd": "second", "3rd": "third", "4th": "fourth"}
_WRITTEN_ORDINAL = re.compile("|".join(_ORDINALS), re.IGNORECASE)
# Names whose capitals are no word boundaries.
_ONE_WORD = re.compile(r"(?<![a-z])(?:[fs]MRI|T[12]w|y/o|y\.o\.|iEEG|sEEG|fNIRS|yrs?old)(?![a-z])")
_ONLY_LETTERS = str.maketrans("", "", "12./")
_STEMS = ("age", "sex", "gender")


@lru_cache(maxsize=8192)
def header_words(header: str) -> tuple[str, ...]:
    """Return the words of a header: ``AgeMRI_W1`` → age, mri, w, 1; ``agemonths`` → age, months."""
    text = _WRITTEN_ORDINAL.sub(lambda m: _ORDINALS[m[0].lower()], header.translate(_TYPOGRAPHY))
    text = _ONE_WORD.sub(lambda m: " " + m[0].lower().translate(_ONLY_LETTERS) + " ", text)
    if not text.isascii():
        bare = unicodedata.normalize("NFKD", text)
        text = unicodedata.normalize("NFC", "".join(c for c in bare if not unicodedata.combining(c)))
    if text.isupper():
        text = text.lower()
    words: list[str] = []
    for piece in _PIECE.findall(text):
        words.extend(_unglued(fold(piece)))
    return tuple(words)


def _unglued(word: str) -> list[str]:
    for stem in _STEMS:
        for rest, glued in ((word.removeprefix(stem), True), (word.removesuffix(stem), False)):
            if rest and rest != word and rest in _GLUE:
                return [stem, rest] if glued else [rest, stem]
    return ["age", "at", word[5:]] if word.startswith("ageat") and word[5:] in _GLUE else [word]


def header_key(header: str) -> str:
    """Return a header such that ``Participant ID`` and ``participant_id`` are the same."""
    return re.sub(r"[^\w]+", "_", fold(header)).strip("_")
