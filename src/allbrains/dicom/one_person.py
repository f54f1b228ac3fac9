"""Whether files are of one person. In doubt they are not, unless the user says so. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from allbrains.dicom.instances import Identity

_SEXES = frozenset({"F", "M"})  # O and what programs put there say nothing


def persons(identities: Iterable[Identity]) -> int:
    """Return how many people these are, at least; a field that a file lacks contradicts no person."""
    people: list[list[Identity]] = []
    # who says most goes first, so that a file that says nothing joins nobody to anybody
    for identity in sorted(dict.fromkeys(identities), key=_silence):
        mine = next((group for group in people if all(same(identity, one) for one in group)), None)
        if mine is None:
            people.append([identity])
        else:
            mine.append(identity)
    return len(people)


def same(one: Identity, other: Identity) -> bool:
    """Return whether two files may be one person's.

    Two sexes or two birth dates are two people. Two ids are two people unless name and birth date are
    known and alike, as for a person with files of two hospitals. Two names are two people unless id and
    birth date are equal, as after a marriage, or one of these is and the names differ by initials only.
    """
    if _differ(one.born, other.born) or ({one.sex, other.sex} >= _SEXES):
        return False
    born, number = bool(one.born) and one.born == other.born, bool(one.number) and one.number == other.number
    alike = names_alike(one.name, other.name)
    if _differ(one.number, other.number):
        return born and bool(one.name) and bool(other.name) and alike
    if _differ(one.name, other.name):
        return (born and number) or ((born or number) and alike)
    return True


def names_alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Return whether two names are equal but for initials: ``jane doe``, ``j doe`` and ``jane a doe``.

    At least one whole word is in both.
    """
    if one == other:
        return True
    shared = set(one) & set(other)
    if not any(len(word) > 1 for word in shared):
        return False
    mine, theirs = sorted(set(one) - shared), sorted(set(other) - shared)
    for short, whole in ((mine, theirs), (theirs, mine)):
        for initial in [word for word in short if len(word) == 1]:
            meant = next((word for word in whole if len(word) > 1 and word.startswith(initial)), None)
            if meant is not None:
                short.remove(initial)
                whole.remove(meant)
    return not (mine and theirs) and all(len(word) == 1 for word in mine + theirs)


def _differ(one: object, other: object) -> bool:
    return bool(one) and bool(other) and one != other


def _silence(identity: Identity) -> int:
    return sum(not value for value in (identity.born, identity.name, identity.number, identity.sex))
