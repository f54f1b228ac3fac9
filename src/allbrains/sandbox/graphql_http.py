"""GraphQL over HTTP with the status rules of Apollo Server 5 behind express 5, as OpenNeuro has them.

What is wrong with the request is 400; what goes wrong in a resolver is 200 with ``errors``.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    MiddlewareManager,
    execute_sync,
    parse,
    validate,
)
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from allbrains.sandbox.graphql_schema import execution_schema, public_schema
from allbrains.sandbox.listing_rows import Encoded
from allbrains.sandbox.resolvers import Query

SERVER_VERSION = "5.5.1"
# A browser sends these without asking the server first; any of two headers shows that it did ask.
_SIMPLE_TYPES = {"", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}
_PREFLIGHT_HEADERS = ("x-apollo-operation-name", "apollo-require-preflight")
_CSRF = (
    "This operation has been blocked as a potential Cross-Site Request Forgery (CSRF). Please either "
    "specify a 'content-type' header (with a type that is not one of "
    "application/x-www-form-urlencoded, multipart/form-data, text/plain) or provide a non-empty value "
    "for one of the following headers: x-apollo-operation-name, apollo-require-preflight\n"
)
_NO_BODY = "POST body missing, invalid Content-Type, or JSON object has no keys."
_NO_QUERY = "GraphQL operations must contain a non-empty `query` or a `persistedQuery` extension."


class _NotJson(ValueError):
    """The body isn't what express's parser takes for JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What a request asks for."""

    query: str
    variables: dict[str, Any] = field(default_factory=dict)
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphqlService:
    """The API as it is today.

    Attributes:
        schema: what queries are validated against; has no field that the execution schema lacks.
        version: of the server, as its answers state it.
        middleware: stands before every field's resolver.
    """

    schema: GraphQLSchema = field(default_factory=public_schema)
    version: str = SERVER_VERSION
    middleware: MiddlewareManager | None = None


async def graphql(request: Request) -> Response:
    """Answer a GraphQL request."""
    base = f"{request.url.scheme}://{request.url.netloc}"
    try:
        operation = await _operation(request)
    except _NotJson as error:
        return HTMLResponse(_EXPRESS_ERROR.format(escape(str(error))), status_code=400)
    except GraphQLError as error:
        return _answer(400, {"errors": [_formatted(error, "BAD_REQUEST")]})
    state = request.app.state
    query = Query(archive=state.archive, base=base)
    # in a thread: resolvers read files, and a listing of 70,000 rows takes its time
    return await run_in_threadpool(lambda: _answer(*execute(operation, query, state.service)))


def execute(operation: Operation, root: Query, service: GraphqlService) -> tuple[int, dict[str, Any]]:
    """Return HTTP status and body of an operation's answer."""
    try:
        document, invalid = _validated(operation.query, service.schema)
    except GraphQLSyntaxError as error:
        return 400, {"errors": [_formatted(error, "GRAPHQL_PARSE_FAILED")]}
    if invalid:
        return 400, {"errors": [_formatted(error, "GRAPHQL_VALIDATION_FAILED") for error in invalid]}
    result = execute_sync(
        execution_schema(),
        document,
        root_value=root,
        variable_values=operation.variables,
        operation_name=operation.name,
        middleware=service.middleware,
    )
    errors = result.errors or []
    if result.data is None and all(error.path is None for error in errors):
        # nothing was executed: the variables don't fit, or the operation's name doesn't
        code = (
            "BAD_USER_INPUT" if errors[0].message.startswith("Variable ") else "OPERATION_RESOLUTION_FAILURE"
        )
        return 400, {"errors": [_formatted(error, code) for error in errors]}
    failed = [_formatted(error, "INTERNAL_SERVER_ERROR") for error in errors]
    return 200, {
        **({"errors": failed} if failed else {}),
        "data": result.data,
        "extensions": {"openneuro": {"version": service.version}},
    }


@lru_cache(maxsize=32)  # a crawler sends the same few queries thousands of times
def _validated(query: str, schema: GraphQLSchema) -> tuple[DocumentNode, list[GraphQLError]]:
    document = parse(query)
    return document, validate(schema, document)


async def _operation(request: Request) -> Operation:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    preflighted = any(request.headers.get(name) for name in _PREFLIGHT_HEADERS)
    if content_type in _SIMPLE_TYPES and not preflighted:
        raise GraphQLError(_CSRF)
    if request.method == "GET":
        return _from_query_string(dict(request.query_params))
    body = await request.body()
    if content_type != "application/json" or not body:
        raise GraphQLError(_NO_BODY)
    return _from_body(body)


def _from_body(body: bytes) -> Operation:
    try:
        asked = json.loads(body)
    except ValueError as error:
        raise _NotJson(f"SyntaxError: {error}") from error
    if isinstance(asked, list):
        raise GraphQLError("Operation batching disabled.")
    if not isinstance(asked, dict):
        raise _NotJson("SyntaxError: neither an object nor an array")
    if not asked:
        raise GraphQLError(_NO_BODY)
    if not isinstance(asked.get("query"), str) or not asked["query"]:
        raise GraphQLError(_NO_QUERY)
    variables = asked.get("variables") or {}
    if not isinstance(variables, dict):
        raise GraphQLError("`variables` in a POST body must be an object if provided.")
    return Operation(query=asked["query"], variables=variables, name=asked.get("operationName"))


def _from_query_string(asked: dict[str, str]) -> Operation:
    if not asked.get("query"):
        raise GraphQLError(_NO_QUERY)
    try:
        variables = json.loads(asked.get("variables") or "{}")
    except ValueError as error:
        raise GraphQLError("The `variables` search parameter contains invalid JSON.") from error
    return Operation(query=asked["query"], variables=variables, name=asked.get("operationName"))


def _formatted(error: GraphQLError, code: str) -> dict[str, Any]:
    """Return an error as the live server writes it, with the head of a stack trace."""
    ours = code == "BAD_REQUEST" or error.path is not None  # not graphql-core's: already in the right words
    message = error.message if ours else _in_the_servers_words(error.message)
    kind = {"BAD_REQUEST": "BadRequestError", "INTERNAL_SERVER_ERROR": "Error"}.get(code, "GraphQLError")
    stack = [f"{kind}: {message.rstrip()}", "    at ..."]
    extensions = {"code": code, **(error.extensions or {}), "stacktrace": stack}
    shown = {key: value for key, value in error.formatted.items() if key in {"locations", "path"}}
    return {"message": message, **shown, "extensions": extensions}


def _in_the_servers_words(message: str) -> str:
    """Return a message of graphql-core 3.3 as graphql-js 16, the server's library, words it."""
    missing = re.match(
        r"Variable '(\$\w+)' has invalid value: .* non-null type '(\S+)' to be provided", message
    )
    if missing:
        return f'Variable "{missing[1]}" of required type "{missing[2]}" was not provided.'
    return re.sub(r"'([^\s']+)'", r'"\1"', message)


def _answer(status: int, body: dict[str, Any]) -> Response:
    return Response(encode(body), status_code=status, media_type="application/json; charset=utf-8")


def encode(body: dict[str, Any]) -> bytes:
    """Return a body as JSON; rows that are JSON already are put in as they are."""
    rows: list[bytes] = []
    mark = secrets.token_hex(16)  # what a body can't contain by accident

    def keep_place(value: object) -> str:
        if not isinstance(value, Encoded):
            raise TypeError(f"no JSON for {type(value).__name__}")
        rows.append(value.json)
        return mark

    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False, default=keep_place).encode()
    first, *others = text.split(f'"{mark}"'.encode())
    return b"".join([first, *(part for pair in zip(rows, others, strict=True) for part in pair)])


_EXPRESS_ERROR = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Error</title>
</head>
<body>
<pre>{}</pre>
</body>
</html>
"""
