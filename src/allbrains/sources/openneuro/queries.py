"""The questions to OpenNeuro's GraphQL API, as text. Valid for the server's versions 5.0.0 to 5.5.1.

What they leave out, on purpose: ``Dataset.name`` (the oldest snapshot's), ``edges.id`` (the server's own
bug makes the edge null), ``snapshots{…}`` (raw rows whose fields are mostly null).

A field written ``name@Type`` may be missing from a later version of the API: ``render`` makes the question
without those that are known to be lost.
"""

from __future__ import annotations

import re
from collections.abc import Collection

FieldName = tuple[str, str]  # type, field
_OPTIONAL = re.compile(r"(?P<field>\w+)@(?P<type>\w+)")
_BLOCK = re.compile(r"\s*\{")

_ABOUT = """
fragment About on Dataset {
  id publishDate@Dataset
  metadata@Dataset {
    __typename species@Metadata ages@Metadata affirmedDefaced@Metadata affirmedConsent@Metadata
  }
}
fragment Version on Snapshot {
  tag created@Snapshot hexsha@Snapshot size@Snapshot
  deprecated@Snapshot { __typename reason@DeprecatedSnapshot }
  summary@Snapshot {
    __typename subjects@Summary modalities@Summary secondaryModalities@Summary totalFiles@Summary
  }
  description@Snapshot {
    __typename Name@Description License@Description DatasetDOI@Description DatasetType@Description
    Authors@Description HowToAcknowledge@Description ReferencesAndLinks@Description
  }
}
"""
_ROW = "id filename size@DatasetFile directory@DatasetFile urls@DatasetFile"

LIST = (
    """
query List($first: Int!, $after: String) {
  datasets(first: $first, after: $after, orderBy: {created: ascending}, filterBy: {public: true}) {
    edges { node { ...About latestSnapshot { ...Version } } }
    pageInfo { hasNextPage endCursor count }
  }
}
"""
    + _ABOUT
)
DATASET = (
    """
query Dataset($dataset: ID!) {
  dataset(id: $dataset) { ...About latestSnapshot { ...Version } }
}
"""
    + _ABOUT
)
FILES = f"""
query Files($dataset: ID!, $tag: String!) {{
  snapshot(datasetId: $dataset, tag: $tag) {{ files(recursive: true) {{ {_ROW} }} }}
}}
"""
ROOT = f"""
query Root($dataset: ID!, $tag: String!) {{
  snapshot(datasetId: $dataset, tag: $tag) {{ files {{ {_ROW} }} }}
}}
"""


def trees(count: int) -> str:
    """Return a question for ``count`` folders of one snapshot; variables and answers are t0, t1 …"""
    heads = " ".join(f"$t{n}: String!" for n in range(count))
    fields = "\n".join(f"    t{n}: files(tree: $t{n}) {{ {_ROW} }}" for n in range(count))
    return f"""
query Trees($dataset: ID!, $tag: String!, {heads}) {{
  snapshot(datasetId: $dataset, tag: $tag) {{
{fields}
  }}
}}
"""


def pinned(count: int) -> str:
    """Return a question for ``count`` snapshots; variables are d0, t0, d1, t1 …, answers s0, s1 …"""
    heads = " ".join(f"$d{n}: ID! $t{n}: String!" for n in range(count))
    fields = "\n".join(
        f"  s{n}: snapshot(datasetId: $d{n}, tag: $t{n}) {{ ...Version dataset {{ ...About }} }}"
        for n in range(count)
    )
    return f"query Pinned({heads}) {{\n{fields}\n}}\n{_ABOUT}"


def optional(text: str) -> frozenset[FieldName]:
    """Return the fields that a question can do without."""
    return frozenset((match["type"], match["field"]) for match in _OPTIONAL.finditer(text))


def render(text: str, lost: Collection[FieldName] = ()) -> str:
    """Return a question as GraphQL, without the fields that are lost and what is in their braces."""
    out: list[str] = []
    start = 0
    for match in _OPTIONAL.finditer(text):
        if match.start() < start:  # inside the braces of a lost field
            continue
        out.append(text[start : match.start()])
        start = match.end()
        if (match["type"], match["field"]) not in lost:
            out.append(match["field"])
        elif block := _BLOCK.match(text, start):
            start = _end_of_block(text, block.end())
    return "".join([*out, text[start:]])


def _end_of_block(text: str, start: int) -> int:
    """Return the end of the block that opens with the brace before ``start``."""
    depth = 1
    while depth:
        depth += {"{": 1, "}": -1}.get(text[start], 0)
        start += 1
    return start
