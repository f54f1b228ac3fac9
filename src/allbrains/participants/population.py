"""What a dataset's files say of its kind: of infants, children or animals, and of which species. Pure.

The species comes from a ``species`` column, else from a breed or strain that only one species has, else
from the dataset's name; from the name only where the table also has a column that people don't have
(breed, strain, anaesthesia), because "cat" and "mouse" are stimuli and pointers too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from allbrains.participants.dictionary import Dictionary
from allbrains.participants.participant import Confidence, Receipt
from allbrains.participants.table_cells import Sheet
from allbrains.participants.units import Context
from allbrains.participants.vocabulary import (
    BREEDS,
    HEADER,
    SPECIES,
    fold,
    header_words,
    is_missing,
    plain_words,
)
from allbrains.participants.which_columns import species_columns

DESCRIPTION = "dataset_description.json"
_INFANTS = re.compile(
    r"\binfant|\bnewborn|\bneonat|\bf(?:o)?etal\b|\bf(?:o)?etus|\bbab(?:y|ies)\b|\bpreterm"
    r"|\bprematur|\btoddler|\bmonths?[- ]old"
)
_CHILDREN = re.compile(
    r"\bchild|\bkids?\b|\bp(?:a)?ediatric|\badolesc|\bpreschool|\bschool|\byears?[- ]olds?\b|\bdevelopment"
)
_RODENTS = re.compile(
    r"\brats?\b|\bmice\b|\brodents?\b|\bmurine\b|\bmouse (?:brain|model|f?mri|line)|\bwistar\b"
    r"|\bsprague|\bc57bl"
)
_ANIMALS = re.compile(
    r"\bmacaques?\b|\bmonkeys?\b|\bmarmosets?\b|\bdogs?\b|\bcanine|\bbaboons?\b|\bferrets?\b|\bpiglets?\b|\bsheep\b|\bpigeons?\b|\bnon-?human"
)
_LABORATORY = frozenset(
    (
        "breed",
        "strain",
        "anesthesia",
        "anaesthesia",
        "genotype",
        "litter",
        "cage",
        "isoflurane",
        "sevofluran",
        "sevoflurane",
        "transgenic",
    )
)
_BIRTH = frozenset(("gestational", "gestation", "postmenstrual", "pma"))
_HUMAN = "homo sapiens"
_HUMAN_WORDS = frozenset(("human", "humans", "homo", "sapiens"))


def context(name: str, sheets: Sequence[Sheet], dictionary: Dictionary) -> Context:
    """Return what bears on ages.

    Args:
        name: of the dataset, as in its description.
        sheets: all tables.
        dictionary: of participants.tsv.
    """
    headers = [column for sheet in sheets for column in sheet.header]
    words = {word for header in headers for word in header_words(header)}
    ages = [header for header in headers if HEADER["age"].intersection(header_words(header))]
    prose = fold(" ".join([name, *(dictionary.of(header).text for header in ages)]))
    species = {value for sheet in sheets for value in _column_species(sheet)}
    nonhuman = species - {_HUMAN}
    human = _HUMAN in species or not (nonhuman or words & _LABORATORY)
    rodents = bool(nonhuman & {"mus musculus", "rattus norvegicus"}) or bool(_RODENTS.search(prose))
    return Context(
        infants=bool(_INFANTS.search(prose)),
        births=bool(words & _BIRTH),
        children=bool(_CHILDREN.search(prose)),
        rodents=rodents and _HUMAN not in species,
        animals=bool(nonhuman) or (bool(_ANIMALS.search(prose)) and not human),
    )


def _column_species(sheet: Sheet) -> set[str]:
    species, breeds = species_columns(sheet.header)
    return {
        value
        for index in species + breeds
        for cell in set(sheet.column(index))
        if (value := species_of_cell(cell, breed=index in breeds))
    }


def species_of_cell(cell: str, *, breed: bool) -> str | None:
    """Return the species that a cell names; an unknown name stays as it is, an unknown breed is None."""
    if is_missing(cell):
        return None
    text = fold(cell).strip(" .,;")
    if not breed and _HUMAN_WORDS.intersection(plain_words(text)) and "non" not in text:
        return _HUMAN
    if not breed:
        return SPECIES.get(text, text) if re.search(r"[^\W\d_]{3}", text) else None
    pieces = [text, *text.split(), *plain_words(text)]
    found = {BREEDS[piece] for piece in pieces if piece in BREEDS}
    return found.pop() if len(found) == 1 else None


class SpeciesReader:
    """Tells the species of each row of a table."""

    def __init__(self, sheet: Sheet, name: str) -> None:
        self._sheet = sheet
        self._species, self._breeds = species_columns(sheet.header)
        self._of_name = _species_of_name(name, sheet.header)
        named = {
            value
            for index in self._breeds
            for c in sheet.column(index)
            if (value := species_of_cell(c, breed=True))
        }
        if self._of_name and named - {self._of_name[0]}:
            self._of_name = None

    def read(self, cells: Sequence[str], source: str) -> tuple[str, Receipt] | None:
        """Return the species of a row and its receipt; None where nothing tells it."""
        for indices, breed in ((self._species, False), (self._breeds, True)):
            for index in indices:
                if value := species_of_cell(cells[index], breed=breed):
                    return value, Receipt(
                        source=source,
                        column=self._sheet.header[index],
                        raw=cells[index],
                        rule="species.breed" if breed else "species.column",
                        confidence=Confidence.HIGH,
                    )
        if self._of_name and not any(not is_missing(cells[index]) for index in self._species):
            value, word = self._of_name
            return value, Receipt(
                source=DESCRIPTION, column="Name", raw=word, rule="species.name", confidence=Confidence.MEDIUM
            )
        return None


def _species_of_name(name: str, header: Sequence[str]) -> tuple[str, str] | None:
    words = {word for column in header for word in header_words(column)}
    if not words & _LABORATORY:
        return None
    found = {SPECIES[fold(word)]: word for word in re.findall(r"[^\W\d_]+", name) if fold(word) in SPECIES}
    return next(iter(found.items())) if len(found) == 1 else None


def name_of(description: Mapping[str, object]) -> str:
    """Return the dataset's name in its description; empty where it has none."""
    name = description.get("Name")
    return name if isinstance(name, str) else ""
