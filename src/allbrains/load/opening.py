"""From a path to ``Brains``."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from allbrains.errors import ConfigurationError, CorpusError
from allbrains.load.brains import Brains
from allbrains.load.where import rows_where
from allbrains.store import manifest
from allbrains.store.layout import Layout
from allbrains.store.schema import MapSpec, corpus_text, place_columns, specs_of_samples
from allbrains.verdict import LIMITS, Limits, judged


def open_corpus(
    path: str | PathLike[str],
    maps: Sequence[str] | None = None,
    where: str = "",
    limits: Limits = LIMITS,
) -> Brains:
    """Return the samples of a corpus; only rows whose outcome is done.

    Args:
        path: the output folder of ``allbrains build``.
        maps: names of the maps that will be read; all where it isn't given.
        where: an SQL condition over the columns of ``samples.parquet``, such as
            ``"age_years between 20 and 40 and sex = 'female'"``; or ``"qc_pass"``.
        limits: what decides ``qc_pass`` and ``qc_reasons``, columns that each row gets here: lowest and
            highest value by column. ``verdict.moved({"cjv": (0, 0.6)})`` moves one of the defaults.

    Raises:
        ConfigurationError: there is no corpus, no such map, or the condition or a limit is wrong.
        CorpusError: ``samples.parquet`` is damaged.
    """
    layout = Layout(Path(path))
    table = _samples(layout)
    corpus = manifest.parse(corpus_text(table.schema), layout.samples)
    specs = specs_of_samples(table.schema)
    table = judged(table.filter(pc.equal(table["outcome"], "done")), limits)
    if where:
        table = table.take(pa.array(rows_where(_questionable(table, specs), where), pa.int64()))
    chosen = _chosen(specs, maps)
    others = [column for name in specs if name not in chosen for column in place_columns(name)]
    table = table.drop_columns(others).combine_chunks()
    return Brains(root=layout.root, corpus=corpus, specs=chosen, table=table)


def _samples(layout: Layout) -> pa.Table:
    """Return the samples table without the pictures, which are most of its bytes."""
    if not layout.samples.exists():
        manifest.read(layout)  # says what is wrong where this is no corpus at all
        raise ConfigurationError(
            f"{layout.root} has no samples yet: `allbrains build` writes them when it ends"
        )
    try:
        with pq.ParquetFile(layout.samples) as file:
            names = [name for name in file.schema_arrow.names if name != "montage"]
            return file.read(columns=names)
    except (OSError, pa.ArrowInvalid) as error:
        raise CorpusError(f"{layout.samples} can't be read: {error}") from error


def _questionable(table: pa.Table, specs: dict[str, MapSpec]) -> pa.Table:
    """Return the columns that a person may ask about: not those that only say where bytes are."""
    places = {column for name in specs for column in place_columns(name)}
    return table.select([name for name in table.column_names if name not in places])


def _chosen(specs: dict[str, MapSpec], maps: Sequence[str] | None) -> dict[str, MapSpec]:
    if maps is None:
        return specs
    if unknown := [name for name in maps if name not in specs]:
        raise ConfigurationError(f"no map {', '.join(unknown)} in this corpus; there are {', '.join(specs)}")
    return {name: specs[name] for name in maps}
