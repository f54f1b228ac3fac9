"""The curated list of diagnoses (diagnoses.toml), and which of them a text names. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One entry of the list.

    Attributes:
        name: as the column ``diagnosis`` says it.
        code: ``snomed:<identifier>``; empty where none was looked up.
        beside: names of the diagnoses beside which its abbreviations count; empty: beside any or a control.
        body: a disease of the body: its yes or no tells no patient from a control.
    """

    name: str
    code: str = ""
    beside: frozenset[str] = frozenset()
    body: bool = False


_Index = dict[str, Diagnosis]
_ENTRIES: list[dict[str, Any]] = tomllib.loads(
    resources.files("allbrains.participants").joinpath("diagnoses.toml").read_text("utf-8")
)["diagnosis"]


def _entry(entry: dict[str, Any]) -> Diagnosis:
    return Diagnosis(
        name=entry["name"],
        code=entry.get("code", ""),
        beside=frozenset(entry.get("beside", ())),
        body=entry.get("body", False),
    )


DIAGNOSES = tuple(map(_entry, _ENTRIES))


def _index(key: str) -> _Index:
    return {
        word: found for found, entry in zip(DIAGNOSES, _ENTRIES, strict=True) for word in entry.get(key, ())
    }


_WORDS, _STEMS, _WEAK, _ICD10 = map(_index, ("words", "stems", "weak", "icd10"))
_CODES = {found.code: found for found in DIAGNOSES if found.code}
_NAMES = frozenset(found.name for found in DIAGNOSES)
_LONGEST = max(word.count(" ") + 1 for word in _WORDS)
_STEM = re.compile("|".join(sorted(_STEMS, key=len, reverse=True)))
_ICD_CODE = re.compile(r"([A-Z]\d\d)(\.\d)?\d{0,2}\Z")
# A general name that a more special one beside it makes needless.
_PART_OF = {
    "epilepsy": {"temporal lobe epilepsy", "psychogenic non-epileptic seizures"},
    "dementia": {"frontotemporal dementia", "dementia with Lewy bodies"},
    "aphasia": {"primary progressive aphasia"},
    "ataxia": {"spinocerebellar ataxia", "spinocerebellar ataxia type 2", "Friedreich ataxia"},
    "spinocerebellar ataxia": {"spinocerebellar ataxia type 2"},
    "depressive disorder": {"major depressive disorder", "bipolar disorder", "dysthymia"},
    "bipolar disorder": {"schizoaffective disorder"},
    "chronic pain": {"chronic low back pain"},
    "glioma": {"oligodendroglioma", "ganglioglioma"},
    "diabetes mellitus": {"type 2 diabetes"},
    "brain tumour": {
        "glioma", "glioblastoma", "astrocytoma", "oligodendroglioma", "meningioma", "pituitary adenoma",
        "dysembryoplastic neuroepithelial tumour",
    },
}  # fmt: skip


def diagnoses_in(words: Iterable[str]) -> tuple[Diagnosis, ...]:
    """Return the diagnoses that folded words name in full, in their order, each once.

    Args:
        words: of a text, in its order, folded, without marks.
    """
    found: dict[str, Diagnosis] = {}
    listed = list(words)
    at = 0
    while at < len(listed):
        for size in range(min(_LONGEST, len(listed) - at), 0, -1):
            term = _WORDS.get(" ".join(listed[at : at + size]))
            if term is None and size == 1:
                term = _of_stem(listed[at])
            if term:
                found[term.name] = term
                at += size - 1
                break
        at += 1
    return special(found.values())


def special(terms: Iterable[Diagnosis]) -> tuple[Diagnosis, ...]:
    """Return diagnoses each once, without the general ones that a more special one beside them means too."""
    found = {term.name: term for term in terms}
    return tuple(term for term in found.values() if not _PART_OF.get(term.name, set()) & found.keys())


def _of_stem(word: str) -> Diagnosis | None:
    match = _STEM.match(word)
    return _STEMS[match[0]] if match else None


@lru_cache(maxsize=4096)
def abbreviated(word: str) -> Diagnosis | None:
    """Return the diagnosis that an abbreviation may mean where its neighbours vouch for it."""
    return _WEAK.get(word)


def is_icd10(cell: str) -> bool:
    """Whether a cell is an ICD-10 code of an illness: not one of chapter Z, reasons for an encounter."""
    return bool(_ICD_CODE.match(cell.strip().upper())) and not cell.strip().upper().startswith("Z")


def of_icd10(cell: str) -> Diagnosis | None:
    """Return the diagnosis of an ICD-10 code such as ``F32.1``; None for others."""
    match = _ICD_CODE.match(cell.strip().upper())
    if not match:
        return None
    return _ICD10.get(match[1] + (match[2] or "")) or _ICD10.get(match[1])


def of_term_url(url: str) -> Diagnosis | None:
    """Return the diagnosis of a ``TermURL`` that ends with a SNOMED CT identifier of the list."""
    match = re.search(r"(\d{5,18})/?\Z", url)
    return _CODES.get(f"snomed:{match[1]}") if match and "snomed" in url.lower() else None


def is_listed(names: str) -> bool:
    """Whether every name, joined by ``; ``, is one of the list."""
    return bool(names) and all(name in _NAMES for name in names.split("; "))


def named(terms: Iterable[Diagnosis]) -> tuple[str, str]:
    """Return names and codes of diagnoses as the columns hold them, joined by ``; ``."""
    listed = list(terms)
    return "; ".join(term.name for term in listed), "; ".join(term.code for term in listed if term.code)
