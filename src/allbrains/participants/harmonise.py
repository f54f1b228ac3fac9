"""From the files of one dataset to its participants. Pure; never raises, whatever the bytes.

1. participants.tsv is read with participants.json.
2. ``*_sessions.tsv`` and phenotype tables that hold an age or a sex come second: they fill what is
   missing, add sessions, and where they contradict, the contradiction is noted and the first stays.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from allbrains.participants.dictionary import Dictionary, parse
from allbrains.participants.joining import loose_key, subject_key
from allbrains.participants.participant import Harmonised, Note, NoteKind, Participant
from allbrains.participants.population import DESCRIPTION, context, name_of
from allbrains.participants.read_table import TableSource, participants_of
from allbrains.participants.second_sources import merge
from allbrains.participants.table_cells import Sheet, read
from allbrains.participants.which_columns import age_columns, sex_columns

MAIN = "participants.tsv"
_SESSIONS = re.compile(r"(?:.*/)?(sub-[^/]+)/(?:[^/]+/)*[^/]*_sessions\.tsv\Z")
_PHENOTYPE = re.compile(r"phenotype/[^/]+\.tsv\Z")


def harmonise(dataset: str, files: Mapping[str, bytes], *, subjects: Collection[str] = ()) -> Harmonised:
    """Return the participants that a dataset's files describe.

    Args:
        dataset: accession or folder name.
        files: bytes by path inside the dataset: ``participants.tsv`` and ``.json``,
            ``dataset_description.json``, ``sub-*/**/*_sessions.tsv``, ``phenotype/*``; others are not read.
        subjects: labels of the dataset's subject folders, where they are known: numeric ids that lost
            their zeros get them back.
    """
    notes: list[Note] = []
    objects = {path: _object(path, data, notes) for path, data in files.items() if path.endswith(".json")}
    name = name_of(objects.get(DESCRIPTION, {}))
    main = read(MAIN, files[MAIN]) if MAIN in files else None
    others = _other_sheets(files)
    dictionary = Dictionary(objects.get("participants.json", {}))
    about = context(name, [sheet for sheet in (main, *others) if sheet], dictionary)

    def table(sheet: Sheet, words: Dictionary) -> list[Participant]:
        source = TableSource(dataset=dataset, sheet=sheet, dictionary=words, context=about, name=name)
        rows, found = participants_of(source)
        notes.extend(found)
        return rows

    if main is None:
        notes.append(
            Note(kind=NoteKind.ABSENT, source=MAIN, rule="file.absent", detail="the dataset has no such file")
        )
    rows = table(main, dictionary) if main else []
    known = {*map(subject_key, subjects)}
    known.update(m[1].removeprefix("sub-") for path in files if (m := _SESSIONS.match(path)))
    meant: defaultdict[str, list[str]] = defaultdict(list)
    for label in known:
        meant[loose_key(label)].append(label)
    rows = [_with_known_id(row, known, meant) for row in rows]
    for sheet in others:
        rows, found = merge(rows, table(sheet, _dictionary_of(sheet.source, objects, dictionary)))
        notes.extend(found)
    return Harmonised(rows=tuple(rows), notes=tuple(notes))


def _object(path: str, data: bytes, notes: list[Note]) -> dict[str, Any]:
    content, fault = parse(data)
    if fault:
        detail = f"the file is {fault}"
        notes.append(Note(kind=NoteKind.UNREADABLE, source=path, rule="file.unreadable", detail=detail))
    return content


def _dictionary_of(source: str, objects: Mapping[str, Mapping[str, Any]], main: Dictionary) -> Dictionary:
    """Return the dictionary beside a table, else the root's for sessions, else that of participants.tsv."""
    beside = source.removesuffix(".tsv") + ".json"
    for path in (beside, "sessions.json"):
        if path in objects and (path == beside or "_sessions" in source):
            return Dictionary(objects[path])
    return main


def _other_sheets(files: Mapping[str, bytes]) -> list[Sheet]:
    """Return the other tables that hold an age or a sex; sessions of one form are put together."""
    found: list[Sheet] = []
    sessions: defaultdict[tuple[str, ...], list[Sheet]] = defaultdict(list)
    for path in sorted(files):
        if match := _SESSIONS.match(path):
            sheet = _with_subject(read(path, files[path]), match[1])
            if _is_useful(sheet):
                sessions[sheet.header].append(sheet)
            elif sheet.notes and not sheet.header:
                found.append(sheet)
        elif path == "sessions.tsv" or _PHENOTYPE.match(path):
            sheet = read(path, files[path])
            if _is_useful(sheet) or not sheet.header:
                found.append(sheet)
    return [_together(sheets) for sheets in sessions.values()] + found


def _is_useful(sheet: Sheet) -> bool:
    return bool(age_columns(sheet.header)[0] or sex_columns(sheet.header))


def _with_subject(sheet: Sheet, subject: str) -> Sheet:
    """Return a subject's sessions table with the subject as its first column."""
    if not sheet.header:
        return sheet
    rows = tuple(replace(row, cells=(subject, *row.cells), source=sheet.source) for row in sheet.rows)
    header = ("participant_id", *sheet.header)
    if header.count("participant_id") > 1:
        rows, header = sheet.rows, sheet.header
    return replace(sheet, header=header, rows=rows)


def _together(sheets: list[Sheet]) -> Sheet:
    rows = tuple(replace(row, source=row.source or sheet.source) for sheet in sheets for row in sheet.rows)
    notes = tuple(note for sheet in sheets for note in sheet.notes)
    return replace(sheets[0], rows=rows, notes=notes)


def _with_known_id(
    row: Participant, known: Collection[str], meant: Mapping[str, Sequence[str]]
) -> Participant:
    """Give a numeric id its lost zeros back where exactly one subject folder can be meant."""
    label = subject_key(row.participant_id)
    if label in known or not label.isdigit():
        return row
    labels = meant.get(loose_key(label), ())
    return replace(row, participant_id="sub-" + labels[0]) if len(labels) == 1 else row
