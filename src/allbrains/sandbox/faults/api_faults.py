"""Fields of the API that fail, are null, or change while a crawl is under way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from graphql import GraphQLError

from allbrains.sandbox.archive import Archive
from allbrains.sandbox.faults.fault_kinds import Call, Drawn, Field, Lasts, Misbehaviour
from allbrains.sandbox.faults.stock import View
from allbrains.sandbox.resolvers import LARGEST_PAGE, decode_cursor

_AT_ROOT = frozenset({"Query.dataset", "Query.snapshot"})


def dataset_of(call: Call) -> str:
    """Return the accession that a field is about."""
    named = call.arguments.get("datasetId") or call.arguments.get("id")
    return str(named or getattr(call.source, "accession", "") or getattr(call.source, "id", ""))


def _fails(message: str) -> Callable[[Call], Any]:
    def act(call: Call) -> Any:
        if call.lot.hit(dataset_of(call)):
            raise GraphQLError(message)
        return call.honestly()

    return act


def _partly(call: Call) -> Any:
    if call.lot.hit(f"{dataset_of(call)} {call.info.field_name}"):
        raise GraphQLError("fetch failed")
    return call.honestly()


def _null(call: Call) -> Any:
    return None if call.lot.hit(dataset_of(call)) else call.honestly()


def _null_edge(call: Call) -> Any:
    if "edges" in call.info.path.as_list() and call.lot.hit(dataset_of(call)):
        raise GraphQLError("Not Found")  # under a non-null field: the whole edge becomes null
    return call.honestly()


def _deprecated(call: Call) -> Any:
    if not call.lot.hit(dataset_of(call)):
        return call.honestly()
    return {
        "id": call.source.id,
        "user": "00000000-0000-4000-8000-000000000000",
        "reason": "Superseded: the sandbox says so.",
        "timestamp": "2026-01-01T00:00:00.000Z",
    }


class Without(View):
    """An archive that keeps some of its datasets to itself."""

    def __init__(self, inner: Archive, hidden: frozenset[str]) -> None:
        super().__init__(inner)
        self._hidden = hidden

    def datasets(self) -> tuple[str, ...]:
        """Return the accessions of the others."""
        return tuple(name for name in super().datasets() if name not in self._hidden)


def _list_without(call: Call, hidden: frozenset[str]) -> Any:
    source = replace(call.source, archive=Without(call.source.archive, hidden))
    return call.resolve(source, call.info, **call.arguments)


def _deleted(call: Call) -> Any:
    """Refuse a dataset that was listed a moment ago; from then on it isn't listed any more."""
    if call.info.field_name == "datasets":
        return _list_without(call, frozenset(call.lot.hits()))
    dataset = dataset_of(call)
    if not call.lot.hit(dataset):
        return call.honestly()
    message = f"Dataset {dataset} has been deleted. Reason: withdrawn by its owner."
    raise GraphQLError(message, extensions={"code": "DELETED_DATASET"})


def _page_shift(call: Call) -> Any:
    """Publish datasets of a page after it was read: later pages shift, and the count grows."""
    names = call.source.archive.datasets()
    first = call.arguments.get("first", 25)
    start = decode_cursor(call.arguments.get("after"))
    end = start + min(max(first or 0, 1), LARGEST_PAGE)
    if end >= len(names):  # nobody asks for a page behind the last one: these would never appear
        return call.honestly()
    hidden = frozenset(name for name in names[start:end] if call.lot.hit(name))
    return _list_without(call, hidden)


def _count_short(call: Call) -> Any:
    names = call.source.archive.datasets()
    hidden = frozenset(name for name in names if call.lot.draws(name))
    page = _list_without(call, hidden)
    for name in hidden:
        call.lot.hit(name)
    if page is not None:
        page["pageInfo"]["count"] = len(names)
    return page


_LIST = frozenset({"Query.datasets"})
_FILES = frozenset({"Snapshot.files"})


def _field(
    name: str, says: str, lasts: Lasts, names: frozenset[str], act: Callable[[Call], Any]
) -> Misbehaviour:
    return Misbehaviour(
        name=name, says=says, lasts=lasts, drawn=Drawn.DATASETS, kind=Field(names=names, act=act)
    )


FAULTS = (
    _field(
        "fetch-failed",
        "The API can't reach its worker: `files` is null, with the error `fetch failed`.",
        Lasts.PASSES,
        _FILES,
        _fails("fetch failed"),
    ),
    _field(
        "aborted",
        "The worker takes longer than 30 s: `files` is null, with the error "
        "`The operation was aborted due to timeout`.",
        Lasts.PASSES,
        _FILES,
        _fails("The operation was aborted due to timeout"),
    ),
    _field(
        "null-snapshot",
        "`snapshot` and `dataset` are null with status 200 and without an error.",
        Lasts.PASSES,
        _AT_ROOT,
        _null,
    ),
    _field(
        "null-edge",
        "A dataset's edge in the list is null, with an error beside it.",
        Lasts.PASSES,
        frozenset({"Dataset.latestSnapshot"}),
        _null_edge,
    ),
    _field(
        "partial-error",
        "A snapshot's `description` or `summary` is null, with an error beside the rest.",
        Lasts.PASSES,
        frozenset({"Snapshot.description", "Snapshot.summary"}),
        _partly,
    ),
    _field(
        "not-found",
        "The worker lacks the dataset's repository: `snapshot` is null, with the error `Not Found`.",
        Lasts.STAYS,
        frozenset({"Query.snapshot"}),
        _fails("Not Found"),
    ),
    _field(
        "deleted-dataset",
        "A dataset is deleted after it was listed: `DELETED_DATASET`, and gone from later lists.",
        Lasts.STAYS,
        _AT_ROOT | _LIST,
        _deleted,
    ),
    _field(
        "deprecated",
        "A snapshot is deprecated by its owner.",
        Lasts.STAYS,
        frozenset({"Snapshot.deprecated"}),
        _deprecated,
    ),
    _field(
        "page-shift",
        "Datasets are made public after their page was read: rows come twice, the count grows.",
        Lasts.PASSES,
        _LIST,
        _page_shift,
    ),
    _field(
        "count-short",
        "The list is short of its own count: datasets are counted and never listed.",
        Lasts.STAYS,
        _LIST,
        _count_short,
    ),
)
