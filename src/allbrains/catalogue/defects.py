"""What a crawl, the headers and a build found wrong in the datasets: one row for each finding. Pure.

The table is meant for the owners of datasets: what is wrong, where, by what evidence, and how sure it is.

* ``certain``: anybody who looks at the file or its name sees it.
* ``likely``: a rule says so that has few exceptions.
* ``possible``: worth a look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from allbrains.catalogue.catalogue import Catalogue
from allbrains.errors import Reason
from allbrains.records import Outcome, Rejected
from allbrains.sources.snapshot import Exclusion
from allbrains.text import guarded, plain

CERTAIN, LIKELY, POSSIBLE = "certain", "likely", "possible"

# Exclusions that are faults of the dataset. The others are its right (`.bidsignore`, `derivatives/`), a
# failure of ours or of the network, or another kind of study.
_FAULTS: dict[str, str] = {
    Exclusion.APPLE_DOUBLE: CERTAIN,
    Exclusion.WRONG_FOLDER: CERTAIN,
    Exclusion.WRONG_SUBJECT: CERTAIN,
    Exclusion.WRONG_SESSION: CERTAIN,
    Exclusion.NOT_BIDS: CERTAIN,
    Exclusion.TINY: CERTAIN,
    Exclusion.NO_DIGEST: CERTAIN,
    Exclusion.TEXT_UNAVAILABLE: CERTAIN,
    Exclusion.HEADER_UNAVAILABLE: CERTAIN,
    Exclusion.DERIVATIVE: LIKELY,
    Exclusion.SIGNAL_PART: LIKELY,
    Exclusion.INVERSION: LIKELY,
    Exclusion.LOCALISER: LIKELY,
    Exclusion.OTHER_BODY: LIKELY,
}
# What a build refuses: of broken bytes it is certain, of what an image shows it is a rule's word.
_REFUSED: dict[str, str] = {
    Reason.TRUNCATED: CERTAIN,
    Reason.CORRUPT: CERTAIN,
    Reason.UNREADABLE: CERTAIN,
    Reason.NOT_3D: CERTAIN,
    Reason.COMPLEX_OR_RGB: CERTAIN,
    Reason.BAD_AFFINE: CERTAIN,
    Reason.CONSTANT: CERTAIN,
    Reason.WRONG_BYTES: CERTAIN,
    Reason.NON_FINITE: CERTAIN,
    Reason.WRONG_CONTRAST: LIKELY,
    Reason.NO_MATCH_TO_TEMPLATE: LIKELY,
    Reason.IMPLAUSIBLE_BRAIN: LIKELY,
    Reason.NO_BRAIN_FOUND: LIKELY,
}
# such as ``acq-FLAIR1_T1w``, which is met among the real ones: the name gives two contrasts
_OTHER_CONTRAST = re.compile(
    r"(?:flair|swi|t2|t2w|t2star|t2starw|pd|pdw|dwi|bold|tof|angio|mra|fieldmap)\d*\Z", re.I
)

_TEXT = pa.string()
SCHEMA = pa.schema(
    [
        pa.field("dataset", _TEXT, metadata={"description": "Accession or folder name"}),
        pa.field("snapshot", _TEXT, metadata={"description": "Version in which it was found"}),
        pa.field("path", _TEXT, metadata={"description": "File, empty where the dataset is meant"}),
        pa.field("defect", _TEXT, metadata={"description": "Code of what is wrong"}),
        pa.field("evidence", _TEXT, metadata={"description": "What was found"}),
        pa.field("certainty", _TEXT, metadata={"description": "certain, likely or possible"}),
    ]
)
Row = dict[str, Any]


def defects(found: Catalogue, outcomes: Mapping[str, Outcome] | None = None) -> pa.Table:
    """Return the table of what is wrong in the datasets of a catalogue, by dataset and path.

    Args:
        found: the catalogue.
        outcomes: what became of scans in a build, by ``scan_id``; none where nothing was built.
    """
    scans = found.scans.to_pylist()
    rows = [
        *_of_exclusions(found),
        *_of_copies(scans),
        *_of_names(scans),
        *_of_headers(scans),
        *_of_outcomes(scans, outcomes or {}),
    ]
    rows.sort(key=lambda row: (row["dataset"], row["path"], row["defect"]))
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _of_exclusions(found: Catalogue) -> Iterator[Row]:
    derived = {row["dataset"] for row in found.datasets.to_pylist() if row["dataset_type"] == "derivative"}
    for row in found.exclusions.to_pylist():
        certainty = _FAULTS.get(row["reason"], "")
        if not certainty and row["reason"].startswith("labels_"):
            certainty = LIKELY
        # a folder ``derivatives/`` is where derivatives belong, and so is a dataset of derivatives
        rightly = row["evidence"].startswith("under ") or row["dataset"] in derived
        if row["reason"] == Exclusion.DERIVATIVE and rightly:
            continue
        if certainty:
            yield _row(row, row["path"], row["reason"], row["evidence"], certainty)


def _of_copies(scans: list[Row]) -> Iterator[Row]:
    """Yield a row for each image that has the same bytes as an image before it."""
    first: dict[str, Row] = {}
    for row in scans:
        other = first.setdefault(row["digest"], row)
        if other is row:
            continue
        place = f"the same bytes as {other['dataset']}/{other['path']}"
        if other["dataset"] != row["dataset"]:
            yield _row(row, row["path"], "copy_in_another_dataset", place, POSSIBLE)
        elif other["subject"] != row["subject"]:
            yield _row(row, row["path"], "one_image_for_two_people", place, CERTAIN)
        else:
            yield _row(row, row["path"], "copy", place, CERTAIN)


def _of_names(scans: list[Row]) -> Iterator[Row]:
    for row in scans:
        label = row["acquisition"] or ""
        if row["suffix"] == "T1w" and _OTHER_CONTRAST.match(label):
            words = f"acq-{label} names another contrast than the suffix T1w"
            yield _row(row, row["path"], "two_contrasts_in_a_name", words, POSSIBLE)


def _of_headers(scans: list[Row]) -> Iterator[Row]:
    for row in scans:
        if row["header"] not in (None, "ok"):
            yield _row(row, row["path"], f"header_{row['header']}", row["header_detail"] or "", CERTAIN)


def _of_outcomes(scans: list[Row], outcomes: Mapping[str, Outcome]) -> Iterator[Row]:
    for row in scans:
        outcome = outcomes.get(row["scan_id"])
        if isinstance(outcome, Rejected) and (certainty := _REFUSED.get(outcome.reason)):
            yield _row(row, row["path"], f"image_{outcome.reason}", outcome.detail, certainty)


def _row(of: Mapping[str, Any], path: str, defect: str, evidence: str, certainty: str) -> Row:
    return {
        "dataset": of["dataset"],
        "snapshot": of["snapshot"],
        "path": path,
        "defect": defect,
        "evidence": evidence,
        "certainty": certainty,
    }


def as_tsv(table: pa.Table) -> str:
    """Return the table as tab-separated text, one line for each row, safe for a spreadsheet."""
    lines = ["\t".join(table.column_names)]
    lines += ["\t".join(guarded(plain(text)) for text in row.values()) for row in table.to_pylist()]
    return "\n".join(lines) + "\n"
