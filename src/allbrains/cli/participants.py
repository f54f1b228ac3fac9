"""``allbrains participants``: what participants files say, one row a participant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import click

from allbrains.errors import ConfigurationError
from allbrains.participants import FIELDS, Harmonised, NoteKind, Participant, harmonise

SOME_UNREADABLE = 3
# Tables of a dataset that hold demographics, as globs below its folder.
_TABLES = (
    "participants.tsv",
    "participants.json",
    "dataset_description.json",
    "README*",
    "sessions.tsv",
    "sessions.json",
    "sub-*/*_sessions.tsv",
    "sub-*/*_sessions.json",
    "phenotype/*.tsv",
    "phenotype/*.json",
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# A cell that begins so is run as a formula by a spreadsheet.
_FORMULA = ("=", "+", "-", "@")
# Rules of notes about what was read well in spite of its form, or that a reader of the rows sees anyway.
_QUIET = (NoteKind.REPAIRED,)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="JSON lines with receipts instead of a TSV.")
@click.option("-v", "--verbose", is_flag=True, help="Also tell which files had to be mended.")
def command(paths: tuple[Path, ...], as_json: bool, verbose: bool) -> int:
    """Print age, sex, handedness, group, diagnosis and species of every participant.

    PATH is a dataset's folder, a folder of datasets, or a participants.tsv; its dataset is named after
    its folder. What was refused, and why, goes to stderr. Exit code 3: some file could not be read.
    """
    if missing := [str(path) for path in paths if not path.exists()]:
        raise ConfigurationError(f"no such file or folder: {', '.join(missing)}")
    if not as_json:
        click.echo("\t".join(FIELDS))
    unreadable = False
    for folder in _datasets(paths):
        found, faults = _read(folder)
        for row in found.rows:
            click.echo(json_line(row) if as_json else tsv_line(row))
        for note in found.notes:
            if verbose or note.kind not in _QUIET:
                place = f"{folder.name}/{note.source}" + (f" {note.column!r}" if note.column else "")
                count = f" ({note.rows} rows)" if note.rows else ""
                click.echo(_CONTROL.sub(" ", f"{place}: {note.kind}: {note.detail}{count}"), err=True)
        for fault in faults:
            click.echo(_CONTROL.sub(" ", fault), err=True)
        unreadable |= bool(faults) or any(note.kind is NoteKind.UNREADABLE for note in found.notes)
    return SOME_UNREADABLE if unreadable else 0


def json_line(row: Participant) -> str:
    """Return the row as one line of JSON; unknown values are null."""
    return json.dumps(row.as_dict(), ensure_ascii=False).translate(_LINE_ENDS)


# JSON leaves these two unescaped, and line readers split on them.
_LINE_ENDS = {0x2028: "\\u2028", 0x2029: "\\u2029", 0x85: "\\u0085"}


def tsv_line(row: Participant) -> str:
    """Return the row as tab-separated cells; unknown values are n/a."""
    values = row.as_dict()
    return "\t".join(_cell(values[name]) for name in FIELDS)


def _cell(value: object) -> str:
    if value is None:
        return "n/a"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.10g}"
    text = _CONTROL.sub(" ", str(value))
    return "'" + text if text.startswith(_FORMULA) else text


def _datasets(paths: tuple[Path, ...]) -> Iterator[Path]:
    """Yield the folders of the datasets that the paths mean, each once."""
    seen: set[Path] = set()
    for path in paths:
        if path.is_file() or _is_dataset(path):
            found = [path]
        else:
            found = sorted(child for child in path.iterdir() if child.is_dir() and _is_dataset(child))
            if not found:
                raise ConfigurationError(f"{path}: neither a dataset nor a folder of datasets")
        for item in found:
            if (whole := item.resolve()) not in seen:
                seen.add(whole)
                yield item


def _is_dataset(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("participants.tsv", "dataset_description.json"))


def _read(path: Path) -> tuple[Harmonised, list[str]]:
    """Return what a dataset's folder, or its participants.tsv alone with its dictionary, says."""
    folder = path if path.is_dir() else path.absolute().parent
    places = {
        file.relative_to(folder).as_posix(): file
        for glob in (_TABLES if path.is_dir() else _TABLES[:3])
        for file in sorted(folder.glob(glob))
    }
    if path.is_file():
        places["participants.tsv"] = path
        if (beside := path.with_suffix(".json")).exists():
            places["participants.json"] = beside
    files: dict[str, bytes] = {}
    faults: list[str] = []
    for name, file in places.items():
        try:
            files[name] = file.read_bytes()
        except OSError as error:
            faults.append(f"{folder.name}/{name}: unreadable: {error.strerror}")
    subjects = [child.name for child in folder.glob("sub-*") if child.is_dir()]
    return harmonise(folder.resolve().name, files, subjects=subjects), faults
