"""The questions to OpenNeuro's GraphQL API, as text. Valid for the server's versions 5.0.0 to 5.5.1.

What they leave out, on purpose: ``Dataset.name`` (the oldest snapshot's), ``edges.id`` (the server's own
bug makes the edge null), ``snapshots{…}`` (raw rows whose fields are mostly null).

Questions about datasets come in two lengths: with all columns, and with what a listing can't be read
without. The second is asked when the API has stopped to know a field of the first.
"""

from __future__ import annotations

_ALL_COLUMNS = """
fragment About on Dataset { id publishDate metadata { species affirmedDefaced affirmedConsent } }
fragment Version on Snapshot {
  tag created hexsha size
  deprecated { reason }
  summary { subjects modalities totalFiles }
  description { Name License DatasetDOI DatasetType Authors HowToAcknowledge ReferencesAndLinks }
}
"""
_INDISPENSABLE = """
fragment About on Dataset { id }
fragment Version on Snapshot { tag hexsha summary { subjects totalFiles } }
"""
_LIST = """
query List($first: Int!, $after: String) {
  datasets(first: $first, after: $after, orderBy: {created: ascending}, filterBy: {public: true}) {
    edges { node { ...About latestSnapshot { ...Version } } }
    pageInfo { hasNextPage endCursor count }
  }
}
"""
_DATASET = """
query Dataset($dataset: ID!) {
  dataset(id: $dataset) { ...About latestSnapshot { ...Version } }
}
"""

LIST, LIST_INDISPENSABLE = _LIST + _ALL_COLUMNS, _LIST + _INDISPENSABLE
DATASET, DATASET_INDISPENSABLE = _DATASET + _ALL_COLUMNS, _DATASET + _INDISPENSABLE

FILES = """
query Files($dataset: ID!, $tag: String!) {
  snapshot(datasetId: $dataset, tag: $tag) {
    files(recursive: true) { id filename size directory urls }
  }
}
"""

ROOT = """
query Root($dataset: ID!, $tag: String!) {
  snapshot(datasetId: $dataset, tag: $tag) {
    files { id filename size directory urls }
  }
}
"""


def trees(count: int) -> str:
    """Return a question for ``count`` folders of one snapshot; variables and answers are t0, t1 …"""
    heads = " ".join(f"$t{n}: String!" for n in range(count))
    fields = "\n".join(
        f"    t{n}: files(tree: $t{n}) {{ id filename size directory urls }}" for n in range(count)
    )
    return f"""
query Trees($dataset: ID!, $tag: String!, {heads}) {{
  snapshot(datasetId: $dataset, tag: $tag) {{
{fields}
  }}
}}
"""


def pinned(count: int, *, indispensable: bool = False) -> str:
    """Return a question for ``count`` snapshots; variables are d0, t0, d1, t1 …, answers s0, s1 …"""
    heads = " ".join(f"$d{n}: ID! $t{n}: String!" for n in range(count))
    fields = "\n".join(
        f"  s{n}: snapshot(datasetId: $d{n}, tag: $t{n}) {{ ...Version dataset {{ ...About }} }}"
        for n in range(count)
    )
    return f"query Pinned({heads}) {{\n{fields}\n}}\n{_INDISPENSABLE if indispensable else _ALL_COLUMNS}"
