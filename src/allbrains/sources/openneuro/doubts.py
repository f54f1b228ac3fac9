"""What speaks against a listing: a worker that fails leaves files out without an error. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from allbrains import bids
from allbrains.sources.openneuro import answers
from allbrains.sources.snapshot import Entry, Snapshot

# A listing holds what the summary counts and more (.gitattributes, what .bidsignore hides); the tenth
# allows for submodules, which only the summary counts. A failed worker loses whole levels of folders.
SHORT = 0.9
# With anatomy of fewer of the announced subjects than this, some may have been lost. In 23 of 25 real
# datasets all have it, in the others more than nine tenths.
FEW = 0.5

_STRUCTURAL = "mri_structural"  # as the site's validator calls it, in capitals or not
_MRI = frozenset({"func", "dwi", "fmap", "perf", "swi"})


def shortage(snapshot: Snapshot, rows: Sequence[answers.File | None], count: int) -> str:
    """Return why a listing can't be whole, empty where nothing speaks against it."""
    if None in rows:
        return f"{count} files listed, {rows.count(None)} rows are null"
    if not count or count < SHORT * snapshot.files:
        return f"{count} files listed, its summary counts {snapshot.files}"
    return ""


def doubt(snapshot: Snapshot, paths: Collection[str]) -> str:
    """Return why anatomy may be missing from a listing that looks whole, empty where nothing says so."""
    pictured = len(_pictured(paths))
    if not pictured and _STRUCTURAL in (name.lower() for name in snapshot.modalities):
        return "its summary says MRI_Structural, and no image in anat is listed"
    if not pictured and not snapshot.modalities and _has_mri(paths):
        return "it has other MRI, no summary, and no image in anat is listed"
    if 0 < pictured < FEW * snapshot.subjects:
        return f"images in anat of {pictured} subjects are listed, its summary counts {snapshot.subjects}"
    if len(paths) < snapshot.files:
        return f"{len(paths)} files listed, its summary counts {snapshot.files}"
    return ""


def has_subjects(paths: Iterable[str]) -> bool:
    """Return whether there is a file of a subject."""
    return any(path.startswith("sub-") for path in paths)


def unlisted(entries: Iterable[Entry], listed: Collection[str]) -> tuple[str, ...]:
    """Return the images in anat among a bucket's files that a listing lacks."""
    return tuple(entry.path for entry in entries if _is_anatomy(entry.path) and entry.path not in listed)


def _pictured(paths: Iterable[str]) -> set[str]:
    """Return the folders of the subjects with an image in anat."""
    # of seven million paths the cheapest look first, and no call for each
    return {path.partition("/")[0] for path in paths if "/anat/" in path and _is_anatomy(path)}


def _is_anatomy(path: str) -> bool:
    return "/anat/" in path and path.startswith("sub-") and path.endswith(bids.IMAGE_EXTENSIONS)


def _has_mri(paths: Iterable[str]) -> bool:
    return any(
        path.startswith("sub-")
        and path.endswith(bids.IMAGE_EXTENSIONS)
        and not _MRI.isdisjoint(path.split("/"))
        for path in paths
    )
