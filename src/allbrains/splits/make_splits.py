"""A corpus' splits: from its samples to ``splits.parquet``."""

from __future__ import annotations

from collections.abc import Collection, Container, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from allbrains.errors import ConfigurationError
from allbrains.files import publishing
from allbrains.load import Brains
from allbrains.load import open as open_corpus
from allbrains.records import Array
from allbrains.splits import likeness
from allbrains.splits.assign import LEFT_OUT, Group, SplitChoice, assign, strata_of
from allbrains.splits.leaks import joined
from allbrains.splits.same_person import groups, keys_of
from allbrains.store.layout import Layout
from allbrains.store.split_table import NAME, SCHEMA, checked_splits

_CHOICE = b"allbrains.choice"
TELLING = ("displacement", "logjac")  # maps that tell brains apart, the better one first


def make_splits(
    brains: Brains,
    before: Mapping[str, str],
    choice: SplitChoice,
    *,
    whole_datasets: bool = False,
    images: bool = True,
    unwanted: Container[str] = (),
    waiting: Sequence[Mapping[str, Any]] = (),
) -> pa.Table:
    """Return the splits table: scan, group, split, side.

    Args:
        brains: all samples of a corpus; as ``comparable`` opens them where images are compared.
        before: sides given earlier, by scan id; they are kept.
        choice: shares and seed.
        whole_datasets: keep each dataset on one side.
        images: compare brains too.
        unwanted: ids of samples that are left out. They have sides all the same, and count where sides are
            balanced: so sides don't depend on which samples are left out today.
        waiting: rows of scans that had a side and are no samples just now; see ``without_a_sample``.
    """
    rows = [*brains.table.to_pylist(), *waiting]  # the brains first: pairs of them are by place
    keys = [keys_of(row, whole_datasets=whole_datasets) for row in rows]
    pairs = list(likeness.alike(vectors_of(brains))) if images else []
    found = [_group(rows, places) for places in groups(keys, pairs)]
    sides = assign(found, before, choice)
    names = {one: group.name for group in found for one in group.members}
    told = [
        {"scan_id": one, "group": names[one], "split": LEFT_OUT if one in unwanted else side, "side": side}
        for one, side in sorted(sides.items())
    ]
    about = {**(SCHEMA.metadata or {}), _CHOICE: _options(choice, whole_datasets).encode()}
    return pa.Table.from_pylist(told, schema=SCHEMA).replace_schema_metadata(about)


def _options(choice: SplitChoice, whole_datasets: bool) -> str:
    """Return the options of the command that makes such splits."""
    shares = " ".join(f"{share:g}" for share in choice.shares)
    return f"--shares {shares} --seed {choice.seed}" + (" --whole-datasets" if whole_datasets else "")


def matched(
    rows: Sequence[Mapping[str, str]], brains: Brains
) -> tuple[list[dict[str, str]], list[tuple[int, int]], int]:
    """Return a split file's rows with what a corpus knows of them, and which are of one brain.

    Args:
        rows: of the file.
        brains: of the corpus, as ``comparable`` opens it.

    Returns:
        The rows, pairs of their places that are one person's by the brain, and how many are in the corpus.
    """
    known = brains.table.select(["scan_id", "dataset", "path", "subject", "digest"]).to_pylist()
    places = joined(rows, known)
    told = [{**row, **(known[at] if at >= 0 else {})} for row, at in zip(rows, places, strict=True)]
    if max(places, default=-1) < 0:
        return told, [], 0
    rows_of: dict[int, list[int]] = {}
    for place, at in enumerate(places):
        rows_of.setdefault(at, []).append(place)
    # the whole corpus is compared: what people have in common is known the better, the more there are
    pairs = [
        (one, other)
        for first, second in likeness.alike(vectors_of(brains))
        for one in rows_of.get(first, [])
        for other in rows_of.get(second, [])
    ]
    return told, pairs, sum(at >= 0 for at in places)


def comparable(root: str | PathLike[str]) -> Brains:
    """Open a corpus with the one map that distinguishes brains.

    Raises:
        ConfigurationError: there is no corpus, or it holds no map of the warp.
    """
    brains = open_corpus(root)
    for name in TELLING:
        if name in brains.specs:
            return open_corpus(root, maps=[name])
    raise ConfigurationError(f"{root} has none of the maps {', '.join(TELLING)}: use --no-images")


def vectors_of(brains: Brains) -> Array:
    """Return the vectors that brains are compared by, shape (scan, 4096)."""
    (name,) = brains.maps
    spacing = float(np.linalg.norm(np.array(brains.specs[name].affine)[:3, 0]))
    vectors = np.empty((len(brains), likeness.LENGTH), np.float32)
    for batch in brains.batches(1, ahead=4):
        vectors[batch.places[0]] = likeness.vector(batch.values(name)[0], spacing)
    return vectors


def earlier(root: Path, choice: SplitChoice, *, whole_datasets: bool) -> dict[str, str]:
    """Return the sides that a corpus' splits table gave, by scan id; none where there is no table.

    Raises:
        ConfigurationError: the table was made in another way, so that its sides can't be kept.
    """
    path = root / NAME
    if not path.exists():
        return {}
    table = checked_splits(path, path)
    made = (table.schema.metadata or {}).get(_CHOICE, b"").decode(errors="replace")
    if made != (wanted := _options(choice, whole_datasets)):
        raise ConfigurationError(
            f"{path} was made with {made or 'an older allbrains'}, not {wanted}: give the same options, "
            "so that nobody changes sides, or delete it to begin anew"
        )
    return dict(zip(table["scan_id"].to_pylist(), table["side"].to_pylist(), strict=True))


def without_a_sample(root: Path, before: Collection[str]) -> list[dict[str, Any]]:
    """Return the rows of the samples table of scans that had a side and are to be done again.

    They keep it, or a scan that a model was trained on might come back on another side.
    """
    columns = ["scan_id", "dataset", "subject", "digest", "path", "outcome"]
    path = Layout(root).samples
    known = set(pq.read_schema(path).names)
    table = pq.read_table(path, columns=[*columns, *({"age_years", "sex"} & known)])
    return [row for row in table.to_pylist() if row["outcome"] != "done" and row["scan_id"] in before]


def write_splits(root: Path, table: pa.Table) -> Path:
    """Write a corpus' splits table and return where it is."""
    path = root / NAME
    with publishing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
    return path


def _group(rows: Sequence[Mapping[str, Any]], places: Sequence[int]) -> Group:
    own = [rows[place] for place in places]
    return Group(members=tuple(sorted(row["scan_id"] for row in own)), strata=strata_of(own))
