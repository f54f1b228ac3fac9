"""The questions to OpenNeuro's GraphQL API, as text. Valid for the server's versions 5.0.0 to 5.5.1.

What they leave out, on purpose: ``Dataset.name`` (the oldest snapshot's), ``edges.id`` (the server's own
bug makes the edge null), ``snapshots{…}`` (raw rows whose fields are mostly null).
"""

_SNAPSHOT = """
fragment Described on Dataset {
  id
  latestSnapshot {
    tag created hexsha size
    summary { subjects totalFiles }
    description { Name License DatasetDOI Authors }
  }
}
"""

LIST = (
    """
query List($first: Int!, $after: String) {
  datasets(first: $first, after: $after, orderBy: {created: ascending}, filterBy: {public: true}) {
    edges { node { ...Described } }
    pageInfo { hasNextPage endCursor count }
  }
}
"""
    + _SNAPSHOT
)

DATASET = (
    """
query Dataset($dataset: ID!) {
  dataset(id: $dataset) { ...Described }
}
"""
    + _SNAPSHOT
)

FILES = """
query Files($dataset: ID!, $tag: String!) {
  snapshot(datasetId: $dataset, tag: $tag) {
    files(recursive: true) { id filename size directory urls }
  }
}
"""
