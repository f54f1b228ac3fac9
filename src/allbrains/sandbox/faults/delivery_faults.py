"""Bytes on their way: cut, reset, dripping, wrong, or from another place than was asked for."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from allbrains.sandbox.faults.fault_kinds import Drawn, Lasts, Misbehaviour, Wire
from allbrains.sandbox.wires import Wires

_FILES = frozenset({"s3.get", "objects", "files"})
_ALL = _FILES | {"graphql", "s3.list"}
_DRIP_BYTES, _DRIP_S = 64, 0.05  # 1,280 bytes a second, where OpenNeuro's bucket gives some ten million
_CUT = 2  # the part of a body that is delivered is one in so many


def _wires(scope: Scope) -> Wires:
    wires: Wires = scope["app"].state.wires
    return wires


async def _first_part(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> bool:
    """Deliver half of an answer's body, and return whether there was anything to cut."""
    left = [-1]  # bytes; unknown before the headers

    async def cut(message: Message) -> None:
        if message["type"] == "http.response.start":
            left[0] = _length(message) // _CUT
            await send(message)
        elif left[0] >= 0 and (part := message.get("body", b"")[: left[0]]):
            left[0] -= len(part)
            await send({"type": "http.response.body", "body": part, "more_body": True})

    await app(scope, receive, cut)
    return left[0] >= 0


def _length(message: Message) -> int:
    return int(dict(message["headers"]).get(b"content-length", b"0"))


async def _end_early(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    if await _first_part(app, scope, receive, send):
        await _wires(scope).end(scope)


async def _reset(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    if await _first_part(app, scope, receive, send):
        await _wires(scope).reset(scope)


async def _shorten(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    left = [0]

    async def shorten(message: Message) -> None:
        if message["type"] == "http.response.start":
            left[0] = _length(message) // _CUT
            kept = [(name, value) for name, value in message["headers"] if name != b"content-length"]
            headers = [*kept, (b"content-length", str(left[0]).encode())]
            await send({**message, "headers": headers})
            return
        part = message.get("body", b"")[: left[0]]
        left[0] -= len(part)
        await send({**message, "body": part})

    await app(scope, receive, shorten)


async def _drip(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    wires = _wires(scope)

    async def drip(message: Message) -> None:
        body = message.get("body", b"")
        for start in range(0, len(body), _DRIP_BYTES):
            if not wires.is_open(scope):
                break
            part = body[start : start + _DRIP_BYTES]
            await send({"type": "http.response.body", "body": part, "more_body": True})
            await asyncio.sleep(_DRIP_S)
        rest = {"body": b""} if body else {}
        await send({**message, **rest})

    await app(scope, receive, drip)


async def _mangle(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    good = [False]

    async def mangle(message: Message) -> None:
        if message["type"] == "http.response.start":
            good[0] = message["status"] in {200, 206}
        elif good[0] and message.get("body"):
            body = message["body"]
            message = {**message, "body": bytes([body[0] ^ 1]) + body[1:]}
        await send(message)

    await app(scope, receive, mangle)


def _has_range(scope: Scope) -> bool:
    return any(name == b"range" for name, _ in scope["headers"])


async def _ignore_range(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
    await app({**scope, "headers": headers}, receive, send)


FAULTS = (
    Misbehaviour(
        name="truncated-body",
        says="An answer breaks off in its middle, and the connection is closed.",
        lasts=Lasts.PASSES,
        drawn=Drawn.REQUESTS,
        kind=Wire(routes=_ALL, act=_end_early),
    ),
    Misbehaviour(
        name="short-body",
        says="A file is delivered half, with a Content-Length that agrees: nothing looks broken.",
        lasts=Lasts.PASSES,
        drawn=Drawn.REQUESTS,
        kind=Wire(routes=_FILES, act=_shorten),
    ),
    Misbehaviour(
        name="connection-reset",
        says="The connection is reset in the middle of an answer.",
        lasts=Lasts.PASSES,
        drawn=Drawn.REQUESTS,
        kind=Wire(routes=_ALL, act=_reset),
    ),
    Misbehaviour(
        name="slow-drip",
        says=f"A file comes at {_DRIP_BYTES / _DRIP_S:,.0f} bytes a second.",
        lasts=Lasts.PASSES,
        drawn=Drawn.REQUESTS,
        kind=Wire(routes=_FILES, act=_drip),
    ),
    Misbehaviour(
        name="flipped-bytes",
        says="A file comes in its right length with flipped bits; the next time it is right.",
        lasts=Lasts.PASSES,
        drawn=Drawn.REQUESTS,
        kind=Wire(routes=_FILES, act=_mangle),
    ),
    Misbehaviour(
        name="wrong-bytes",
        says="A file in the bucket has its right length and other bytes than its digest says.",
        lasts=Lasts.STAYS,
        drawn=Drawn.REQUESTS,
        kind=Wire(routes=frozenset({"s3.get"}), act=_mangle),
    ),
    Misbehaviour(
        name="range-ignored",
        says="A request for a range is answered 200 with the whole file.",
        lasts=Lasts.STAYS,
        drawn=Drawn.REQUESTS,
        kind=Wire(routes=_FILES, act=_ignore_range, concerns=_has_range),
    ),
)
