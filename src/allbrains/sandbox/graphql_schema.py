"""The GraphQL schema of the sandbox, and its comparison with a real server's introspection.

A query that validates against our part of the schema must mean the same on the real server. So the
comparison is strict: types, arguments and nullability equal, not merely compatible.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_client_schema,
    build_schema,
)


@cache
def sdl() -> str:
    """Return the schema as text, in the schema definition language."""
    return (files("allbrains.sandbox") / "schema.graphql").read_text(encoding="utf-8")


@cache
def public_schema() -> GraphQLSchema:
    """Return the schema that queries are validated against."""
    return build_schema(sdl())


@cache
def execution_schema() -> GraphQLSchema:
    """Return the schema that queries are executed on.

    It differs in one type: ``Snapshot.files`` is a scalar, so that the executor takes its rows as
    they are instead of resolving six fields for each of, say, 70,000 files. Its resolver does the
    projection (``rows.py``). Validation has happened on the public schema before.
    """
    schema = build_schema(sdl())
    schema.type_map["Snapshot"].fields["files"].type = GraphQLScalarType("FileRows")
    return schema


def incompatibilities(ours: str, introspection: Mapping[str, Any]) -> list[str]:
    """Return a sentence for everything in a schema that the real server has not, or has otherwise.

    Args:
        ours: schema definition language.
        introspection: result of the standard introspection query, with or without its ``data`` envelope.
    """
    theirs = build_client_schema(introspection.get("data", introspection))
    mine = build_schema(ours)
    return [
        sentence
        for name, kind in sorted(mine.type_map.items())
        if not name.startswith("__")
        for sentence in _differences(name, kind, theirs.type_map.get(name))
    ]


def _differences(name: str, mine: GraphQLNamedType, theirs: GraphQLNamedType | None) -> Iterator[str]:
    if theirs is None:
        yield f"{name}: the server has no such type"
    elif type(mine) is not type(theirs):
        yield f"{name}: {type(mine).__name__} here, {type(theirs).__name__} there"
    elif isinstance(mine, GraphQLEnumType):
        yield from (f"{name}.{value}: no such value there" for value in mine.values.keys() - theirs.values)
    elif isinstance(mine, GraphQLObjectType | GraphQLInputObjectType):
        yield from _member_differences(name, mine.fields, theirs.fields)
        for key, field in mine.fields.items():
            if isinstance(mine, GraphQLObjectType) and key in theirs.fields:
                yield from _member_differences(f"{name}.{key}", field.args, theirs.fields[key].args)


def _member_differences(owner: str, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[str]:
    for key, member in mine.items():
        if key not in theirs:
            yield f"{owner}.{key}: not there"
        elif str(member.type) != str(theirs[key].type):
            yield f"{owner}.{key}: {member.type} here, {theirs[key].type} there"
    for key in theirs.keys() - mine.keys():
        # only arguments and input fields are demanded of a caller
        if isinstance(theirs[key].type, GraphQLNonNull) and not hasattr(theirs[key], "args"):
            yield f"{owner}.{key}: demanded there, unknown here"
