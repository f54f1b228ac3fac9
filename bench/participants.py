"""Measure the participants' harmonisation: against a person's answers, and its speed.

    python bench/participants.py FOLDER      # FOLDER holds one folder a dataset, as answers.toml names them
    python bench/participants.py             # speed only: 1,500 made-up files of 72,000 rows

Prints, for age, sex, handedness, group and species: how many values a careful person recovers, which share
of them the program gives, how many it refuses, how many are wrong; the same for each group;
what becomes of the same ages once they are spoiled in the ways in which OpenNeuro's tables are (zeros,
codes, months without or with a false unit, row numbers), by kind; then CPU seconds.
"""

from __future__ import annotations

import sys
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from recorded import recorded

from allbrains.participants import Participant, harmonise
from allbrains.participants.joining import session_key

ANSWERS = Path(__file__).parents[1] / "tests" / "participants" / "data" / "answers.toml"
Key = tuple[str, str]


def expected_age(raw: str, answer: dict[str, Any]) -> object:
    """Return what a person reads in an age cell: None, a number, (low, high) or "89 capped"."""
    if raw in answer.get("cells", {}):
        told = answer["cells"][raw]
        return None if told == "null" else told
    raw = raw.removesuffix(answer.get("suffix", ""))
    if answer["as"] == "range":
        low, high = raw.split("-")
        return float(low), float(high)
    return float(raw.replace(",", "."))


def expected(path: Path, answer: dict[str, Any]) -> Iterator[tuple[Key, dict[str, object]]]:
    """Yield participant and session with the values that a person gives them."""
    header, *lines = path.read_text("utf-8").splitlines()
    names = header.split("\t")
    for line in lines:
        row = dict(zip(names, line.split("\t"), strict=True))
        label = row["participant_id"].removeprefix("sub-")
        fixed: dict[str, object] = {}
        for field in ("sex", "handedness", "group", "species"):
            fixed[field] = expected_word(row, answer.get(field))
        ages: dict[str, object] = {}
        if "column" in answer.get("age", {}):
            ages[""] = expected_age(row[answer["age"]["column"]], answer["age"])
        for session, column in answer.get("sessions", {}).items():
            if (age := expected_age(row[column], answer["age"])) is not None:
                ages[session] = age
        for session, age in (ages or {"": None}).items():
            yield (label, session_key(session)), fixed | {"age": age}


def expected_word(row: dict[str, str], answer: dict[str, Any] | None) -> object:
    """Return what a person reads in a cell of words or codes."""
    if answer is None:
        return None
    if "value" in answer:
        return answer["value"]
    cell = row[answer["column"]]
    if "prefixes" in answer:
        return next((value for prefix, value in answer["prefixes"].items() if cell.startswith(prefix)), None)
    told = answer["words"][cell]
    return None if told == "null" else told


def given(row: Participant) -> dict[str, object]:
    """Return the program's values in the form of the answers."""
    age: object = row.age_years
    if row.age_low is not None and row.age_high is not None:
        age = (row.age_low, row.age_high)
    elif row.age_capped:
        age = f"{row.age_years:g} capped" if row.age_years is not None else "capped"
    return {
        "age": age,
        "sex": row.sex,
        "handedness": row.handedness,
        "group": row.group,
        "species": row.species,
    }


def compare(folder: Path) -> bool:
    """Print shares by field; return whether nothing is wrong."""
    counts: Counter[tuple[str, str]] = Counter()
    started = time.process_time()
    for dataset, answer in tomllib.loads(ANSWERS.read_text("utf-8")).items():
        files = {p.name: p.read_bytes() for p in (folder / dataset).glob("*") if p.is_file()}
        if "participants.tsv" not in files:
            continue
        rows = {
            (row.participant_id.removeprefix("sub-"), session_key(row.session_id)): given(row)
            for row in harmonise(dataset, files).rows
        }
        told = dict(expected(folder / dataset / "participants.tsv", answer))
        for key in told.keys() | rows.keys():
            for field in ("age", "sex", "handedness", "group", "species"):
                wanted, found = told.get(key, {}).get(field), rows.get(key, {}).get(field)
                counts[field, verdict(wanted, found)] += 1
                if field == "group" and (wanted or found):
                    counts[f"  {wanted or 'no group'}", verdict(wanted, found)] += 1
                if verdict(wanted, found) in ("wrong", "refused"):
                    print(f"  {dataset} {key} {field}: expected {wanted}, found {found}")
    seconds = time.process_time() - started
    groups = sorted({field for field, _ in counts if field.startswith(" ")})
    for field in ("age", "sex", "handedness", "group", *groups, "species"):
        right, refused, wrong = (counts[field, name] for name in ("right", "refused", "wrong"))
        share = right / (right + refused or 1)
        print(f"{field:11} {right + refused:5} to recover {share:8.2%} {refused:4} refused {wrong:4} wrong")
    print(f"{seconds:.2f} CPU seconds")
    return not any(name == "wrong" and n for (_, name), n in counts.items())


def verdict(wanted: object, found: object) -> str:
    """Return right, refused, wrong or nothing."""
    if found is None:
        return "nothing" if wanted is None else "refused"
    close = isinstance(wanted, float) and isinstance(found, float) and abs(wanted - found) < 1e-6
    return "right" if close or wanted == found else "wrong"


Spoiled = list[tuple[str, str, float | None]]  # session, cell, the age that it may give


def _zeros(ages: Sequence[float]) -> Iterator[Spoiled]:
    """Yield, for each person, the cells with every third age a zero."""
    for i, age in enumerate(ages):
        yield [("", f"{age:g}" if i % 3 else "0", age if i % 3 else None)]


def _codes(ages: Sequence[float]) -> Iterator[Spoiled]:
    """Yield, for each person, the cells with every fourth age 99 or 1."""
    for i, age in enumerate(ages):
        code = "99" if max(ages) < 85 else "1"
        yield [("", f"{age:g}" if i % 4 else code, age if i % 4 else None)]


def _months(ages: Sequence[float]) -> Iterator[Spoiled]:
    """Yield, for each person, the age in months."""
    for age in ages:
        yield [("", f"{age * 12:.0f}", age)]


def _sessions(ages: Sequence[float]) -> Iterator[Spoiled]:
    """Yield, for each person, the ages of a child at two visits in months, three years apart."""
    for age in ages:
        first = 6 + age % 12
        yield [("ses-1", f"{first:.1f}", first / 12), ("ses-2", f"{first + 36:.1f}", first / 12 + 3)]


def _numbers(ages: Sequence[float]) -> Iterator[Spoiled]:
    """Yield, for each person, the number of the row instead of an age."""
    for i, _ in enumerate(ages, 1):
        yield [("", str(i), None)]


YEARS = {"participants.json": b'{"age": {"Units": "years"}}'}
KINDS: dict[str, tuple[Callable[[Sequence[float]], Iterator[Spoiled]], dict[str, bytes]]] = {
    "zeros": (_zeros, YEARS),
    "codes 99 and 1": (_codes, YEARS),
    "months, no unit": (_months, {}),
    "months called years": (_months, YEARS),
    "infants' visits, no unit": (_sessions, {}),
    "row numbers": (_numbers, YEARS),
}


def spoil(folder: Path) -> bool:
    """Print what becomes of the real ages once they are spoiled, by kind; return whether none is false."""
    people: dict[str, list[float]] = {}
    for dataset, answer in tomllib.loads(ANSWERS.read_text("utf-8")).items():
        years = answer.get("age", {}).get("as") == "years" and "species" not in answer
        if years and (folder / dataset / "participants.tsv").exists():
            told = [row["age"] for _, row in expected(folder / dataset / "participants.tsv", answer)]
            people[dataset] = [age for age in told if isinstance(age, float)]
    good = True
    for kind, (spoiled, files) in KINDS.items():
        counts: Counter[str] = Counter()
        for dataset, ages in people.items():
            counts.update(_spoiled(dataset, list(spoiled(ages)), files))
        good &= not counts["false"]
        print(
            f"spoiled: {kind:25} {counts.total():5} ages: {counts['true']:5} right, "
            f"{counts['refused']:5} refused, {counts['false']:4} false, {counts['lost']:4} lost beside them"
        )
    return good


def _spoiled(dataset: str, people: list[Spoiled], files: dict[str, bytes]) -> Counter[str]:
    sessions = any(session for cells in people for session, _, _ in cells)
    lines = ["participant_id\tsession_id\tage" if sessions else "participant_id\tage"]
    allowed: dict[tuple[str, str], tuple[float | None, bool]] = {}
    for i, cells in enumerate(people):
        for session, cell, age in cells:
            lines.append("\t".join((f"sub-{i:04d}", *([session] if sessions else []), cell)))
            allowed[f"sub-{i:04d}", session] = age, age is not None and cell == f"{age:g}"
    rows = harmonise(dataset, {"participants.tsv": "\n".join(lines).encode(), **files}).rows
    counts: Counter[str] = Counter()
    for row in rows:
        age, plain = allowed[row.participant_id, row.session_id]
        if row.age_years is None:
            counts["lost" if plain else "refused"] += 1
        else:
            counts["true" if age is not None and abs(row.age_years - age) < 0.1 else "false"] += 1
    return counts


def speed(files: int = 1_500, rows: int = 72_000) -> None:
    """Print the CPU seconds for made-up files of the usual forms."""
    forms = ("{:d}", "{:d}.25", "{:d},5", "0{:d}Y", "{:d}+", "20-{:d}")
    made = []
    for number in range(files):
        form = forms[number % len(forms)]
        lines = ["participant_id\tage\tsex\thandedness\tgroup\tIQ\tsite\tnote"]
        lines += [
            f"sub-{i:04d}\t{form.format(21 + (i * 7 + number) % 60)}\t{'FM'[i % 2]}\t{'RL'[i % 9 == 0]}\t"
            f"{('control', 'patient')[i % 2]}\t{90 + i % 31}\tA{number % 5}\tfree text {i}"
            for i in range(rows // files)
        ]
        json = b'{"age": {"Units": "years"}, "sex": {"Levels": {"F": "female", "M": "male"}}}'
        made.append({"participants.tsv": "\n".join(lines).encode(), "participants.json": json})
    started = time.process_time()
    total = sum(len(harmonise(f"ds{number:06d}", contents).rows) for number, contents in enumerate(made))
    print(f"speed: {files} files, {total} rows, {time.process_time() - started:.2f} CPU seconds")


if __name__ == "__main__":
    with recorded("participants"):
        good = True
        if len(sys.argv) > 1:
            good = compare(Path(sys.argv[1])) & spoil(Path(sys.argv[1]))
        speed()
    sys.exit(not good)
