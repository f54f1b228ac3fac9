"""Are files of one person? When in doubt: no. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from allbrains.dicom.instances import Identity


def persons(identities: Iterable[Identity]) -> int:
    """Return how many people these are, at least; what a file doesn't say contradicts nobody."""
    known: list[Identity] = []
    for identity in dict.fromkeys(identities):
        if not any(same(identity, other) for other in known):
            known.append(identity)
    return len(known)


def same(one: Identity, other: Identity) -> bool:
    """Return whether two files may be one person's.

    Two sexes or two birth dates are two people. Two ids are two people unless name and birth date are
    known and equal, as for a person with files of two hospitals; two names are two people unless id and
    birth date are, as after a marriage.
    """
    if _differ(one.sex, other.sex) or _differ(one.born, other.born):
        return False
    born = bool(one.born) and one.born == other.born
    if _differ(one.number, other.number):
        return born and bool(one.name) and one.name == other.name
    if _differ(one.name, other.name):
        return born and bool(one.number) and one.number == other.number
    return True


def _differ(one: object, other: object) -> bool:
    return bool(one) and bool(other) and one != other
