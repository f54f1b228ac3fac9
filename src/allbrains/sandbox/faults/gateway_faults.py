"""What stands before the services: load balancers that give up, and limits on the rate."""

from __future__ import annotations

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from allbrains.sandbox.faults.fault_kinds import Drawn, Lasts, Misbehaviour, Wire
from allbrains.sandbox.s3_bucket import error

RETRY_AFTER_S = 1
_API = frozenset({"graphql"})
_BUCKET = frozenset({"s3.get", "s3.head", "s3.list"})


def _page(status: int, words: str) -> str:
    return (
        f"<html>\r\n<head><title>{status} {words}</title></head>\r\n<body>\r\n"
        f"<center><h1>{status} {words}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )


async def _answer(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    await response(scope, receive, send)


async def _bad_gateway(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await _answer(HTMLResponse(_page(502, "Bad Gateway"), 502), scope, receive, send)


async def _gateway_timeout(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await _answer(HTMLResponse(_page(504, "Gateway Time-out"), 504), scope, receive, send)


async def _too_many(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    headers = {"Retry-After": str(RETRY_AFTER_S)}
    response = JSONResponse({"error": "Too Many Requests"}, 429, headers)
    await _answer(response, scope, receive, send)


async def _slow_down(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    response = error("SlowDown", status=503, message="Please reduce your request rate.")
    await _answer(response, scope, receive, send)


FAULTS = (
    Misbehaviour(
        name="html-502",
        says="The API's gateway answers 502 with a page of HTML.",
        lasts=Lasts.PASSES,
        drawn=Drawn.REQUESTS,
        kind=Wire(routes=_API, act=_bad_gateway),
    ),
    Misbehaviour(
        name="html-504",
        says="The API's gateway answers 504 with a page of HTML.",
        lasts=Lasts.PASSES,
        drawn=Drawn.REQUESTS,
        kind=Wire(routes=_API, act=_gateway_timeout),
    ),
    Misbehaviour(
        name="rate-limited",
        says=f"The API answers 429 with `Retry-After: {RETRY_AFTER_S}`.",
        lasts=Lasts.PASSES,
        drawn=Drawn.REQUESTS,
        kind=Wire(routes=_API, act=_too_many),
    ),
    Misbehaviour(
        name="s3-slow-down",
        says="The bucket answers 503 SlowDown.",
        lasts=Lasts.PASSES,
        drawn=Drawn.REQUESTS,
        kind=Wire(routes=_BUCKET, act=_slow_down),
    ),
)
