"""A new release of the server that has dropped fields."""

from __future__ import annotations

from graphql import GraphQLNonNull, GraphQLSchema, build_schema, get_named_type, is_leaf_type

from allbrains.sandbox.faults.fault_kinds import Drawn, Lasts, Misbehaviour, Vocabulary
from allbrains.sandbox.faults.lot import Lot
from allbrains.sandbox.graphql_schema import sdl

# objects of the API whose plain fields may go; without the others no list could be asked for
_TYPES = ("Dataset", "Snapshot", "DatasetFile", "Description", "Summary", "Metadata")


def _shrunk(lot: Lot) -> GraphQLSchema:
    schema = build_schema(sdl())
    for kind in _TYPES:
        fields = schema.type_map[kind].fields
        for name in list(fields):
            # a type keeps what it can't be without: ids, names and whatever else is never null
            plain = is_leaf_type(get_named_type(fields[name].type))
            optional = not isinstance(fields[name].type, GraphQLNonNull)
            if plain and optional and lot.hit(f"{kind}.{name}"):
                del fields[name]
    return schema


FAULTS = (
    Misbehaviour(
        name="unknown-field",
        says="A new release has dropped fields: 400 GRAPHQL_VALIDATION_FAILED to queries for one.",
        lasts=Lasts.STAYS,
        drawn=Drawn.FIELDS,
        kind=Vocabulary(alter=_shrunk),
    ),
)
