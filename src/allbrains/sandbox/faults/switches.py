"""From ``NAME[:SHARE[:TIMES]]`` to a server that misbehaves."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from graphql import GraphQLResolveInfo, MiddlewareManager
from starlette.types import ASGIApp, Receive, Scope, Send

from allbrains.errors import ConfigurationError
from allbrains.sandbox import listing_rows
from allbrains.sandbox.archive import Archive
from allbrains.sandbox.faults.fault_kinds import (
    TIMES,
    Call,
    Field,
    Lasts,
    Listed,
    Misbehaviour,
    Rows,
    Stock,
    Vocabulary,
    Wire,
)
from allbrains.sandbox.faults.lot import Lot
from allbrains.sandbox.faults.registry import FAULTS
from allbrains.sandbox.graphql_http import GraphqlService
from allbrains.sandbox.resolvers import SnapshotNode
from allbrains.sandbox.traffic import Fault, Visit

Resolver = Callable[..., Any]
NEXT_VERSION = "6.0.0"  # of a server whose schema has changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A fault that is on."""

    fault: Misbehaviour
    lot: Lot


def parse(text: str, *, seed: int = 0) -> Switch:
    """Return the switch that ``NAME[:SHARE[:TIMES]]`` means.

    Raises:
        ConfigurationError: there is no such fault, share or number.
    """
    name, *numbers = text.split(":")
    if name not in FAULTS:
        near = difflib.get_close_matches(name, FAULTS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(FAULTS)}"
        raise ConfigurationError(f"no fault is called {name!r}{hint}")
    fault = FAULTS[name]
    try:
        share = float(numbers[0]) if numbers else 1.0
        times = int(numbers[1]) if len(numbers) > 1 else TIMES
    except ValueError as error:
        raise ConfigurationError(f"--fault {text}: expected NAME[:SHARE[:TIMES]] ({error})") from error
    if len(numbers) > 2 or not 0 <= share <= 1 or times < 1:
        raise ConfigurationError(
            f"--fault {text}: expected NAME[:SHARE[:TIMES]] with a share of 0 to 1 and at least 1 time"
        )
    stays = fault.lasts is Lasts.STAYS
    if stays and len(numbers) > 1:
        raise ConfigurationError(f"--fault {text}: {name} stays, so it takes no number of times")
    return Switch(fault=fault, lot=Lot(name, share=share, times=0 if stays else times, seed=seed))


class Faults:
    """The faults that are on, and what they did."""

    def __init__(self, texts: Sequence[str] = (), *, seed: int = 0) -> None:
        """Switch faults on.

        Raises:
            ConfigurationError: one of the texts names no fault, or one is named twice.
        """
        self._switches = tuple(parse(text, seed=seed) for text in texts)
        names = [switch.fault.name for switch in self._switches]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ConfigurationError(f"switched on twice: {', '.join(sorted(twice))}")

    def counts(self) -> dict[str, int]:
        """Return how often each fault struck, by name."""
        return {switch.fault.name: sum(switch.lot.hits().values()) for switch in self._switches}

    def of(self, name: str) -> dict[str, int]:
        """Return how often a fault struck each of its subjects; nothing for a fault that is off."""
        return next((s.lot.hits() for s in self._switches if s.fault.name == name), {})

    def draws(self, name: str, subject: str) -> bool:
        """Return whether a fault that is on has drawn a subject, be it hit already or not."""
        return any(s.lot.draws(subject) for s in self._switches if s.fault.name == name)

    def on_wire(self) -> tuple[Fault, ...]:
        """Return what stands before the server, in the order of the switches."""
        return tuple(
            _OnWire(switch.fault.kind, switch.lot)
            for switch in self._switches
            if isinstance(switch.fault.kind, Wire)
        )

    def archive(self, honest: Archive) -> Archive:
        """Return what the API and the bucket believe in."""
        return self._wrapped(honest, everywhere=True)

    def bucket(self, common: Archive) -> Archive:
        """Return what the bucket has, given what both believe in."""
        return self._wrapped(common, everywhere=False)

    def service(self) -> GraphqlService:
        """Return the API with its schema of the day and the faults in its resolvers."""
        meddling = _Meddling(self._switches)
        middleware = MiddlewareManager(meddling) if meddling.meddles else None
        for switch in self._switches:
            if isinstance(switch.fault.kind, Vocabulary):
                schema = switch.fault.kind.alter(switch.lot)
                if switch.lot.hits():
                    return GraphqlService(schema=schema, version=NEXT_VERSION, middleware=middleware)
        return GraphqlService(middleware=middleware)

    def _wrapped(self, archive: Archive, *, everywhere: bool) -> Archive:
        for switch in self._switches:
            kind = switch.fault.kind
            if isinstance(kind, Stock) and kind.everywhere == everywhere:
                archive = kind.wrap(archive, switch.lot)
        return archive


class _OnWire:
    """A wire fault in the shape of a `Fault`."""

    def __init__(self, kind: Wire, lot: Lot) -> None:
        self._kind, self._lot = kind, lot

    async def __call__(self, visit: Visit, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        concerned = visit.route in self._kind.routes and self._kind.concerns(scope)
        if concerned and self._lot.hit(f"{visit.route} {visit.key}"):
            await self._kind.act(app, scope, receive, send)
        else:
            await app(scope, receive, send)


class _Meddling:
    """What stands before every field's resolver, as graphql-core's middleware."""

    def __init__(self, switches: Sequence[Switch]) -> None:
        self._switches = switches

    @cached_property
    def _fields(self) -> dict[str, list[tuple[Field, Lot]]]:
        found: dict[str, list[tuple[Field, Lot]]] = {}
        for switch in self._switches:
            if isinstance(switch.fault.kind, Field):
                for name in switch.fault.kind.names:
                    found.setdefault(name, []).append((switch.fault.kind, switch.lot))
        return found

    @cached_property
    def _rows(self) -> list[tuple[Rows, Lot]]:
        return [(s.fault.kind, s.lot) for s in self._switches if isinstance(s.fault.kind, Rows)]

    @property
    def meddles(self) -> bool:
        """Whether there is anything to stand before."""
        return bool(self._fields or self._rows)

    def resolve(self, honest: Any, source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        """Return a field's value, as the faults leave it."""
        name = f"{info.parent_type.name}.{info.field_name}"
        resolve = self._listing(honest) if name == "Snapshot.files" and self._rows else honest
        for field, lot in reversed(self._fields.get(name, ())):
            resolve = _before(resolve, field, lot)
        return resolve(source, info, **arguments)

    def _listing(self, honest: Resolver) -> Resolver:
        def listing(
            source: SnapshotNode,
            info: GraphQLResolveInfo,
            tree: str | None = None,
            recursive: bool | None = None,
        ) -> Any:
            concerned = [(kind, lot) for kind, lot in self._rows if lot.draws(source.accession)]
            if not concerned:
                return honest(source, info, tree=tree, recursive=recursive)
            listed = Listed(
                dataset=source.accession,
                base=source.base,
                folder=source.folder(tree),
                recursive=bool(recursive),
            )
            found = source.listed(tree, listed.recursive)
            for kind, lot in concerned:
                changed = kind.change(found, listed)
                if changed != found:
                    lot.hit(source.accession)
                found = changed
            return listing_rows.project(found, listing_rows.fields(info))

        return listing


def _before(resolve: Resolver, field: Field, lot: Lot) -> Resolver:
    def act(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        return field.act(Call(source=source, info=info, arguments=arguments, resolve=resolve, lot=lot))

    return act
