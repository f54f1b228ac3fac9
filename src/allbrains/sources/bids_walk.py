"""The files of a BIDS dataset on a disk, which is untrusted.

Rules:
    1. A subject keeps its place: the ``sub-*`` folders of the dataset are walked first, folders before links
       to folders, and then the rest. A link in ``derivatives`` to a subject thus finds it walked already.
    2. A linked folder is followed once, wherever it leads: rings end.
    3. What can't be listed, or lies deeper than ``DEEPEST`` folders, is told; nothing is left out in silence.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

DEEPEST = 64  # folders; BIDS needs four, the system ends at some thousand letters
_NOT_ENTERED = frozenset({".git", ".datalad"})  # git-annex's content lies there under names that say nothing


@dataclass(slots=True)
class Walked:
    """What a walk found.

    Attributes:
        files: paths inside the dataset, sorted; names are as the system gives them, of any bytes.
        unlisted: folders that were not listed, each with the reason.
    """

    files: list[str] = field(default_factory=list)
    unlisted: list[tuple[str, str]] = field(default_factory=list)


def walk_dataset(root: Path) -> Walked:
    """Return the files of a dataset."""
    found, seen = Walked(), {os.path.realpath(root)}
    top = _listed(root, "", found)
    for part in ([n for n in top if n.startswith("sub-")], [n for n in top if not n.startswith("sub-")]):
        links = [name for name in part if (root / name).is_symlink()]
        start = [name for name in part if name not in links]
        links += _walk(root, start, found, seen)
        while links:  # links below links are followed last of all
            links = _walk(root, links, found, seen)
    found.files.sort()
    return found


def _walk(root: Path, start: list[str], found: Walked, seen: set[str]) -> list[str]:
    """Walk these folders, whether links or not; return the links to folders that were found in them."""
    todo, links = deque(start), list[str]()
    while todo:
        folder = todo.popleft()
        if folder.count("/") >= DEEPEST:
            found.unlisted.append((folder, f"it lies more than {DEEPEST} folders deep"))
            continue
        if (real := os.path.realpath(root / folder)) in seen:
            continue
        seen.add(real)
        for child in _listed(root, folder, found):
            (links if (root / child).is_symlink() else todo).append(child)
    return links


def _listed(root: Path, folder: str, found: Walked) -> list[str]:
    """Note the files of a folder, and return the folders in it, sorted."""
    prefix = f"{folder}/" if folder else ""
    folders: list[str] = []
    try:
        with os.scandir(root / folder) as entries:
            for entry in entries:
                if _is_folder(entry):
                    folders += [] if entry.name in _NOT_ENTERED else [prefix + entry.name]
                else:
                    found.files.append(prefix + entry.name)
    except OSError as error:
        found.unlisted.append((folder, os.strerror(error.errno or 0)))
    return sorted(folders)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a folder, or a link to one; a link to itself is neither."""
    try:
        return entry.is_dir()
    except OSError:
        return False
