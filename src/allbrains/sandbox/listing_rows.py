"""The rows of ``Snapshot.files``: which there are, their tree ids, and their projection. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLResolveInfo,
    GraphQLSkipDirective,
    SelectionSetNode,
    get_directive_values,
)

Row = dict[str, Any]
Fields = tuple[tuple[str, str], ...]
_PLAIN = re.compile(r"[A-Za-z0-9_.~/-]*\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Rows as the JSON array that they become in the answer."""

    json: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingRow:
    """A file of a snapshot, its content hashed.

    Attributes:
        path: inside the dataset.
        size: bytes.
        object_id: annex key or git blob id.
        annexed: whether the object id is an annex key.
        version: S3 version id; needs no quoting in a URL.
    """

    path: str
    size: int
    object_id: str
    annexed: bool
    version: str


def url(base: str, dataset: str, entry: ListingRow) -> str:
    """Return the one URL that the API gives for a file: of its S3 version, or of its git object."""
    if entry.annexed:
        path = f"{dataset}/{entry.path}"
        # nearly all paths need no quoting, and a listing may have 70,000
        quoted = path if _PLAIN.match(path) else quote(path)
        return f"{base}/openneuro.org/{quoted}?versionId={entry.version}"
    name = quote(entry.path.rpartition("/")[2], safe="")
    return f"{base}/crn/datasets/{quote(dataset)}/objects/{entry.object_id}?filename={name}"


def tree_ids(entries: Iterable[ListingRow]) -> dict[str, str]:
    """Return an id for each folder, ``""`` being the root: 40 hex digits over names and contents.

    Two folders with the same content have the same id, as in git.
    """
    lines: dict[str, list[str]] = {"": []}
    for entry in entries:
        folder, _, name = entry.path.rpartition("/")
        lines.setdefault(folder, []).append(f"{name}\0{entry.object_id}")
        while folder and (parent := folder.rpartition("/")[0]) not in lines:
            lines[parent] = []
            folder = parent
    ids: dict[str, str] = {}
    for folder in sorted(lines, key=lambda path: path.count("/") if path else -1, reverse=True):
        ids[folder] = hashlib.sha1("\n".join(sorted(lines[folder])).encode()).hexdigest()
        if folder:
            parent, _, name = folder.rpartition("/")
            lines[parent].append(f"{name}\0{ids[folder]}")
    return ids


def below(entries: Iterable[ListingRow], folder: str, url_of: Callable[[ListingRow], str]) -> Iterator[Row]:
    """Yield a row for each file at any depth below a folder, named relative to it."""
    start = len(folder) + 1 if folder else 0
    prefix = f"{folder}/" if folder else ""
    for entry in entries:
        if entry.path.startswith(prefix):
            yield {
                "id": entry.object_id,
                "filename": entry.path[start:],
                "size": entry.size,
                "annexed": entry.annexed,
                "directory": False,
                "urls": [url_of(entry)],
                "__typename": "DatasetFile",
            }


def one_level(rows: Iterable[Row], ids: Mapping[str, str], folder: str) -> list[Row]:
    """Return a folder's own files, then a row for each folder in it, with its tree id."""
    files, folders = [], {}
    for row in rows:
        name, slash, _ = row["filename"].partition("/")
        if not slash:
            files.append(row)
        elif name not in folders:
            tree = ids[f"{folder}/{name}" if folder else name]
            folders[name] = {
                "id": tree,
                "filename": name,
                "size": 0,
                "annexed": False,
                "directory": True,
                "urls": [],
                "__typename": "DatasetFile",
            }
    return files + [folders[name] for name in sorted(folders)]


def fields(info: GraphQLResolveInfo) -> Fields:
    """Return the key and the name of each field that the query asks for of a row."""
    wanted = {
        (node.alias or node.name).value: node.name.value
        for field in info.field_nodes
        for node in _fields(field.selection_set, info)
    }
    return tuple(wanted.items())


def project(rows: Iterable[Row], wanted: Fields) -> list[Row]:
    """Return the rows with just the fields, under the keys, that a query asks for."""
    return [{key: row[name] for key, name in wanted} for row in rows]


def _fields(selections: SelectionSetNode, info: GraphQLResolveInfo) -> Iterator[FieldNode]:
    for node in selections.selections:
        skip = get_directive_values(GraphQLSkipDirective, node, info.variable_values)
        include = get_directive_values(GraphQLIncludeDirective, node, info.variable_values)
        if (skip and skip["if"]) or (include and not include["if"]):
            continue
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, FragmentSpreadNode):
            yield from _fields(info.fragments[node.name.value].selection_set, info)
        else:
            yield from _fields(node.selection_set, info)
