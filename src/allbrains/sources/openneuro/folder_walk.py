"""A snapshot's folders, one level in each question: the way when ``files(recursive: true)`` is short.

Only folders that can hold raw anatomy or tables are entered, many of them in one question by aliases.
Git knows no empty folder, so an empty answer is a folder that the server could not read: a hole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from allbrains.sources.openneuro import answers, queries
from allbrains.sources.openneuro.graphql_client import Answer, Api
from allbrains.sources.snapshot import Snapshot

# Folders in one question. Each costs the server a call to its worker, and the question has 30 s.
AT_ONCE = 25
_ENTERED = re.compile(r"(?:sub-[^/]+(?:/ses-[^/]+)?(?:/anat)?|phenotype)\Z")

Rows = list[answers.File | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """What a walk found.

    Attributes:
        files: by path inside the dataset.
        holes: folders that could not be read; the top is an empty text.
    """

    files: Mapping[str, answers.File]
    holes: tuple[str, ...]


def walk(api: Api, snapshot: Snapshot) -> Walk:
    """Return the files of the folders that matter.

    Raises:
        TransientError: not now.
        SourceError: the API refuses.
    """
    where: dict[str, object] = {"dataset": snapshot.dataset, "tag": snapshot.tag}
    level = {"": api.ask(queries.ROOT, where, answers.FilesAnswer, _root)}
    files: dict[str, answers.File] = {}
    holes: list[str] = []
    while level:
        folders: dict[str, str] = {}  # path → tree id
        for folder, rows in level.items():
            if not rows or None in rows:
                holes.append(folder)
            for row in filter(None, rows):
                path = f"{folder}/{row.filename}" if folder else row.filename
                if not row.directory:
                    files[path] = row
                elif _ENTERED.match(path):
                    folders[path] = row.id
        level = dict(_read(api, where, folders))
    return Walk(files=files, holes=tuple(holes))


def _read(api: Api, where: dict[str, object], folders: Mapping[str, str]) -> Iterator[tuple[str, Rows]]:
    """Yield each folder's rows; none for one that the API can't find."""
    paths = sorted(folders)
    for start in range(0, len(paths), AT_ONCE):
        group = paths[start : start + AT_ONCE]
        variables = where | {f"t{n}": folders[path] for n, path in enumerate(group)}
        found = api.ask(queries.trees(len(group)), variables, answers.TreesAnswer, _trees)
        yield from ((path, found[f"t{n}"]) for n, path in enumerate(group))


def _root(answer: Answer[answers.FilesAnswer]) -> Rows:
    tree = answer.data.snapshot
    if tree is None or tree.files is None:
        raise answer.reject()
    return tree.files


def _trees(answer: Answer[answers.TreesAnswer]) -> dict[str, Rows]:
    found = answer.data.snapshot
    if found is None:
        raise answer.reject()
    rows: dict[str, Rows] = {}
    for alias, listed in found.items():
        if listed is None:
            answer.refusal(alias)  # raises where the next question may fare better
        rows[alias] = listed or []
    return rows
