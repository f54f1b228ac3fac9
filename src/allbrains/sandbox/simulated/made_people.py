"""participants.tsv and its .json of a made-up dataset, as differently written as the real ones. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from allbrains.sandbox.simulated import statistics
from allbrains.sandbox.simulated.draw import choose


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    name: str
    values: list[str]
    about: dict[str, object]


def tables(labels: tuple[str, ...], species: str, rng: np.random.Generator) -> dict[str, bytes]:
    """Return the texts of the participants' files by name; none where a dataset has none."""
    if rng.random() >= statistics.PARTICIPANTS:
        return {}
    prefix = "" if rng.random() < statistics.NO_PREFIX else "sub-"
    columns = [_Column(name="participant_id", values=[prefix + label for label in labels], about={})]
    if rng.random() < statistics.AGE:
        columns.append(_ages(len(labels), rng))
    if rng.random() < statistics.SEX:
        columns.append(_sexes(len(labels), rng))
    if rng.random() < statistics.HANDEDNESS:
        columns.append(_labels("handedness", ("right", "right", "right", "left"), len(labels), rng))
    if rng.random() < statistics.GROUP:
        columns.append(_labels("group", ("control", "patient"), len(labels), rng))
    if species and species != "Human" and rng.random() < 0.5:
        columns.append(_Column(name="species", values=[species.lower()] * len(labels), about={}))
    found = {"participants.tsv": _written(columns, rng)}
    if about := {column.name: column.about for column in columns if column.about}:
        found["participants.json"] = json.dumps(about, indent=2).encode()
    return found


def _written(columns: list[_Column], rng: np.random.Generator) -> bytes:
    rows = [[column.name for column in columns], *zip(*(column.values for column in columns), strict=True)]
    end = "\r\n" if rng.random() < statistics.CRLF else "\n"
    text = end.join("\t".join(row) for row in rows)
    if rng.random() >= statistics.NO_LAST_NEWLINE:
        text += end
    return text.encode("utf-8-sig" if rng.random() < statistics.BOM else "utf-8")


def _ages(count: int, rng: np.random.Generator) -> _Column:
    name = choose(statistics.AGE_COLUMNS, rng.random())
    style = choose(statistics.AGE_STYLES, rng.random())
    unit = choose(statistics.AGE_UNITS, rng.random())
    # most samples are of young adults, some of children, some of the old
    middle = choose(((0.7, 26.0), (0.1, 11.0), (0.2, 67.0)), rng.random())
    years = np.clip(rng.normal(middle, middle / 4, count), 4, 95)
    missing = rng.random(count) < statistics.AGE_MISSING
    if "months" in name:
        years, unit = years * 12, "months"
    values = ["n/a" if no else _age(year, style) for year, no in zip(years.tolist(), missing, strict=True)]
    return _Column(name=name, values=values, about={"Units": unit} if unit else {})


def _age(years: float, style: str) -> str:
    whole = int(years)
    match style:
        case "float":
            return f"{years:.2f}"
        case "range":
            return f"{whole // 5 * 5}-{whole // 5 * 5 + 5}"
        case "comma":
            return f"{years:.1f}".replace(".", ",")
        case "dicom":
            return f"{whole:03d}Y"
        case "capped":
            return "89+" if whole >= 89 else str(whole)
        case _:
            return str(whole)


def _sexes(count: int, rng: np.random.Generator) -> _Column:
    female, male = choose(statistics.SEX_STYLES, rng.random())
    name = choose(statistics.SEX_COLUMNS, rng.random())
    values = [female if number < 0.52 else male for number in rng.random(count).tolist()]
    levels: dict[str, object] = {"Levels": {female: "female", male: "male"}}
    return _Column(name=name, values=values, about=levels if rng.random() < 0.5 else {})


def _labels(name: str, among: tuple[str, ...], count: int, rng: np.random.Generator) -> _Column:
    values = [among[number] for number in rng.integers(0, len(among), count).tolist()]
    return _Column(name=name, values=values, about={})
