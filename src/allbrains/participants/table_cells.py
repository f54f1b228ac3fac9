"""From the bytes of a table to its cells, whatever form they have. Pure; never raises.

1. The encoding is the byte order mark's; else UTF-16 where zero bytes stand on one side of the pairs;
   else UTF-8; else Windows-1252. Bytes that are no text at all (an archive, a web page, an annex
   pointer) are unreadable.
2. The header's own delimiter counts: tab, else semicolon, comma, bar, else blanks. A row that does not
   fit it is tried with the others.
3. A row that still is shorter or longer than the header keeps its cells only where each of them is of its
   column's kind (number or word); otherwise its cells could belong to other columns, and it keeps its id.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import lru_cache

from allbrains.participants.participant import Note, NoteKind
from allbrains.participants.vocabulary import HEADER, QUALIFIERS, fold, header_key, is_missing

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
_NOT_TEXT = ((b"PK\x03\x04", "a zip archive or Excel sheet"), (b"\x1f\x8b", "a gzip archive"),
             (b"\xd0\xcf\x11\xe0", "an old Excel sheet"), (b"%PDF", "a PDF"))  # fmt: skip
_NOT_A_TABLE = (
    (re.compile(r"\A\s*(?:\.\./)*(?:\.git|/annex)[\w./\\-]*annex", re.I), "an annex pointer"),
    (re.compile(r"\A\s*/annex/objects/", re.I), "an annex pointer"),
    (re.compile(r"\A\s*version https://git-lfs"), "a git-lfs pointer"),
    (re.compile(r"\A\s*<(?:!doctype|html|\?xml)", re.I), "a web page"),
    (re.compile(r"\A\s*\{\s*\"error\"", re.I), "a server's error"),
)
_LINES = re.compile(r"\r\n|\n|\r")
_SUBJECT = re.compile(r"\s*\"?sub-[A-Za-z0-9]+", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\u00a0]+")
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d*)?(?:e[-+]?\d+)?\Z", re.IGNORECASE)
# A row whose quotes are open may go on in the next lines, but not for ever.
_MAX_JOINED_LINES = 20
_MAX_TITLE_LINES = 3
# Less of one side's bytes are zero in no UTF-16 text of the Latin alphabet.
_UTF16_SHARE = 0.3
# Stray zero bytes, as a program leaves them that writes past its end; more of them are no text.
_NULS_SHARE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One data row: cells as written, as many as the header has; ``line`` counts from 1.

    Attributes:
        line: of the file, from 1.
        cells: as written.
        source: path of the row's file, where a table is put together from several.
    """

    line: int
    cells: tuple[str, ...]
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table as read: header as written, rows in the file's order, and what had to be mended."""

    source: str
    header: tuple[str, ...]
    rows: tuple[TableRow, ...]
    notes: tuple[Note, ...]

    def column(self, index: int) -> list[str]:
        """Return the cells of a column, in the rows' order."""
        return [row.cells[index] for row in self.rows]


def decode(data: bytes) -> tuple[str, str]:
    """Return the text, and why it is none (empty where it is text)."""
    for start, what in _NOT_TEXT:
        if data.startswith(start):
            return "", what
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            text = data[len(mark) :].decode(encoding, errors="replace")
            break
    else:
        text = _decode_unmarked(data)
    if text.count("\x00") > _NULS_SHARE * len(text):
        return "", "binary"
    text = text.replace("\x00", "")
    return next((("", what) for form, what in _NOT_A_TABLE if form.match(text)), (text, ""))


def _decode_unmarked(data: bytes) -> str:
    if len(data) % 2 == 0:
        sample = data[:4096]
        even, odd = sample[0::2].count(0), sample[1::2].count(0)
        # every other byte of Latin text is zero; one stray zero is none of them
        if max(even, odd) > _UTF16_SHARE * len(sample) / 2 and min(even, odd) * 10 < max(even, odd):
            return data.decode("utf-16-le" if odd > even else "utf-16-be", errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def read(source: str, data: bytes) -> Sheet:
    """Return the table in the bytes; an unreadable one has no header and says so in its notes."""
    text, fault = decode(data)
    if not fault and not text.strip():
        fault = "empty"
    if not fault and text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        fault = "JSON, not a table"
    if fault:
        note = Note(
            kind=NoteKind.UNREADABLE, source=source, rule="file.unreadable", detail=f"the file is {fault}"
        )
        return Sheet(source=source, header=(), rows=(), notes=(note,))
    lines = [
        (n, line) for n, line in enumerate(_LINES.split(text.lstrip("\ufeff")), 1) if line.strip(' \t,;"')
    ]
    if not lines:
        note = Note(
            kind=NoteKind.UNREADABLE, source=source, rule="file.unreadable", detail="the file is blank"
        )
        return Sheet(source=source, header=(), rows=(), notes=(note,))
    lines = lines[_header_line(lines) :]
    delimiter = _delimiter(lines[0][1])
    header, *records = _records(lines, delimiter)
    names = [cell.lstrip("\ufeff#").strip("\u200b") if i == 0 else cell for i, cell in enumerate(header[1])]
    while (
        len(names) > 1
        and not names[-1].strip()
        and all(len(r[1]) < len(names) or not r[1][-1].strip() for r in records)
    ):
        names.pop()
        records = [(n, cells[: len(names)]) for n, cells in records]
    if fault := _not_laid_out(names):
        note = Note(kind=NoteKind.UNREADABLE, source=source, rule="file.layout", detail=fault)
        return Sheet(source=source, header=(), rows=(), notes=(note,))
    notes = _form_notes(source, delimiter)
    if b"\x00" in data and data.count(0) <= _NULS_SHARE * len(data):
        notes += (Note(kind=NoteKind.REPAIRED, source=source, rule="file.nul", detail="stray zero bytes"),)
    sheet = Sheet(source=source, header=tuple(names), rows=(), notes=notes)
    return _split_fused(_aligned(sheet, records))


def _not_laid_out(header: list[str]) -> str:
    """Return why a first line is no header of columns; empty where it may be one."""
    people = sum(bool(_SUBJECT.match(cell)) for cell in header)
    if people and people == len(header) - 1 and not _SUBJECT.match(header[0]) and people > 1:
        return "the table is transposed: its columns are participants"
    if header and (_SUBJECT.match(header[0]) or _is_data(header)):
        return "the table has no header: its first line is a participant"
    return ""


def _is_data(header: list[str]) -> bool:
    """Whether a first line holds an id and values instead of names: ``01  25  F``."""
    cells = [cell.strip().strip('"') for cell in header]
    plain = all(_NUMBER.match(cell) or len(cell) <= 1 or is_missing(cell) for cell in cells)
    return len(cells) > 1 and plain and any(_NUMBER.match(cell) for cell in cells[1:])


def _form_notes(source: str, delimiter: str) -> tuple[Note, ...]:
    names = {",": "comma", ";": "semicolon", "|": "bar", " ": "blank", "\\t": "written \\t"}
    if delimiter not in names:
        return ()
    detail = f"the delimiter is not a tab but a {names[delimiter]}"
    return (Note(kind=NoteKind.REPAIRED, source=source, rule="file.delimiter", detail=detail),)


def _header_line(lines: list[tuple[int, str]]) -> int:
    """Return the first of the first lines that names a participant's column; a title may stand before it."""
    found = []
    for index, (_, line) in enumerate(lines[:_MAX_TITLE_LINES]):
        delimiter = _delimiter(line)
        cells = _split(line, delimiter)
        if len(cells) > 1 and any(header_key(cell.lstrip("#")) in HEADER["participant"] for cell in cells):
            found.append((delimiter == " ", index))  # "Participants of our study" is a sentence
    return min(found)[1] if found else 0


def _delimiter(header: str) -> str:
    if "\t" in header:
        return "\t"
    for mark in ("\\t", ";", ",", "|"):
        if mark in header:
            return mark
    words = header.split()
    return " " if len(words) > 1 and header_key(words[0]) in HEADER["participant"] else "\t"


def _split(line: str, delimiter: str) -> list[str]:
    """Split one line; quotes count where they open a cell and close it."""
    if delimiter == " ":
        return [cell.strip('"') for cell in _BLANKS.split(line.strip())]
    if '"' not in line:
        return line.split(delimiter)
    cells: list[str] = []
    quoted = _quoted(delimiter)
    at = 0
    while True:
        if match := quoted.match(line, at):
            cells.append(match[1].replace('""', '"'))
            end = match.end()
        else:
            end = line.find(delimiter, at)
            end = len(line) if end < 0 else end
            cells.append(line[at:end])
        if end >= len(line):
            return cells
        at = end + len(delimiter)


@lru_cache(maxsize=8)
def _quoted(delimiter: str) -> re.Pattern[str]:
    """Return the form of a quoted cell that ends before the delimiter or with the line."""
    return re.compile(rf' *"((?:[^"]|"")*)" *(?={re.escape(delimiter)}|\Z)', re.DOTALL)


def _open_quote(line: str, delimiter: str) -> bool:
    """Whether the last cell of a line opens a quote that the line does not close."""
    last = _split(line, delimiter)[-1].lstrip(" ")
    return line.count('"') % 2 == 1 and last.startswith('"')


def _records(lines: list[tuple[int, str]], delimiter: str) -> list[tuple[int, list[str]]]:
    records: list[tuple[int, list[str]]] = []
    index, width = 0, 0
    while index < len(lines):
        number, line = lines[index]
        taken = 1
        if '"' in line and _open_quote(line, delimiter):
            line, taken = _joined(lines, index, delimiter, width)
        cells = _split(line, delimiter)
        if len(cells) == 1 and delimiter != " " and delimiter in cells[0]:
            cells = _split(cells[0], delimiter)  # the whole line stands in quotes
        if width and len(cells) != width:
            cells = _other_split(line, cells, width)
        width = width or len(cells)
        records.append((number, cells))
        index += taken
    return records


def _joined(lines: list[tuple[int, str]], index: int, delimiter: str, width: int) -> tuple[str, int]:
    """Join a cell that goes on over line ends, where that gives the header's number of cells."""
    text = lines[index][1]
    for taken in range(2, min(_MAX_JOINED_LINES, len(lines) - index) + 1):
        text += "\n" + lines[index + taken - 1][1]
        if text.count('"') % 2 == 0:
            cells = _split(text, delimiter)
            return (text, taken) if len(cells) == width or not width else (lines[index][1], 1)
    return lines[index][1], 1


def _other_split(line: str, cells: list[str], width: int) -> list[str]:
    trimmed = list(cells)
    while len(trimmed) > width and not trimmed[-1].strip():
        trimmed.pop()
    if len(trimmed) == width:
        return trimmed
    others = ("\t", ",", ";", "|", " ")
    return next((c for c in (_split(line.rstrip(), d) for d in others) if len(c) == width), trimmed)


def _aligned(sheet: Sheet, records: list[tuple[int, list[str]]]) -> Sheet:
    """Give every row the header's length; a row that cannot be trusted keeps only its first cell."""
    width = len(sheet.header)
    notes = list(sheet.notes)
    if records and all(len(cells) == width + 1 for _, cells in records) and _has_row_names(sheet, records):
        records = [(line, cells[1:]) for line, cells in records]
        notes.append(
            _repaired(
                sheet, "file.row_names", "the rows begin with a row name that the header lacks", len(records)
            )
        )
    names = _BLANKS.split("\t".join(sheet.header).strip())
    if records and len(names) > width and all(len(cells) == len(names) for _, cells in records):
        notes.append(_repaired(sheet, "file.fused_header", "blanks stand for tabs in the header"))
        sheet, width = replace(sheet, header=tuple(names)), len(names)
    full = [cells for _, cells in records if len(cells) == width]
    # kinds of columns are only asked for where a row is not as long as the header
    kinds = _kinds(full, width) if len(full) < len(records) else []
    rows, ragged, refused = [], 0, 0
    for line, cells in records:
        ragged += len(cells) != width
        fits = len(cells) <= width and (
            len(cells) == width or all(_fits(cell, kinds[i]) for i, cell in enumerate(cells))
        )
        refused += not fits
        kept = cells if fits else cells[:1]
        rows.append(TableRow(line=line, cells=tuple(kept) + ("",) * (width - len(kept))))
    if ragged:
        detail = f"{ragged} rows are not of the header's {width} cells"
        notes.append(_repaired(sheet, "file.ragged", detail, ragged))
    if refused:
        detail = f"in {refused} of them it is uncertain which cell belongs where: only their id was read"
        note = Note(
            kind=NoteKind.REFUSED, source=sheet.source, rule="file.ragged", detail=detail, rows=refused
        )
        notes.append(note)
    return replace(sheet, rows=tuple(rows), notes=tuple(notes))


def _repaired(sheet: Sheet, rule: str, detail: str, rows: int = 0) -> Note:
    return Note(kind=NoteKind.REPAIRED, source=sheet.source, rule=rule, detail=detail, rows=rows)


def _has_row_names(sheet: Sheet, records: list[tuple[int, list[str]]]) -> bool:
    """Whether the first cells are row numbers or names and the ids stand one further than their header."""
    names = [header_key(name) for name in sheet.header]
    at = next((i for i, name in enumerate(names) if name in HEADER["participant"]), 0)
    return all(cells[at + 1].strip().lower().startswith("sub-") for _, cells in records) and not all(
        cells[at].strip().lower().startswith("sub-") for _, cells in records
    )


def _kind(cell: str) -> str:
    if is_missing(cell):
        return ""
    return "number" if _NUMBER.match(cell.strip()) else "word"


def _kinds(rows: list[list[str]], width: int) -> list[str]:
    kinds = []
    for index in range(width):
        counts = Counter(kind for row in rows if (kind := _kind(row[index])))
        total = sum(counts.values())
        name, most = max(counts.items(), key=lambda item: (item[1], item[0]), default=("", 0))
        kinds.append(name if total and most == total else "")
    return kinds


def _fits(cell: str, kind: str) -> bool:
    own = _kind(cell)
    return not own or not kind or own == kind


def _split_fused(sheet: Sheet) -> Sheet:
    """Split a column such as ``sex education_level`` if its cells all fall into as many pieces."""
    known = HEADER["age"] | HEADER["sex"] | HEADER["gender"] | {"handedness"}
    qualifiers = QUALIFIERS - HEADER["decoy"]
    for index, name in enumerate(sheet.header):
        parts = name.split()
        others = [part for part in map(fold, parts) if part not in known]
        if len(parts) < 2 or len(others) == len(parts) or any(part in qualifiers for part in others):
            continue
        pieces = [row.cells[index].split() or [""] * len(parts) for row in sheet.rows]
        # "n/a" alone stands for all of its parts
        pieces = [p * len(parts) if len(p) == 1 and is_missing(p[0]) else p for p in pieces]
        if pieces and all(len(p) == len(parts) for p in pieces) and any(not is_missing(p[0]) for p in pieces):
            header = (*sheet.header[:index], *parts, *sheet.header[index + 1 :])
            rows = tuple(
                replace(row, cells=(*row.cells[:index], *piece, *row.cells[index + 1 :]))
                for row, piece in zip(sheet.rows, pieces, strict=True)
            )
            note = _repaired(sheet, "file.fused_columns", f"the column {name!r} holds {len(parts)} columns")
            return _split_fused(replace(sheet, header=header, rows=rows, notes=(*sheet.notes, note)))
    return sheet
