"""Species of a dataset: living people, or something else, with the evidence. Pure.

What is stated outranks what is guessed, and a guess must be unambiguous, because "mouse", "cat faces" and
"phantom limb" are things that people are shown, move or feel:

1. the species that the owner states on the site;
2. for the rest, the dataset's name, then its README: a Latin name or a strain; a word for an animal, a
   phantom or a dead brain where the text says nothing of people;
3. the species of each participant, where the participants' table has it;
4. labels in the file's own name: ``sub-phantom1``, ``sub-rat03``, ``acq-exvivo``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from allbrains.records import Scan
from allbrains.sources.snapshot import Excluded, Exclusion, Snapshot

Evidence = tuple[Exclusion, str]

_ANIMAL_WORDS = (
    "mouse|mice|murine|rats?|rodents?|macaques?|monkeys?|marmosets?|baboons?|lemurs?|chimpanzees?|apes?"
    "|rhesus|nhps?|dogs?|canines?|cats?|felines?|pigs?|piglets?|minipigs?|swine|porcine|sheep|lambs?|ovine"
    "|ferrets?|rabbits?|bats?|voles?|gerbils?|squirrels?|hamsters?|pigeons?|zebra ?finch(?:es)?|songbirds?"
    "|crows?|equine|horses?|goats?|zebrafish|tree ?shrews?"
)
_LATIN = re.compile(
    r"c57bl|balb/c|sprague[- ]dawley|\bwistar\b|long[- ]evans|lister[- ]hooded|fischer 344|\bf344\b"
    r"|mus musculus|rattus norvegicus|\bmacaca [a-z]+|\bpapio [a-z]+|callithrix jacchus|pan troglodytes"
    r"|canis (?:lupus )?familiaris|felis catus|sus scrofa|ovis aries|mustela putorius|columba livia"
    r"|microcebus|non[- ]?hum[au]n[- ]primates?",
    re.IGNORECASE,
)
_ANIMAL = re.compile(rf"\b(?:{_ANIMAL_WORDS})\b", re.IGNORECASE)
_PHANTOM = re.compile(
    r"\bphantoms?\b(?! (?:limbs?|pains?|sensations?|hands?|arms?|legs?|percepts?|sounds?))", re.IGNORECASE
)
_EX_VIVO = re.compile(r"\bex[- ]?vivo\b|\bpost[- ]?mortem\b|\bcadaver(?:ic|s)?\b", re.IGNORECASE)
_IN_VIVO = re.compile(r"\bin[- ]?vivo\b", re.IGNORECASE)
_HUMAN = re.compile(
    r"(?<!non)(?<!non[- ])\bhumans?\b|\bhomo sapiens\b|\bparticipants? (?:were|was|performed|viewed|gave)\b"
    r"|\bpatients?\b|\bvolunteers?\b|\b(?:wo)?men\b|\badults? participants?\b|\bchildren\b|\badolescents?\b"
    r"|\bstudents?\b|\byears old\b|\b(?:written|informed) consent\b|\bhealthy adults?\b",
    re.IGNORECASE,
)
# in a name, an animal beside one of these is what people see, hear or do
_STIMULUS = re.compile(
    r"\b(?:faces?|pictures?|images?|videos?|movies?|clips?|stimuli|perception|viewing|watching|words?|task"
    r"|sounds?|experiment|race|phobia|tracking|owners?|assisted|naming|concepts?|categor\w*)\b",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"(?:(?P<phantom>[a-z]*phantom[a-z]*)|(?P<animal>rat|mouse|monkey|macaque|marmoset|baboon|dog|pig|sheep"
    r"|ferret|lemur)|(?P<dead>[a-z]*(?:exvivo|postmortem)[a-z]*))[0-9]*[a-z]?\Z",
    re.IGNORECASE,
)
_REASONS = {"phantom": Exclusion.PHANTOM, "animal": Exclusion.NON_HUMAN, "dead": Exclusion.EX_VIVO}
# README: so often a word must come before a text that never speaks of people is about it
_TWICE = 2
_HUMAN_SPECIES = re.compile(r"(?<!non)(?<!non[- ])human|hom[oi] sapiens", re.IGNORECASE)


def needs_readme(snapshot: Snapshot) -> bool:
    """Return whether the README may decide: it can't outrank a stated species."""
    return not snapshot.species.strip()


def of_dataset(snapshot: Snapshot, readme: str = "") -> Evidence | None:
    """Return why a whole dataset is not of living people; None where nothing says so."""
    stated = snapshot.species.strip()
    if _PHANTOM.search(stated) or "synthetic" in stated.lower():
        return Exclusion.PHANTOM, f"species: {stated}"
    if stated and not _HUMAN_SPECIES.search(stated):  # "Other" too: the form offers "Human" first
        return Exclusion.NON_HUMAN, f"species: {stated}"
    words = _spaced(snapshot.name)
    if found := _lifeless(words):
        return found
    return None if stated else _of_name(words) or _of_readme(readme)


def of_scan(scan: Scan, species: str | None = None) -> Evidence | None:
    """Return why one scan is not of a living person; None where nothing says so.

    Args:
        scan: its labels are looked at.
        species: of its participant, as the participants' table says; None where it says none.
    """
    if species and not _HUMAN_SPECIES.search(species):
        return Exclusion.NON_HUMAN, f"participants: species {species}"
    for key, label in scan.entities:
        if match := _LABEL.match(label):
            return _REASONS[match.lastgroup or ""], f"{key}-{label}"
    return None


def sort_out(
    snapshot: Snapshot,
    scans: Sequence[Scan],
    *,
    readme: str = "",
    species: Callable[[Scan], str | None] = lambda scan: None,
) -> tuple[tuple[Scan, ...], tuple[Excluded, ...]]:
    """Return the scans of living people, and a row with the evidence for each of the others."""
    whole = of_dataset(snapshot, readme)
    kept: list[Scan] = []
    excluded: list[Excluded] = []
    for scan in scans:
        found = whole or of_scan(scan, species(scan))
        if found is None:
            kept.append(scan)
            continue
        excluded.append(
            Excluded(
                dataset=scan.dataset,
                snapshot=scan.snapshot,
                path=scan.path,
                reason=found[0],
                evidence=found[1],
            )
        )
    return tuple(kept), tuple(excluded)


def _lifeless(name: str) -> Evidence | None:
    if (found := _PHANTOM.search(name)) and not _HUMAN.search(name):
        return Exclusion.PHANTOM, f"name: {found[0]}"
    if (found := _EX_VIVO.search(name)) and not _IN_VIVO.search(name):
        return Exclusion.EX_VIVO, f"name: {found[0]}"
    return None


def _of_name(name: str) -> Evidence | None:
    if found := _LATIN.search(name):
        return Exclusion.NON_HUMAN, f"name: {found[0]}"
    if _HUMAN.search(name) or _STIMULUS.search(name):
        return None
    for found in _ANIMAL.finditer(name):
        if name.isupper() or not found[0].isupper():  # CAT and RAT are acronyms
            return Exclusion.NON_HUMAN, f"name: {found[0]}"
    return None


def _of_readme(readme: str) -> Evidence | None:
    if _HUMAN.search(readme):
        return None
    if found := _LATIN.search(readme):
        return Exclusion.NON_HUMAN, f"README: {_around(readme, found)}"
    for pattern, reason in (
        (_EX_VIVO, Exclusion.EX_VIVO),
        (_PHANTOM, Exclusion.PHANTOM),
        (_ANIMAL, Exclusion.NON_HUMAN),
    ):
        found = pattern.search(readme)
        if found and len(pattern.findall(readme)) >= _TWICE and not _STIMULUS.search(readme):
            return reason, f"README: {_around(readme, found)}"
    return None


def _spaced(name: str) -> str:
    """Return a name with its words apart: ``MouseLemurAtlas_MRIraw`` → ``Mouse Lemur Atlas MRIraw``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[0-9])(?=[A-Z][a-z])|_+", " ", name)


def _around(text: str, found: re.Match[str]) -> str:
    """Return what was found with the words around it, in one line."""
    return " ".join(text[max(found.start() - 40, 0) : found.end() + 40].split())
