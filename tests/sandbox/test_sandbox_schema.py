"""Our schema against what a server says of its own."""

import json
import os
from pathlib import Path

import pytest
from graphql import build_schema, introspection_from_schema

from allbrains.sandbox.graphql_schema import execution_schema, incompatibilities, public_schema, sdl

# Where somebody has a real server's introspection, it is one more case of the same law.
REAL = [Path(path) for path in [os.environ.get("ALLBRAINS_INTROSPECTION", "")] if path]

THEIRS = """
type Query { dataset(id: ID!, extra: Int): Dataset  pick(by: Choice!): Colour }
type Dataset { id: ID!  name: String  more: [Int!] }
input Choice { id: ID!  colour: Colour }
enum Colour { red blue }
"""


def of(text):
    return introspection_from_schema(build_schema(text))


@pytest.mark.parametrize(
    "introspection",
    [of(sdl()), {"data": of(sdl())}, of(sdl() + "\nextend type Snapshot { extra: Int }")]
    + [json.loads(path.read_text()) for path in REAL],
)
def test_our_schema_is_part_of_the_servers(introspection):
    assert incompatibilities(sdl(), introspection) == []


@pytest.mark.parametrize(
    ("ours", "found"),
    [
        ("type Query { dataset(id: ID!): Dataset } type Dataset { name: String }", []),
        ("type Query { dataset(id: ID!): ID }", ["Query.dataset: ID here, Dataset there"]),
        (
            "type Query { dataset(id: ID!): Dataset } type Dataset { id: ID  key: Int }",
            ["Dataset.id: ID here, ID! there", "Dataset.key: not there"],
        ),
        (
            "type Query { dataset(id: ID, tag: ID): Colour } type Colour { red: Int }",
            [
                "Colour: GraphQLObjectType here, GraphQLEnumType there",
                "Query.dataset: Colour here, Dataset there",
                "Query.dataset.id: ID here, ID! there",
                "Query.dataset.tag: not there",
            ],
        ),
        (
            "type Query { dataset: Dataset } type Dataset { id: ID! }",
            ["Query.dataset.id: demanded there, unknown here"],
        ),
        (
            "type Query { pick(by: Choice!): Colour } input Choice { colour: Colour } "
            "enum Colour { red green }",
            ["Choice.id: demanded there, unknown here", "Colour.green: no such value there"],
        ),
        (
            "type Query { other: New } scalar New",
            ["New: the server has no such type", "Query.other: not there"],
        ),
    ],
)
def test_every_difference_is_named(ours, found):
    assert incompatibilities(ours, of(THEIRS)) == found


def test_what_is_executed_is_what_was_validated_but_for_the_rows():
    public, executed = (introspection_from_schema(schema()) for schema in (public_schema, execution_schema))
    rows = "FileRows"
    text = json.dumps([kind for kind in executed["__schema"]["types"] if kind["name"] != rows])
    assert text.count(f'"{rows}"') == 1
    assert json.dumps(public).count('"DatasetFile"') == json.dumps(executed).count('"DatasetFile"') + 1
