"""The objects endpoint, which hides its failures behind status 200."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from allbrains.sandbox.faults.fault_kinds import Drawn, Lasts, Misbehaviour, Wire

_ROUTES = frozenset({"objects"})


async def _empty(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await Response(b"")(scope, receive, send)


async def _error(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    body = {"error": "an unknown error occurred accessing this file"}
    await JSONResponse(body)(scope, receive, send)


FAULTS = (
    Misbehaviour(
        name="objects-empty",
        says="The objects endpoint answers 200 with an empty body.",
        lasts=Lasts.STAYS,
        drawn=Drawn.REQUESTS,
        kind=Wire(routes=_ROUTES, act=_empty),
    ),
    Misbehaviour(
        name="objects-error",
        says='The objects endpoint answers 200 with `{"error": …}`.',
        lasts=Lasts.STAYS,
        drawn=Drawn.REQUESTS,
        kind=Wire(routes=_ROUTES, act=_error),
    ),
)
