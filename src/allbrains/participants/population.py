"""What a dataset's files say of its kind: of infants, children or animals, and of which species. Pure.

The species comes from a ``species`` column, else from a breed or strain that only one species has, else
from the dataset's name; from the name only where the table also has a column that people don't have
(breed, strain, anaesthesia), because "cat" and "mouse" are stimuli and pointers too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from statistics import median

from allbrains.participants.dictionary import Dictionary
from allbrains.participants.participant import Confidence, Receipt
from allbrains.participants.table_cells import Sheet
from allbrains.participants.units import Context
from allbrains.participants.vocabulary import (
    BREEDS,
    HEADER,
    SPECIES,
    fold,
    header_key,
    header_words,
    is_missing,
    plain_words,
)
from allbrains.participants.which_columns import TableLayout

DESCRIPTION = "dataset_description.json"
_INFANTS = re.compile(
    r"\binfant|\bnewborn|\bneonat|\bf(?:o)?etal\b|\bf(?:o)?etus|\bbab(?:y|ies)\b|\bpreterm"
    r"|\bprematur|\btoddler|\bmonths?[- ]old"
)
_CHILDREN = re.compile(
    r"\bchild|\bkids?\b|\bp(?:a)?ediatric|\badolesc|\bpreschool|\bschool|\byears?[- ]olds?\b|\bdevelopment"
)
# Narrower: a name that speaks of children and of nobody older.
_ONLY_CHILDREN = re.compile(
    r"\bchild(?:ren)?\b|\bkids\b|\bp(?:a)?ediatric|\bpreschool|\bkindergarten|\btoddlers?\b|\binfants?\b"
)
_GROWN_UP = re.compile(
    r"\badult|\bag(?:e?ing|ed)\b|\belder|\bolder|\bparent|\bmother|\bmaternal|\bfather|\bcaregiver|\bfamil"
    r"|\blife ?span"
    r"|\bchildhood|\bwom[ae]n|\bmen\b|\bteacher|\bexperience"
)
_MONTHS = re.compile(
    r"\bage[sd]?\b[^.;\n]{0,40}\bmonths\b|\bmonths?[- ]old\b|\bmonths of age\b|\bmonths? infants?\b"
)
# A README's further text is not searched.
_MAX_README = 50_000
_SCHOOL_YEARS = frozenset(("school_grade", "grade_level", "current_grade", "grade_in_school", "school_year"))
_SCHOOL = re.compile(
    r"(?:infants?|toddlers?|pre-?school(?:er)?s?|kindergarten(?:er)?s?|school(?:er|-?age)?s?"
    r"|(?:grade|class) \d{1,2}|\d(?:st|nd|rd|th) grade|(?:first|second|third|fourth|fifth) grade)"
)
_KILOGRAMS = re.compile(r"\s*\d{1,3}(?:\.\d+)?\s*")
_WEIGHTS = frozenset(("weight", "weight_kg", "body_weight", "bodyweight", "body_weight_kg", "weight_in_kg"))
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


def context(
    name: str,
    tables: Sequence[tuple[Sheet, TableLayout]],
    dictionary: Dictionary,
    *,
    readme: str = "",
    stated_ages: Sequence[float] = (),
) -> Context:
    """Return what bears on ages.

    Args:
        name: of the dataset, as in its description.
        tables: all tables, each with its layout.
        dictionary: of participants.tsv.
        readme: text of the README; empty where it was not read.
        stated_ages: ages of participants as the site tells them, years; empty where it tells none.
    """
    headers = [column for sheet, _ in tables for column in sheet.header]
    words = {word for header in headers for word in header_words(header)}
    ages = [header for header in headers if HEADER["age"].intersection(header_words(header))]
    described = " ".join(dictionary.of(header).text for header in ages)
    prose, folded = fold(f"{name} {described}"), fold(name)
    species = {value for sheet, layout in tables for value in _species_in(sheet, layout)}
    nonhuman = species - {_HUMAN}
    human = _HUMAN in species or not (nonhuman or words & _LABORATORY)
    rodents = bool(nonhuman & {"mus musculus", "rattus norvegicus"}) or bool(_RODENTS.search(prose))
    return Context(
        infants=bool(_INFANTS.search(prose)),
        births=bool(words & _BIRTH),
        children=bool(_CHILDREN.search(prose)),
        rodents=rodents and _HUMAN not in species,
        animals=bool(nonhuman) or (bool(_ANIMALS.search(prose)) and not human),
        only_children=(bool(_ONLY_CHILDREN.search(folded)) or _at_school(tables))
        and not _GROWN_UP.search(folded),
        months=bool(_MONTHS.search(prose) or _MONTHS.search(fold(readme[:_MAX_README]))),
        stated=tuple(sorted(stated_ages)),
        weight=_median_weight(tables, dictionary),
    )


def _at_school(tables: Sequence[tuple[Sheet, TableLayout]]) -> bool:
    """Whether a table tells school years of all its people, or groups of toddlers and preschoolers."""
    for sheet, _ in tables:
        for index, header in enumerate(sheet.header):
            said = {fold(cell) for cell in sheet.column(index) if not is_missing(cell)}
            if said and (header_key(header) in _SCHOOL_YEARS or all(map(_SCHOOL.fullmatch, said))):
                return True
    return False


def _median_weight(tables: Sequence[tuple[Sheet, TableLayout]], dictionary: Dictionary) -> float | None:
    """Return the median of the first column of body weights in kg; None where there is none."""
    for sheet, _ in tables:
        for index, header in enumerate(sheet.header):
            key = header_key(header)
            kilograms = "kg" in key or re.search(r"\bkg\b|kilogram", fold(dictionary.of(header).prose))
            if key in _WEIGHTS and kilograms:
                numbers = [float(cell) for cell in sheet.column(index) if _KILOGRAMS.fullmatch(cell)]
                return median(numbers) if numbers else None
    return None


def _species_in(sheet: Sheet, layout: TableLayout) -> set[str]:
    columns = [(index, False) for index in layout.species] + [(index, True) for index in layout.breeds]
    named = {
        value
        for index, breed in columns
        for cell in set(sheet.column(index))
        if (value := species_of_cell(cell, breed=breed))
    }
    return named | ({layout.animal} if layout.animal and not named else set())


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

    def __init__(self, sheet: Sheet, layout: TableLayout, name: str) -> None:
        self._sheet = sheet
        self._layout = layout
        self._species, self._breeds = layout.species, layout.breeds
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
        """Return the species of a row and its receipt; None where it is unknown."""
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
        if self._layout.animal:
            return self._layout.animal, self._of_header(source)
        return None

    def _of_header(self, source: str) -> Receipt:
        indices = [age.index for age in self._layout.ages] + [sex.index for sex in self._layout.sexes]
        headers = [self._sheet.header[index] for index in indices]
        header = next(h for h in headers if self._layout.animal in map(SPECIES.get, header_words(h)))
        return Receipt(
            source=source, column=header, raw=header, rule="species.header", confidence=Confidence.MEDIUM
        )


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
