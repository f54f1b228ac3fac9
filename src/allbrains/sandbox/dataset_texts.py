"""What OpenNeuro tells about a snapshot, from its paths and its small text files. Pure."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# Where a dataset doesn't say when it was made, all are of the same moment, and of the same
# moment tomorrow: ISO 8601.
SOME_DATE = "2018-01-01T00:00:00.000Z"
FIRST_TAG = "1.0.0"

_CHANGE = re.compile(r"^\s*v?(\d+\.\d+\.\d+)(?=[\s:]|$)[\s:]*(\d{4}-\d{2}-\d{2})?", re.MULTILINE)
_TASK = re.compile(r"_task-([A-Za-z0-9]+)_")
# BIDS datatype folder → (modality, secondary modality), as the validator's summary has them
_MODALITIES = {
    "anat": ("mri", "mri_structural"),
    "func": ("mri", "mri_functional"),
    "dwi": ("mri", "mri_diffusion"),
    "perf": ("mri", "mri_perfusion"),
    "pet": ("pet", "pet"),
    "eeg": ("eeg", "eeg"),
    "ieeg": ("ieeg", "ieeg"),
    "meg": ("meg", "meg"),
    "nirs": ("nirs", "nirs"),
}
_TEXTS = ("License", "Acknowledgements", "HowToAcknowledge", "DatasetDOI", "DatasetType")
_LISTS = ("Authors", "Funding", "ReferencesAndLinks", "EthicsApprovals")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The newest entry of a CHANGES file: version tag and date, ISO 8601."""

    tag: str = FIRST_TAG
    created: str = SOME_DATE


def newest_change(text: str) -> Change:
    """Return the highest version that a CHANGES file has a heading for; 1.0.0 if it has none."""
    found = [(match[1], match[2]) for match in _CHANGE.finditer(text)]
    if not found:
        return Change()
    tag, date = max(found, key=lambda entry: tuple(map(int, entry[0].split("."))))
    return Change(tag=tag, created=f"{date}T00:00:00.000Z" if date else SOME_DATE)


def description(text: str, dataset: str) -> dict[str, Any]:
    """Return the API's ``description`` from the text of dataset_description.json.

    Fields of the wrong kind are brought to the right one, and a file that is no JSON object gives the
    dataset's accession as its name: the worker does likewise.
    """
    try:
        written = json.loads(text)
    except ValueError:
        written = {}
    if not isinstance(written, dict):
        written = {}
    authors = _texts(written.get("Authors"))
    return {
        "Name": _text(written.get("Name")) or dataset,
        "BIDSVersion": _text(written.get("BIDSVersion")) or "",
        "SeniorAuthor": authors[-1] if authors else None,
        **{key: _text(written.get(key)) for key in _TEXTS},
        **{key: _texts(written.get(key)) for key in _LISTS},
    }


def summary(paths: Iterable[str]) -> dict[str, Any]:
    """Return the parts of the API's ``summary`` that follow from paths alone; labels without prefix."""
    subjects, sessions, folders, tasks = set(), set(), set(), set()
    for path in paths:
        parts = path.split("/")
        if not parts[0].startswith("sub-") or len(parts) == 1:
            continue
        subjects.add(parts[0].removeprefix("sub-"))
        if parts[1].startswith("ses-"):
            sessions.add(parts[1].removeprefix("ses-"))
        folders.update(parts[1:-1])
        if task := _TASK.search(parts[-1]):
            tasks.add(task[1])
    seen = [names for folder, names in _MODALITIES.items() if folder in folders]
    modalities = list(dict.fromkeys(modality for modality, _ in seen))
    return {
        "subjects": sorted(subjects),
        "sessions": sorted(sessions),
        "tasks": sorted(tasks),
        "modalities": modalities,
        "primaryModality": modalities[0] if modalities else None,
        "secondaryModalities": [secondary for _, secondary in seen],
    }


def subject_metadata(text: str) -> list[dict[str, Any]]:
    """Return the API's ``subjectMetadata`` from a participants.tsv; what is no number is no age."""
    rows = csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE)
    return [
        {
            "participantId": row["participant_id"].removeprefix("sub-"),
            "age": _number(row.get("age")),
            "sex": row.get("sex"),
            "group": row.get("group"),
        }
        for row in rows
        if row.get("participant_id")
    ]


def _text(value: object) -> str | None:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or None
    return None if value is None else str(value)


def _texts(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(item) for item in value]
    return [] if value is None else [str(value)]


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if number - number == 0 else None  # neither NaN nor infinite: JSON has neither
