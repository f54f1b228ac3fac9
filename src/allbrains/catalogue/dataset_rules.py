"""What a dataset itself says of its images: which it hides, whether they are copies, what else it has. Pure.

* ``.bidsignore`` hides files from readers of BIDS; its patterns are those of ``.gitignore``.
* A dataset that calls itself derivative and names a dataset of OpenNeuro as its source holds copies of scans
  that are there already: they are left out. One that names none, and holds raw names, stays, with a note.
* A dataset with UNIT1 images and no T1w is not invisible: a note says how many there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pathspec import GitIgnoreSpec

from allbrains import bids
from allbrains.records import Scan
from allbrains.sources.raw_names import preference, source_on_openneuro
from allbrains.sources.snapshot import Excluded, Exclusion, Listing, Snapshot
from allbrains.sources.which_files import place_of, scans_in
from allbrains.text import json_of

IGNORE_FILE = ".bidsignore"
_DESCRIPTION = "dataset_description.json"
_LONGEST_LINE = 1000  # characters of a pattern; longer ones are no path's


def sort_out_by_dataset(
    snapshot: Snapshot, scans: Sequence[Scan], files: Mapping[str, bytes]
) -> tuple[tuple[Scan, ...], tuple[Excluded, ...]]:
    """Return the scans that the dataset doesn't hide and that aren't copies, and a row for each other.

    Args:
        snapshot: of the dataset.
        scans: all that its listing has.
        files: the bytes of its small files, by path.
    """
    hidden = _hidden(scans, files.get(IGNORE_FILE, b""))
    described = _json(files.get(_DESCRIPTION, b""))
    derivative = "derivative" in {snapshot.dataset_type, str(described.get("DatasetType", ""))}
    source = source_on_openneuro(snapshot.dataset, described) if derivative else ""
    kept: list[Scan] = []
    rows: list[Excluded] = []
    for scan in scans:
        if scan.path in hidden:
            rows.append(_row(scan, Exclusion.IGNORED, f"{IGNORE_FILE}: {hidden[scan.path]}"))
        elif source:
            words = f"the dataset calls itself a derivative of {source}, which is on OpenNeuro"
            rows.append(_row(scan, Exclusion.DERIVATIVE, words))
        else:
            kept.append(scan)
    if derivative and kept:
        words = f"the dataset calls itself derivative; {len(kept)} images with raw names stay"
        rows.append(_note(snapshot, Exclusion.DERIVATIVE_DATASET, words))
    return tuple(kept), tuple(rows)


def other_contrast(listing: Listing, suffixes: Sequence[str]) -> tuple[Excluded, ...]:
    """Return a note where a dataset has UNIT1 images (MP2RAGE) and no T1w, and only T1w were asked for."""
    if "T1w" not in suffixes or "UNIT1" in suffixes:
        return ()
    endings = tuple(f"_UNIT1{extension}" for extension in bids.IMAGE_EXTENSIONS)
    named = [entry.path for entry in listing.entries if entry.path.endswith(endings)]
    if not named or scans_in(listing, suffixes=("T1w",))[0]:
        return ()
    number = sum(isinstance(place_of(path), bids.BidsPath) for path in named)
    words = f"no T1w, but {number} UNIT1 images (MP2RAGE): --suffix UNIT1 takes them"
    return (_note(listing.snapshot, Exclusion.NO_T1W, words),) if number else ()


def preferred(scans: Iterable[Scan]) -> frozenset[str]:
    """Return the paths of the images to prefer: one for each person, session and suffix."""
    best: dict[tuple[str, str, str], tuple[Any, str]] = {}
    for scan in scans:
        place = (scan.subject, scan.session, scan.suffix)
        rank = (preference(dict(scan.entities)), scan.path)
        best[place] = min(best.get(place, rank), rank)
    return frozenset(path for _, path in best.values())


def _hidden(scans: Sequence[Scan], ignore: bytes) -> dict[str, str]:
    """Return the pattern that hides a scan, by its path."""
    lines = [line for line in ignore.decode("utf-8", "replace").splitlines() if len(line) <= _LONGEST_LINE]
    try:
        spec = GitIgnoreSpec.from_lines(lines)
    except ValueError:  # one line is no pattern: the others still count
        spec = GitIgnoreSpec.from_lines([line for line in lines if _is_pattern(line)])
    patterns = list(spec.patterns)
    hidden: dict[str, str] = {}
    for scan in scans:
        found = spec.check_file(scan.path)
        if found.include and found.index is not None:
            hidden[scan.path] = str(getattr(patterns[found.index], "pattern", "")) or IGNORE_FILE
    return hidden


def _is_pattern(line: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([line])
    except ValueError:
        return False
    return True


def _json(text: bytes) -> Mapping[str, Any]:
    try:
        found = json_of(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _row(scan: Scan, reason: Exclusion, evidence: str) -> Excluded:
    return Excluded(
        dataset=scan.dataset, snapshot=scan.snapshot, path=scan.path, reason=reason, evidence=evidence
    )


def _note(snapshot: Snapshot, reason: Exclusion, evidence: str) -> Excluded:
    return Excluded(
        dataset=snapshot.dataset, snapshot=snapshot.tag, path="", reason=reason, evidence=evidence
    )
