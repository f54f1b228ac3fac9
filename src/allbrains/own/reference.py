"""The people of a corpus that an own scan is compared with: as columns, never as persons. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from allbrains.limits import PASS
from allbrains.own.centiles import MALE
from allbrains.records import Array

MIN_PEOPLE = 150  # of the same sex and the other: below, a curve of six weights follows single persons
MIN_NEAR = 50  # of the same sex and about the same age: the 5th centile then has two or three below it
NEAR_YEARS = 7.5
MIN_BESIDE = 10  # of those, both younger and older: no curve goes beyond the people that it is made from
# Accessions that the local OpenNeuro gives to computed heads; OpenNeuro's own are at 8,100 in 2026.
_COMPUTED = re.compile(r"ds9\d{5}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """One row for each person; columns of one length.

    Attributes:
        ages: years.
        male: 1 or 0.
        sites: name of the dataset, which stands for the scanner.
        values: by column of the samples table; NaN where a person has none.
    """

    ages: Array
    male: Array
    sites: Array
    values: dict[str, Array]

    def __len__(self) -> int:
        return len(self.ages)


def people_of(table: pa.Table, measures: tuple[str, ...]) -> People:
    """Return one good scan for each person, of those whose age and sex are known and who are not patients.

    Args:
        table: a corpus' samples with ``qc_pass``.
        measures: columns to take; those that the corpus doesn't have are left out.
    """
    names = [name for name in measures if name in table.column_names]
    beside = [name for name in ("group", "age_capped") if name in table.column_names]
    needed = ("dataset", "subject", "age_years", "sex", PASS)
    if any(name not in table.column_names for name in needed):
        return _people([], names)
    rows = table.select([*needed, *beside, *names]).to_pylist()
    kept: dict[tuple[str, str], dict[str, object]] = {}
    for row in rows:
        known = row["age_years"] is not None and row["sex"] in MALE and not row.get("age_capped")
        if known and row[PASS] and row.get("group") != "patient" and not _COMPUTED.match(row["dataset"]):
            kept.setdefault((row["dataset"], row["subject"]), row)
    return _people(list(kept.values()), names)


def _people(rows: list[dict[str, object]], names: list[str]) -> People:
    def column(name: str) -> Array:
        return np.array([np.nan if row[name] is None else row[name] for row in rows], float)

    return People(
        ages=column("age_years"),
        male=np.array([MALE[str(row["sex"])] for row in rows], float),
        sites=np.array([str(row["dataset"]) for row in rows], dtype=object),
        values={name: column(name) for name in names},
    )


def too_few(people: People, age: float, sex: str) -> str:
    """Return why a person can't be compared with these people; empty where they can.

    Args:
        people: those with the number in question.
        age: years.
        sex: ``female`` or ``male``.
    """
    if len(people) < MIN_PEOPLE:
        return f"the corpus has {len(people)} comparable people with this number; {MIN_PEOPLE} are needed"
    same = people.ages[people.male == MALE[sex]]
    near = same[np.abs(same - age) <= NEAR_YEARS]
    beside = min(int((near < age).sum()), int((near > age).sum()))
    if len(near) < MIN_NEAR or beside < MIN_BESIDE:
        return (
            f"the corpus has {len(near)} people of this sex within {NEAR_YEARS:g} years of this age, "
            f"{beside} of them on the emptier side; {MIN_NEAR} and {MIN_BESIDE} are needed"
        )
    return ""


def with_value(people: People, name: str) -> tuple[People, Array]:
    """Return the people who have a number, and the number."""
    values = people.values[name]
    good = np.isfinite(values)
    kept = People(ages=people.ages[good], male=people.male[good], sites=people.sites[good], values={})
    return kept, values[good]
