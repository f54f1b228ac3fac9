"""Assign people to sides: balanced and seeded; a person who has a side keeps it. Pure.

New groups come one after another, larger ones first and then in the order of a hash, each to the side that
then is the emptiest for its size: over all, in its datasets, its sex and its decade of age.

References:
    Pocock and Simon 1975, Biometrics 31:103-115 (minimisation).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from allbrains.errors import ConfigurationError

SIDES = ("train", "validation", "test")
LEFT_OUT = "left_out"  # a scan that turned out to be of somebody who is on another side


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Scans of one person, or of datasets that must not be parted.

    Attributes:
        members: scan ids.
        strata: what the group's scans are, such as ``sex=female``; each counts once a scan.
    """

    members: tuple[str, ...]
    strata: tuple[str, ...]

    @property
    def name(self) -> str:
        """16 hex digits that say nothing of the scans."""
        return hashlib.sha256(f"group\0{min(self.members)}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitChoice:
    """How sides are given.

    Attributes:
        shares: of train, validation and test; they sum to 1. A side of share 0 stays empty.
        seed: another one gives another split.
    """

    shares: tuple[float, float, float] = (0.8, 0.1, 0.1)
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse shares that aren't.

        Raises:
            ConfigurationError: as said.
        """
        if min(self.shares) < 0 or abs(sum(self.shares) - 1) > 1e-6:
            raise ConfigurationError(
                f"shares {self.shares}: expected three that are not negative and sum to 1"
            )


def assign(found: Sequence[Group], before: Mapping[str, str], choice: SplitChoice) -> dict[str, str]:
    """Return the side of each scan.

    Args:
        found: all groups, no scan in two of them.
        before: sides given earlier, by scan id. They are kept; where a group turns out to be on two sides,
            only the scans on the side of most of them stay, and the others are left out: no scan that a
            model was trained on is ever tested on.
        choice: shares and seed.
    """
    sides: dict[str, str] = {}
    counts: Counter[tuple[str, str]] = Counter()
    new = []
    for group in found:
        had = Counter(side for one in group.members if (side := before.get(one)) in SIDES)
        if had:
            # the most scans; of equals the one that has been trained on
            side = max(had, key=lambda one: (had[one], -SIDES.index(one)))
            _put(group, side, before, sides, counts)
        else:
            new.append(group)
    for group in sorted(new, key=lambda one: (-len(one.members), _hash(one, choice.seed))):
        _put(group, _emptiest(group, counts, choice.shares), before, sides, counts)
    return sides


def _put(
    group: Group,
    side: str,
    before: Mapping[str, str],
    sides: dict[str, str],
    counts: Counter[tuple[str, str]],
) -> None:
    for one in group.members:
        sides[one] = side if before.get(one, side) == side else LEFT_OUT
    counts.update((side, stratum) for stratum in group.strata)


def _emptiest(group: Group, counts: Mapping[tuple[str, str], int], shares: Sequence[float]) -> str:
    """Return the side that would be the emptiest, for its share, with half of the group in it.

    Half, as Webster divides seats: with the whole, each small dataset would go to the largest side.
    """
    own = Counter(group.strata)

    def fullness(side: str, share: float) -> float:
        return sum((counts.get((side, stratum), 0) + n / 2) / share for stratum, n in own.items())

    open_sides = [(side, share) for side, share in zip(SIDES, shares, strict=True) if share > 0]
    return min(open_sides, key=lambda one: fullness(*one))[0]


def _hash(group: Group, seed: int) -> str:
    return hashlib.sha256(f"{seed}\0{min(group.members)}".encode()).hexdigest()


def strata_of(rows: Iterable[Mapping[str, object]]) -> tuple[str, ...]:
    """Return what scans are to be balanced over, from their rows of the samples table."""
    strata = []
    for row in rows:
        age = row.get("age_years")
        decade = f"{int(age // 10)}0s" if isinstance(age, int | float) else "unknown"
        strata += ["all", f"dataset={row['dataset']}", f"sex={row.get('sex')}", f"age={decade}"]
    return tuple(strata)
