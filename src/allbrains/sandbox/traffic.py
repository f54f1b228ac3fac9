"""Middleware of all requests: each is counted, then passed to the faults.

A fault stands in front of the honest server. It may answer in its place, wait, break off, or change
what passes by, and needs to know nothing but the visit.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Protocol
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

GRAPHQL_PATH = "/crn/graphql"
BUCKET_PATH = "/openneuro.org"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request.

    Attributes:
        route: ``graphql``, ``objects``, ``files``, ``s3.get``, ``s3.head``, ``s3.list`` or ``other``.
        key: what of it: for ``graphql`` the operation's name and its variables as JSON with sorted
            keys (``Files {"d":"ds000011"}``), for ``s3.get``, ``s3.head`` and ``objects`` dataset and
            path or id, for ``s3.list`` the prefix, else the path.
        number: how many visits with this route and key came before.
    """

    route: str
    key: str
    number: int


class Fault(Protocol):
    """A misbehaviour of the server, given to `serve`. Adding one: a class with a call."""

    async def __call__(self, visit: Visit, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the visit; ``app(scope, receive, send)`` gives the honest answer."""


class Latency:
    """A long way to the server: each answer is late."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def __call__(self, visit: Visit, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the visit, later."""
        await asyncio.sleep(self._seconds)
        await app(scope, receive, send)


class Requests:
    """Counts of requests by route and key."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = Lock()

    def record(self, route: str, key: str) -> Visit:
        """Count a visit and return it."""
        with self._lock:
            number = self._counts[route, key]
            self._counts[route, key] += 1
        return Visit(route=route, key=key, number=number)

    def of(self, route: str) -> dict[str, int]:
        """Return how often each key of a route was asked for."""
        with self._lock:
            return {key: count for (name, key), count in self._counts.items() if name == route}

    def total(self, route: str) -> int:
        """Return the number of requests to a route."""
        return sum(self.of(route).values())

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._counts.clear()


class Traffic:
    """ASGI middleware that counts requests and lets the faults have them, the first one outermost."""

    def __init__(self, app: ASGIApp, requests: Requests, faults: Sequence[Fault]) -> None:
        self._app, self._requests, self._faults = app, requests, tuple(faults)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = b""
        if scope["path"] == GRAPHQL_PATH:
            body, receive = await _read_ahead(receive)
        visit = self._requests.record(*name(scope["method"], scope["path"], scope["query_string"], body))
        app = self._app
        for fault in reversed(self._faults):
            app = _behind(fault, visit, app)
        await app(scope, receive, send)


def name(method: str, path: str, query: bytes, body: bytes) -> tuple[str, str]:
    """Return route and key of a request."""
    if path == GRAPHQL_PATH:
        return "graphql", _operation(body)
    if path.rstrip("/") == BUCKET_PATH:
        return "s3.list", parse_qs(query.decode("latin-1")).get("prefix", [""])[0]
    if path.startswith(f"{BUCKET_PATH}/"):
        return ("s3.head" if method == "HEAD" else "s3.get"), path.removeprefix(f"{BUCKET_PATH}/")
    dataset, _, rest = path.removeprefix("/crn/datasets/").partition("/")
    if rest.startswith("objects/"):
        return "objects", f"{dataset}/{rest.removeprefix('objects/')}"
    if rest.startswith("snapshots/"):
        return "files", f"{dataset}/{rest.removeprefix('snapshots/')}"
    return "other", path


def _operation(body: bytes) -> str:
    try:
        asked = json.loads(body)
        variables = asked.get("variables") or {}
        operation = asked.get("operationName") or asked["query"].partition("(")[0].split()[1:2]
    except (ValueError, AttributeError, KeyError):
        return ""  # what isn't a request for data is still a visit
    label = operation if isinstance(operation, str) else "".join(operation)
    return f"{label} {json.dumps(variables, sort_keys=True, separators=(',', ':'))}".strip()


def _behind(fault: Fault, visit: Visit, app: ASGIApp) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await fault(visit, app, scope, receive, send)

    return answer


async def _read_ahead(receive: Receive) -> tuple[bytes, Receive]:
    """Return a request's whole body, and a ``receive`` that gives it once more."""
    messages: list[Message] = []
    while True:
        messages.append(await receive())
        if not messages[-1].get("more_body", False):
            break
    body = b"".join(message.get("body", b"") for message in messages)

    async def again() -> Message:
        return messages.pop(0) if messages else await receive()

    return body, again
