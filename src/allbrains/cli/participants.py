"""``allbrains participants``: what participants files say, one row for each participant."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from allbrains.cli.terminal import echo
from allbrains.text import guarded

if TYPE_CHECKING:
    from allbrains.participants import Participant

SOME_UNREADABLE = 3
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="JSON lines with receipts instead of a TSV.")
@click.option("-v", "--verbose", is_flag=True, help="Also tell which files had to be mended.")
def command(paths: tuple[Path, ...], as_json: bool, verbose: bool) -> int:
    """Print age, sex, handedness, group, diagnosis and species of every participant.

    PATH is a dataset's folder, a folder of datasets, or a participants.tsv; its dataset is named after
    its folder. What was refused, and why, goes to stderr. Exit code 3: some file could not be read.
    """
    from allbrains.library.participant_files import read_folders
    from allbrains.participants import FIELDS, NoteKind

    folders = read_folders(paths)
    if not as_json:
        echo("\t".join(FIELDS))
    # what was read well in spite of its form is told on request
    quiet = () if verbose else (NoteKind.REPAIRED,)
    incomplete = False
    for one in folders:
        for row in one.found.rows:
            echo(json_line(row) if as_json else tsv_line(row))
        for note in one.found.notes:
            if note.kind not in quiet:
                place = f"{one.name}/{note.source}" + (f" {note.column!r}" if note.column else "")
                count = f" ({note.rows} rows)" if note.rows else ""
                echo(_CONTROL.sub(" ", f"{place}: {note.kind}: {note.detail}{count}"), err=True)
        for fault in one.faults:
            echo(_CONTROL.sub(" ", fault), err=True)
        incomplete |= one.incomplete
    return SOME_UNREADABLE if incomplete else 0


def json_line(row: Participant) -> str:
    """Return the row as one line of JSON; unknown values are null."""
    return json.dumps(row.as_dict(), ensure_ascii=False).translate(_LINE_ENDS)


# JSON leaves these two unescaped, and line readers split on them.
_LINE_ENDS = {0x2028: "\\u2028", 0x2029: "\\u2029", 0x85: "\\u0085"}


def tsv_line(row: Participant) -> str:
    """Return the row as tab-separated cells; unknown values are n/a."""
    from allbrains.participants import FIELDS

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
    return guarded(text)
