"""From the files of one dataset to its participants. Pure; never raises, whatever the bytes.

1. participants.tsv is read with participants.json.
2. ``*_sessions.tsv`` and phenotype tables that hold an age or a sex come second: they fill what is
   missing, add sessions, and where they contradict, the contradiction is noted and the first stays.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from allbrains.participants.dictionary import Dictionary, parse
from allbrains.participants.folder_ids import folders_of, session_in
from allbrains.participants.joining import subject_key
from allbrains.participants.participant import Confidence, Harmonised, Note, NoteKind, Participant, Receipt
from allbrains.participants.population import DESCRIPTION, context, name_of
from allbrains.participants.read_table import TableSource, participants_of
from allbrains.participants.second_sources import merge
from allbrains.participants.table_cells import Sheet, decode, read
from allbrains.participants.which_columns import TableLayout, layout

MAIN = "participants.tsv"
_SESSIONS = re.compile(r"(?:.*/)?(sub-[^/]+)/(?:[^/]+/)*[^/]*_sessions\.tsv\Z")
_README = re.compile(r"README(?:\.(?:md|rst|txt))?\Z", re.IGNORECASE)
_PHENOTYPE = re.compile(r"phenotype/[^/]+\.tsv\Z")


def harmonise(
    dataset: str,
    files: Mapping[str, bytes],
    *,
    subjects: Collection[str] = (),
    stated_ages: Sequence[float] = (),
) -> Harmonised:
    """Return the participants that a dataset's files describe.

    Args:
        dataset: accession or folder name.
        files: bytes by path inside the dataset: ``participants.tsv`` and ``.json``, ``README``,
            ``dataset_description.json``, ``sub-*/**/*_sessions.tsv``, ``phenotype/*``; others are not read.
        subjects: labels of the dataset's subject folders, where they are known: ids that are written in
            another way get their folder's name, and what meets no folder is told.
        stated_ages: ages of participants as the site tells them, years: a witness of the unit.
    """
    notes: list[Note] = []
    objects = {path: _object(path, data, notes) for path, data in files.items() if path.endswith(".json")}
    name = name_of(objects.get(DESCRIPTION, {}))
    dictionary = Dictionary(objects.get("participants.json", {}))
    main = _laid_out(read(MAIN, files[MAIN]), dictionary) if MAIN in files else None
    others = _other_tables(files, objects, dictionary)
    every = [(table.sheet, table.layout) for table in (main, *others) if table and table.sheet.header]
    about = context(name, every, dictionary, readme=_readme(files), stated_ages=stated_ages)

    def people(table: _Laid) -> list[Participant]:
        source = TableSource(
            dataset=dataset,
            sheet=table.sheet,
            layout=table.layout,
            dictionary=table.dictionary,
            context=about,
            name=name,
        )
        rows, found = participants_of(source)
        notes.extend(found)
        return rows

    if main is None:
        notes.append(
            Note(kind=NoteKind.ABSENT, source=MAIN, rule="file.absent", detail="the dataset has no such file")
        )
    known = {*map(subject_key, subjects)}
    known.update(m[1].removeprefix("sub-") for path in files if (m := _SESSIONS.match(path)))
    rows = _in_folders(people(main) if main else [], known)
    for table in others:
        rows, found = merge(rows, _in_folders(people(table), known))
        notes.extend(found)
    if subjects:
        notes.extend(_unjoined(rows, known))
    return Harmonised(rows=tuple(rows), notes=tuple(notes))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Laid:
    """A table with what is known of its columns."""

    sheet: Sheet
    layout: TableLayout
    dictionary: Dictionary


def _laid_out(sheet: Sheet, dictionary: Dictionary) -> _Laid:
    return _Laid(sheet=sheet, layout=layout(sheet, dictionary), dictionary=dictionary)


def _readme(files: Mapping[str, bytes]) -> str:
    texts = (decode(data)[0] for path, data in sorted(files.items()) if _README.match(path))
    return "\n".join(texts)


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


def _other_tables(
    files: Mapping[str, bytes], objects: Mapping[str, Mapping[str, Any]], main: Dictionary
) -> list[_Laid]:
    """Return the other tables that hold an age or a sex; sessions of one form are put together."""
    found: list[_Laid] = []
    sessions: defaultdict[tuple[str, ...], list[Sheet]] = defaultdict(list)
    for path in sorted(files):
        match = _SESSIONS.match(path)
        if not (match or path == "sessions.tsv" or _PHENOTYPE.match(path)):
            continue
        sheet = read(path, files[path])
        if match:
            sheet = _with_subject(sheet, match[1])
        table = _laid_out(sheet, _dictionary_of(path, objects, main))
        if match and table.layout.tells_people:
            sessions[sheet.header].append(sheet)
        elif table.layout.tells_people or not sheet.header:
            found.append(table)
    together = [_together(sheets) for sheets in sessions.values()]
    return [_laid_out(sheet, _dictionary_of(sheet.source, objects, main)) for sheet in together] + found


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


def _in_folders(rows: list[Participant], known: Collection[str]) -> list[Participant]:
    """Give each row the id of the folder that it means, with a receipt where that is written otherwise."""
    labels = {subject_key(row.participant_id) for row in rows}
    folder = folders_of(labels, known) if known else {}
    return [_renamed(row, folder.get(subject_key(row.participant_id), "")) for row in rows]


def _renamed(row: Participant, folder: str) -> Participant:
    label = subject_key(row.participant_id)
    if folder in ("", label):
        return row
    receipt = Receipt(
        source=MAIN,
        column="participant_id",
        raw=row.participant_id,
        rule="id.folder",
        confidence=Confidence.MEDIUM,
    )
    session = row.session_id or ("ses-" + session_in(label) if session_in(label) else "")
    receipts = {**row.receipts, "participant_id": receipt}
    return replace(row, participant_id="sub-" + folder, session_id=session, receipts=receipts)


def _unjoined(rows: Sequence[Participant], known: Collection[str]) -> list[Note]:
    """Return how many participants met no folder and how many folders no participant, if any."""
    labels = {subject_key(row.participant_id) for row in rows}
    lost, empty = sorted(labels - set(known)), sorted(set(known) - labels)
    told = [
        (lost, len(labels), "participants met no folder"),
        (empty, len(known), "folders met no participant"),
    ]
    return [
        Note(
            kind=NoteKind.UNJOINED,
            source=MAIN,
            column="participant_id",
            rule="id.unjoined",
            detail=f"{len(some)} of {total} {what}; for example {some[0][:60]!r}",
            rows=len(some),
        )
        for some, total, what in told
        if some and rows
    ]
