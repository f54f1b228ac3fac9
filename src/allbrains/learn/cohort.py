"""The cohort of a run: its people and samples, the target of each, and the side of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from allbrains.errors import ConfigurationError
from allbrains.learn.settings import LearnSettings
from allbrains.load import Brains
from allbrains.load import open as open_corpus
from allbrains.load.model_columns import plain_column
from allbrains.load.order import Places
from allbrains.records import Array
from allbrains.splits.assign import SIDES, Group, SplitChoice, assign, strata_of
from allbrains.splits.likeness import alike
from allbrains.splits.make_splits import TELLING, vectors_of
from allbrains.splits.same_person import groups, keys_of
from allbrains.store.split_table import sides_of

_USABLE = {
    "age": "age_years is not null and not coalesce(age_capped, false)",
    "sex": "sex in ('female', 'male')",
    "contrastive": "true",
}
_FEWEST_DATASETS = 3  # one a side


@dataclass(frozen=True, kw_only=True, eq=False)
class Cohort:
    """The samples of a run.

    Attributes:
        brains: with the network's maps.
        target: shape (sample,): age in years; 0 for female and 1 for male; NaN where there is none.
        people: the person of each sample, opaque.
        sides: ``train``, ``validation`` or ``test``, of each sample.
    """

    brains: Brains
    target: Array
    people: Array
    sides: Array

    def places(self, side: str) -> Places:
        """Return the places of one side's samples."""
        return np.flatnonzero(self.sides == side)

    def column(self, name: str) -> Array:
        """Return a column of the samples: float64, NaN where unknown, or texts."""
        return np.asarray(plain_column(self.brains.table, name))

    def on_several_sides(self) -> int:
        """Return how many people are on more than one side: a leak, where sides came from a file."""
        pairs = set(zip(self.people.tolist(), self.sides.tolist(), strict=True))
        return len(pairs) - len({person for person, _ in pairs})

    def complete(self, settings: LearnSettings) -> LearnSettings:
        """Return the settings of a run on these samples: with a number of epochs, where none is set."""
        scans, people, _ = self.counts()["train"]
        return settings.enough(people if settings.task == "contrastive" else scans)

    def counts(self) -> dict[str, tuple[int, int, int]]:
        """Return, for each side, its numbers of samples, people and datasets."""
        datasets = self.column("dataset")
        found = {side: self.places(side) for side in SIDES}
        return {
            side: (len(own), len({*self.people[own]}), len({*datasets[own]})) for side, own in found.items()
        }


def gather(out: str | Path, settings: LearnSettings) -> Cohort:
    """Return the samples of a corpus that take part in a task.

    Raises:
        ConfigurationError: there is no corpus or map, the condition is wrong, or a side is empty.
    """
    where = " and ".join(f"({one})" for one in (_USABLE[settings.task], settings.where) if one)
    brains = open_corpus(out, maps=settings.maps, where=where)
    if not len(brains):
        raise ConfigurationError(f"{out} has no sample where {where}")
    people, sides = _sides(out, brains, settings)
    kept = np.flatnonzero(np.isin(sides, SIDES))
    brains = replace(brains, table=brains.table.take(kept))
    target = _target(brains, settings)
    if settings.shuffle_labels:
        target = shuffled(target, people[kept], settings.seed)
    cohort = Cohort(brains=brains, target=target, people=people[kept], sides=sides[kept])
    for side in SIDES:
        if not len(cohort.places(side)):
            raise ConfigurationError(
                f"nobody is on the side {side!r}: {len(brains)} samples take part; "
                "more data, other shares, or --split persons"
            )
    return cohort


def shuffled(target: Array, people: Array, seed: int) -> Array:
    """Return the targets permuted between people; all scans of one person still have the same."""
    names, own = np.unique(people, return_inverse=True)
    first = np.full(len(names), np.nan)
    first[own[::-1]] = target[::-1]  # of each person's scans the first one's
    return np.asarray(np.random.default_rng([seed, 1]).permutation(first)[own])


def _target(brains: Brains, settings: LearnSettings) -> Array:
    names = brains.table.column_names
    if settings.task == "sex":
        return np.asarray([float(one == "male") for one in plain_column(brains.table, "sex")])
    return np.asarray(
        plain_column(brains.table, "age_years") if "age_years" in names else np.full(len(brains), np.nan)
    )


def _sides(out: str | Path, brains: Brains, settings: LearnSettings) -> tuple[Array, Array]:
    """Return person and side of each sample; persons by the brain, too, where a map tells it."""
    rows = brains.table.to_pylist()
    ids: list[str] = [row["scan_id"] for row in rows]
    pairs = _alike(out, brains)
    people = groups([keys_of(row) for row in rows], pairs)
    names = [f"{at:06d}" for at in range(len(people))]
    owner = {place: name for name, places in zip(names, people, strict=True) for place in places}
    if settings.split == "stored":
        sides = _stored(out, brains)
    else:
        whole = settings.split == "datasets"
        if whole:
            _see_enough_datasets(rows)
        linked = groups([keys_of(row, whole_datasets=whole) for row in rows], pairs)
        found = [
            Group(
                members=tuple(sorted(ids[place] for place in places)),
                strata=strata_of(rows[place] for place in places),
            )
            for places in linked
        ]
        sides = assign(found, {}, SplitChoice(shares=settings.shares, seed=settings.seed))
    if missing := sum(one not in sides for one in ids):
        raise ConfigurationError(f"{missing} samples have no side: `allbrains splits {out}` gives them one")
    return np.array([owner[at] for at in range(len(ids))]), np.array([sides[one] for one in ids])


def _alike(out: str | Path, brains: Brains) -> list[tuple[int, int]]:
    """Return the pairs of places that hold one person's brains; none where no map tells."""
    everything = open_corpus(out, limits={})
    name = next((one for one in TELLING if one in everything.specs), None)
    if name is None:
        return []
    ids = everything.table["scan_id"].combine_chunks()
    rows = pc.index_in(brains.table["scan_id"].combine_chunks(), value_set=ids)
    telling = replace(everything.choose([name]), table=everything.table.take(rows))
    return list(alike(vectors_of(telling)))


def _stored(out: str | Path, brains: Brains) -> dict[str, str]:
    """Return the sides that the corpus' own table gives.

    Raises:
        ConfigurationError: there is none.
        CorpusError: it is damaged.
    """
    table = sides_of(brains.shelf)
    return dict(zip(table["scan_id"].to_pylist(), table["split"].to_pylist(), strict=True))


def _see_enough_datasets(rows: Sequence[Mapping[str, object]]) -> None:
    if (count := len({row["dataset"] for row in rows})) < _FEWEST_DATASETS:
        raise ConfigurationError(
            f"{count} datasets can't be dealt out to three sides: --split persons tests on new people of the "
            "same datasets, which says less"
        )
