"""The datasets inside a corpus: their authors, licences and DOIs. Mostly pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from allbrains.catalogue.licences import spdx
from allbrains.errors import CorpusError
from allbrains.store.blobs import Shelf
from allbrains.store.bounded_table import bounded_table, see_columns
from allbrains.tables import DATASETS

TABLE = "datasets.parquet"  # in a published corpus; where one is built it is in catalog/
_ACCESSION = re.compile(r"ds\d{6}\Z")
_RESOLVER = re.compile(r"\A(?:doi:\s*|https?://(?:dx\.)?doi\.org/)", re.IGNORECASE)
_DOI = re.compile(r"10\.\d{4,9}/[A-Za-z0-9:/_;\-.()\[\]\\]+\Z")
_OPENNEURO = "10.18112/openneuro."


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One version of a dataset that a corpus holds scans of.

    Attributes:
        dataset: accession or folder name.
        snapshot: version.
        name: title; the accession where it has none.
        authors: as written.
        license: as written.
        spdx: identifier of that licence, empty where the text names none.
        doi: of this very version where there is one, empty where none is known.
        url: where it can be seen, empty where that isn't known.
        year: of publication, four digits, empty where unknown.
        acknowledgement: how its authors want to be named, empty where they don't say.
        defaced: the owner affirms that faces were removed; None: not stated.
        consent: the owner affirms consent to publish faces; None: not stated.
        deprecated: the owner's reason against using this version, empty where it is in use.
        archived: it comes from OpenNeuro itself.
    """

    dataset: str
    snapshot: str
    name: str
    authors: tuple[str, ...] = ()
    license: str = ""
    spdx: str = ""
    doi: str = ""
    url: str = ""
    year: str = ""
    acknowledgement: str = ""
    defaced: bool | None = None
    consent: bool | None = None
    deprecated: str = ""
    archived: bool = False


def origins_of(versions: Iterable[tuple[str, str]], rows: Iterable[Mapping[str, Any]]) -> list[Origin]:
    """Return each version with what is known of it, by dataset and version.

    Args:
        versions: dataset and snapshot.
        rows: of ``datasets.parquet``, of any version of it.
    """
    known = {row["dataset"]: row for row in rows}
    return [origin_of(dataset, snapshot, known.get(dataset, {})) for dataset, snapshot in sorted({*versions})]


def origin_of(dataset: str, snapshot: str, row: Mapping[str, Any]) -> Origin:
    """Return one version of a dataset; the row may lack columns, and be of another version."""
    archived = _from_openneuro(dataset, row.get("source") or "")
    doi = versioned_doi(dataset, snapshot, row.get("doi") or "", archived)
    url = f"https://openneuro.org/datasets/{dataset}/versions/{snapshot}" if archived else ""
    licence = row.get("license") or ""
    when = row.get("published") or row.get("created") or ""
    return Origin(
        dataset=dataset,
        snapshot=snapshot,
        name=row.get("name") or dataset,
        authors=tuple(name for name in row.get("authors") or () if name),
        license=licence,
        spdx=row.get("license_spdx") or spdx(licence),
        doi=doi,
        url=url or (f"https://doi.org/{doi}" if doi else ""),
        year=when[:4] if when[:4].isdecimal() else "",
        acknowledgement=row.get("how_to_acknowledge") or "",
        defaced=row.get("affirmed_defaced"),
        consent=row.get("affirmed_consent"),
        deprecated=row.get("deprecated") or "",
        archived=archived,
    )


def versioned_doi(dataset: str, snapshot: str, written: str, archived: bool) -> str:
    """Return the DOI of this version of a dataset, empty where none is known.

    OpenNeuro gives each snapshot a DOI of its own; descriptions often carry that of an older one.
    """
    bare = _RESOLVER.sub("", written.strip()).strip()
    of_openneuro = bare.lower().startswith(f"{_OPENNEURO}{dataset}")
    if _ACCESSION.match(dataset) and (of_openneuro or (archived and not bare)):
        bare = f"{_OPENNEURO}{dataset}.v{snapshot}"
    return bare if _DOI.match(bare) else ""


def read_rows(shelf: Shelf) -> list[dict[str, Any]]:
    """Return the rows of a corpus' table of datasets; none where it has no such table."""
    for name in (f"catalog/{TABLE}", TABLE):
        try:
            source = shelf.open(name)
        except CorpusError:
            continue
        with source:
            return _dataset_rows(bounded_table(source, f"{shelf.where()}/{name}"), f"{shelf.where()}/{name}")
    return []


def _dataset_rows(table: pa.Table, origin: str) -> list[dict[str, Any]]:
    see_columns(table, DATASETS, ["dataset"], origin)
    known = [name for name in table.column_names if name in DATASETS.names]
    rows: list[dict[str, Any]] = table.select(known).to_pylist()
    return rows


def _from_openneuro(dataset: str, source: str) -> bool:
    hosts = {_host(part) for part in source.split()}
    return bool(_ACCESSION.match(dataset)) and "openneuro.org" in hosts


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # what is not a URL has no host
        return ""
