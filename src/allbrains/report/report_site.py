"""A report as named files, each made when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from allbrains import tables
from allbrains.errors import CorpusError
from allbrains.limits import LIMITS
from allbrains.load import Brains
from allbrains.load import open as open_corpus
from allbrains.load.native_picture import native_picture
from allbrains.participants import PARTICIPANTS
from allbrains.regular_files import open_regular
from allbrains.report import packing
from allbrains.report.advice import ADVICE
from allbrains.report.details import PER_CHUNK, Costs, Receipts, costs_of, details, log_key, receipts_of
from allbrains.report.log_excerpts import Excerpts, excerpts
from allbrains.report.report_rows import report_rows, shown
from allbrains.report.volume import volume
from allbrains.store import ratings
from allbrains.store.bounded_table import bounded_table, see_columns
from allbrains.store.layout import Layout
from allbrains.store.ledger import LedgerReader
from allbrains.store.sample_rows import checked_samples
from allbrains.version import VERSION

PAGE = ("index.html", "app.js", "app.css", "niivue.js", "LICENSES.txt")
_SCAN_ID = re.compile(r"[0-9a-f]{32}\Z")
_DATA = re.compile(
    r"data/(?:(?P<kind>column|details|volume)/(?P<key>[0-9a-f]+)|(?P<one>about|ratings))\.js\Z"
)
_MONTAGE = re.compile(r"montages/[0-9a-f]{2}/(?P<key>[0-9a-f]{32})\.jpg\Z")
_MOSAIC = re.compile(r"mosaics/[0-9a-f]{2}/(?P<key>[0-9a-f]{32})\.(?P<kind>jpg|png)\Z")
_OTHER = "other/"


@dataclass(frozen=True, kw_only=True, eq=False)
class ReportSite:
    """A report of a corpus.

    Attributes:
        root: the corpus.
        brains: its samples, all maps.
        rows: see ``rows.report_rows``.
        datasets: of the catalogue, one object each.
        receipts: of the participants.
        costs: of the scans.
        logs: what runs said of scans that came to nothing.
        volumes: ids of scans with volumes and large pictures that can be asked for; None: all.
        served: whether ratings can be given.
        other: the corpus to compare with.
        columns: names of the rows' columns that the page gets, in their order.
        places: of the samples in ``brains``, by scan id.
        kept: data scripts of columns that were asked for, where it is served.
    """

    root: Path
    brains: Brains
    rows: pa.Table
    datasets: list[dict[str, Any]]
    receipts: Receipts
    costs: Costs
    logs: Excerpts
    volumes: tuple[str, ...] | None = None
    served: bool = False
    other: ReportSite | None = None
    columns: list[str] = field(init=False)
    places: Mapping[str, int] = field(init=False)
    kept: dict[str, bytes] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", shown(self.rows))
        ids = self.brains.table["scan_id"].to_pylist()
        if strange := [one for one in ids if not _SCAN_ID.match(one)]:
            raise CorpusError(f"{self.root}: {strange[0]!r} is not a scan id")
        object.__setattr__(self, "places", {scan_id: place for place, scan_id in enumerate(ids)})

    def names(self) -> Iterator[str]:
        """Yield the names of all files but montages."""
        yield from PAGE
        yield from ("data/about.js", "data/ratings.js")
        yield from (f"data/column/{number:x}.js" for number in range(len(self.columns)))
        yield from (f"data/details/{number:x}.js" for number in range(self._chunks))
        yield from (f"data/volume/{scan_id}.js" for scan_id in self._with_volumes())
        for scan_id in self._with_volumes():
            yield from (f"mosaics/{scan_id[:2]}/{scan_id}.{kind}" for kind in ("jpg", "png"))
        if self.other is not None:
            yield from (_OTHER + name for name in self.other.names() if name not in PAGE)

    def read(self, name: str) -> bytes | None:
        """Return a file's bytes; None where there is none of this name.

        Raises:
            CorpusError: a shard is damaged.
        """
        if name in PAGE:
            return (resources.files("allbrains.report") / "page" / name).read_bytes()
        if name.startswith(_OTHER):
            return None if self.other is None else self.other.read(name.removeprefix(_OTHER))
        if found := _MONTAGE.match(name):
            return self._montage(found["key"])
        if found := _MOSAIC.match(name):
            return self._mosaic(found["key"], found["kind"])
        if name in self.kept:
            return self.kept[name]
        if found := _DATA.match(name):
            payload = self._payload(found["one"] or found["kind"], found["key"] or "")
            if payload is None:
                return None
            made = packing.script(name[len("data/") : -len(".js")], payload)
            if self.served and found["kind"] == "column":
                self.kept[name] = made  # all together are a few hundred bytes a row
            return made
        return None

    def montage_name(self, scan_id: str) -> str:
        """Return the name of a scan's picture."""
        return f"montages/{scan_id[:2]}/{scan_id}.jpg"

    @property
    def _chunks(self) -> int:
        return -(-len(self.rows) // PER_CHUNK)

    def _with_volumes(self) -> list[str]:
        return list(self.places) if self.volumes is None else [i for i in self.volumes if i in self.places]

    def _montage(self, scan_id: str) -> bytes | None:
        place = self.places.get(scan_id)
        return None if place is None else self.brains[place].montage

    def _mosaic(self, scan_id: str, kind: str) -> bytes | None:
        if scan_id not in self.places or not (self.volumes is None or scan_id in self.volumes):
            return None
        heads, lines = native_picture(self.brains[self.places[scan_id]])
        return (heads if kind == "jpg" else lines) or None

    def _payload(self, kind: str, key: str) -> bytes | None:
        match kind:
            case "about":
                return packing.value(self._about())
            case "ratings":
                found = ratings.read(self.root)
                return packing.value({one.scan_id: [one.rating, one.note] for one in found.values()})
            case "column" if len(key) < 8 and int(key, 16) < len(self.columns):
                return packing.column(self.rows[self.columns[int(key, 16)]])
            case "details" if len(key) < 8 and int(key, 16) < self._chunks:
                part = self.rows.slice(int(key, 16) * PER_CHUNK, PER_CHUNK)
                return packing.value(details(part, self.columns, self.receipts, self.costs, self.logs))
            case "volume" if key in self.places and (self.volumes is None or key in self.volumes):
                return volume(self.brains[self.places[key]])
            case _:
                return None

    def _about(self) -> dict[str, Any]:
        corpus = self.brains.corpus
        told = {
            field.name: (field.metadata or {}).get(b"description", b"").decode(errors="replace")
            for field in self.rows.schema
        }
        return {
            "name": self.root.resolve().name,
            "version": VERSION,
            "recipe": corpus.recipe,
            "fingerprint": corpus.fingerprint,
            "steps": corpus.steps,
            "space": corpus.grid.space,
            "shape": corpus.grid.shape,
            "maps": list(self.brains.specs),
            "rows": len(self.rows),
            "perChunk": PER_CHUNK,
            "columns": [
                {
                    "name": name,
                    "kind": "number" if packing.is_number(self.rows.schema.field(name).type) else "text",
                    "about": told[name],
                }
                for name in self.columns
            ],
            "limits": {name: list(ends) for name, ends in LIMITS.items()},
            "datasets": self.datasets,
            "advice": {str(code): list(both) for code, both in ADVICE.items()},
            "volumes": None if self.volumes is None else self._with_volumes(),
            "served": self.served,
            # one recipe makes them of all its scans or of none
            "mosaics": len(self.brains) > 0 and bool(native_picture(self.brains[0])[0]),
            "montages": len(self.brains) > 0 and bool(self.brains[0].montage),
            "other": None if self.other is None else self.other.root.resolve().name,
        }


_OF_DATASET = ("dataset", "snapshot", "name", "license", "license_spdx", "doi", "scans")


def open_site(
    root: Path, *, against: Path | None = None, served: bool = False, volumes: int | None = None
) -> ReportSite:
    """Return the report of a corpus.

    Args:
        root: the output folder of ``allbrains build``.
        against: another corpus, to compare with.
        served: whether ratings can be given.
        volumes: how many samples' volumes can be asked for, the oddest ones; None: all. Of the other corpus
            those of the same scans.

    Raises:
        ConfigurationError: there is no corpus, or nothing is built yet.
        CorpusError: a table is damaged.
    """
    site = _site(root)
    chosen = None if volumes is None else oddest(site.rows, volumes)
    other = None if against is None else replace(_site(against), volumes=chosen)
    return replace(site, volumes=chosen, served=served, other=other)


def _site(root: Path) -> ReportSite:
    layout = Layout(root)
    brains = open_corpus(root)
    catalogue = {
        name: _table(root / "catalog" / f"{name}.parquet", *told) for name, told in _CATALOGUE.items()
    }
    with brains.shelf.open(layout.samples.name) as source:
        samples, _ = checked_samples(source, layout.samples)
    rows = report_rows(
        samples,
        scans=catalogue["scans"],
        exclusions=catalogue["exclusions"],
        datasets=catalogue["datasets"],
    )
    return ReportSite(
        root=root,
        brains=brains,
        rows=rows,
        datasets=_datasets(catalogue["datasets"]),
        receipts=receipts_of(catalogue["participants"]),
        costs=_costs(layout),
        logs=_logs(layout, rows),
    )


def oddest(rows: pa.Table, count: int) -> tuple[str, ...]:
    """Return the ids of the samples to look at first, in the order that the page begins with."""
    table = rows.select(["scan_id", "outcome", "odd_order"]).to_pylist()
    done = [row for row in table if row["outcome"] == "done"]
    done.sort(key=lambda row: row["odd_order"])
    return tuple(row["scan_id"] for row in done[:count])


_RECEIPTS = "receipts"  # lists of records whose fields may stand in any order
_OF_PERSON = ("dataset", "participant_id")
# tables of the catalogue, each with its schema and the columns that have a value in each row
_CATALOGUE: Mapping[str, tuple[pa.Schema, tuple[str, ...]]] = {
    "scans": (tables.LABELLED_SCANS, ("scan_id", "dataset", "path")),
    "exclusions": (tables.EXCLUSIONS, ("dataset", "path", "reason", "evidence")),
    "datasets": (tables.DATASETS, ("dataset",)),
    "participants": (pa.schema([one for one in PARTICIPANTS if one.name != _RECEIPTS]), _OF_PERSON),
}


def _table(path: Path, schema: pa.Schema, needed: tuple[str, ...]) -> pa.Table | None:
    try:
        source = open_regular(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CorpusError(f"{path} can't be read: {error.strerror}") from error
    with source:
        table = bounded_table(source, path)
    see_columns(table, schema, needed, path)
    return table.select([name for name in table.column_names if name in (*schema.names, _RECEIPTS)])


def _datasets(table: pa.Table | None) -> list[dict[str, Any]]:
    if table is None:
        return []
    rows: list[dict[str, Any]] = table.select(
        [name for name in _OF_DATASET if name in table.column_names]
    ).to_pylist()
    return rows


def _costs(layout: Layout) -> Costs:
    if not layout.ledger.exists():  # a corpus that was published goes without its ledger
        return {}
    with LedgerReader.open(layout.ledger) as ledger:
        return costs_of(ledger.costs())


def _logs(layout: Layout, rows: pa.Table) -> Excerpts:
    asked = rows.filter(pc.is_in(rows["outcome"], value_set=pa.array(["rejected", "failed"])))
    names = zip(asked["dataset"].to_pylist(), asked["path"].to_pylist(), strict=True)
    return excerpts(layout.logs, {log_key(dataset, path) for dataset, path in names})
