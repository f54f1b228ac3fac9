"""What a fault is made of: its name, how long it lasts, and the one place where it takes hold.

Each kind takes hold where the real service fails, so that what follows from it (statuses, null parents,
error paths, the second URL that is wrong too) follows by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from graphql import GraphQLResolveInfo, GraphQLSchema
from starlette.types import ASGIApp, Receive, Scope, Send

from allbrains.sandbox.archive import Archive
from allbrains.sandbox.faults.lot import Lot
from allbrains.sandbox.listing_rows import Row

TIMES = 2  # that a passing fault hits the same subject, where nothing else is said


class Lasts(StrEnum):
    """Whether a fault goes away by itself."""

    PASSES = "passes"  # a subject is hit a few times, then no longer: a client that tries again gets through
    STAYS = "stays"


class Drawn(StrEnum):
    """What the share of a fault is a share of."""

    REQUESTS = "requests"  # a request is its route and what it asks for, however often it comes
    DATASETS = "datasets"
    FILES = "files"
    FIELDS = "fields"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """Stands between the client and the honest server, on some routes.

    Attributes:
        routes: of a ``Visit``.
        act: answers in the server's place, or changes what passes by.
        concerns: whether this request can meet the fault at all.
    """

    routes: frozenset[str]
    act: Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]
    concerns: Callable[[Scope], bool] = lambda scope: True


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A field that is about to be resolved.

    Attributes:
        source: the object that it is a field of.
        info: what the query says of it.
        arguments: of the field.
        resolve: the honest resolver.
        lot: the fault's.
    """

    source: Any
    info: GraphQLResolveInfo
    arguments: Mapping[str, Any]
    resolve: Callable[..., Any]
    lot: Lot

    def honestly(self) -> Any:
        """Return what the field is without the fault."""
        return self.resolve(self.source, self.info, **self.arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Stands before the resolver of fields, named ``Type.field``."""

    names: frozenset[str]
    act: Callable[[Call], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A listing of files.

    Attributes:
        dataset: accession.
        base: scheme and host of the URLs in it.
        folder: below which the files are named; empty is the root.
        recursive: whether it goes down to the last file.
    """

    dataset: str
    base: str
    folder: str
    recursive: bool

    def path(self, row: Row) -> str:
        """Return a row's path inside the dataset."""
        return f"{self.folder}/{row['filename']}" if self.folder else str(row["filename"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Changes the rows of a listing of a dataset that was drawn."""

    change: Callable[[list[Row], Listed], list[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """Replaces what there is to serve: in the bucket only, or everywhere."""

    wrap: Callable[[Archive, Lot], Archive]
    everywhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Replaces the schema that queries are validated against."""

    alter: Callable[[Lot], GraphQLSchema]


@dataclass(frozen=True, slots=True, kw_only=True)
class Misbehaviour:
    """A fault that can be switched on.

    Attributes:
        name: of the switch.
        says: what happens, in a sentence.
        lasts: whether it goes away by itself.
        drawn: what its share is a share of.
        kind: where it takes hold, and what it does there.
    """

    name: str
    says: str
    lasts: Lasts
    drawn: Drawn
    kind: Wire | Field | Rows | Stock | Vocabulary = field(repr=False)
