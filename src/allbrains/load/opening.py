"""From a path or an address to ``Brains``."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from allbrains.errors import ConfigurationError
from allbrains.limits import LIMITS, Limits, judged
from allbrains.load import derived
from allbrains.load.brains import Brains
from allbrains.load.remote import CACHE_GB, shelf_at
from allbrains.load.where import rows_where
from allbrains.store import manifest, ratings
from allbrains.store.blobs import Folder, Shelf
from allbrains.store.layout import Layout
from allbrains.store.ratings import with_ratings
from allbrains.store.sample_rows import checked_samples
from allbrains.store.sample_schema import MapSpec, corpus_text, place_columns


def open_corpus(
    path: str | PathLike[str],
    maps: Sequence[str] | None = None,
    where: str = "",
    *,
    cache: str | PathLike[str] | None = None,
    cache_gb: float = CACHE_GB,
    limits: Limits = LIMITS,
) -> Brains:
    """Return the samples of a corpus; only rows with the outcome ``done``.

    Args:
        path: the output folder of ``allbrains build``, or its address: ``https://…``, ``s3://…``,
            ``hf://user/name`` (with the extra ``remote``, and s3fs or huggingface_hub).
        maps: names of the maps that will be read, also of derived ones such as ``modulated_gm``; all
            stored ones where it isn't given.
        where: an SQL condition over the columns of ``samples.parquet``, such as
            ``"age_years between 20 and 40 and sex = 'female'"``; or ``"qc_pass"``; or
            ``"rating != 'reject'"``, where ``rating`` is what a person gave in ``allbrains serve`` and empty
            where nobody did.
        cache: folder for what came from an address; the user's cache folder where it isn't given.
        cache_gb: size that the cache doesn't exceed, GB.
        limits: what decides ``qc_pass`` and ``qc_reasons``, columns that each row gets here: lowest and
            highest value by column. ``allbrains.limits.moved({"cjv": (0, 0.6)})`` moves one of the defaults.

    Raises:
        ConfigurationError: there is no corpus, no such map, or the condition or a limit is wrong.
        CorpusError: ``samples.parquet`` or ``ratings.tsv`` is damaged, or the address can't be read.
    """
    name = fspath(path)
    if "://" in name:
        shelf: Shelf = shelf_at(name, Path(cache) if cache else None, cache_gb)
    else:
        shelf = Folder(Path(name))
        _see_that_it_is_finished(Layout(Path(name)))
    with shelf.open(SAMPLES) as source:
        table, specs = checked_samples(source, f"{shelf.where()}/{SAMPLES}")
    corpus = manifest.parse(corpus_text(table.schema), Path(SAMPLES))
    table = judged(table.filter(pc.equal(table["outcome"], "done")), limits)
    table = with_ratings(table, ratings.read(shelf.root) if isinstance(shelf, Folder) else {})
    if where:
        table = table.take(pa.array(rows_where(_questionable(table, specs), where), pa.int64()))
    chosen = _chosen(specs, maps, table.column_names)
    kept = {part for one in chosen for part in derived.parts_of(one, specs)}
    others = [column for one in specs if one not in kept for column in place_columns(one)]
    table = table.drop_columns(others).combine_chunks()
    readable = {one: spec for one, spec in specs.items() if one in kept}
    return Brains(shelf=shelf, corpus=corpus, maps=chosen, specs=readable, table=table)


SAMPLES = Layout(Path()).samples.name


def _see_that_it_is_finished(layout: Layout) -> None:
    if not layout.samples.exists():
        manifest.read(layout)  # says what is wrong where this is no corpus at all
        raise ConfigurationError(
            f"{layout.root} has no samples yet: `allbrains build` writes them when it ends"
        )


def _questionable(table: pa.Table, specs: dict[str, MapSpec]) -> pa.Table:
    """Return the columns that a person may ask about: not those that only say where bytes are."""
    places = {column for name in specs for column in place_columns(name)}
    return table.select([name for name in table.column_names if name not in places])


def _chosen(specs: dict[str, MapSpec], maps: Sequence[str] | None, columns: list[str]) -> tuple[str, ...]:
    """Return the names of the chosen maps."""
    if maps is None:
        return tuple(specs)
    known = [*specs, *derived.possible(specs, columns)]
    if unknown := [name for name in maps if name not in known]:
        raise ConfigurationError(f"no map {', '.join(unknown)} in this corpus; there are {', '.join(known)}")
    return tuple(maps)
