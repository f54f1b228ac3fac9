"""Between a snapshot and its row in the catalogue's ``datasets``. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from allbrains.catalogue.licences import spdx
from allbrains.sources.snapshot import Snapshot

_ACCESSION = re.compile(r"ds\d{6}\Z")


def row_of(
    snapshot: Snapshot, *, files: int, scans: int, route: str, source: str, server: str
) -> dict[str, Any]:
    """Return a row with the columns of ``tables.DATASETS``.

    Args:
        snapshot: what the source says of it.
        files: in the listing that was read.
        scans: in the catalogue.
        route: how the listing was read.
        source: name of the source.
        server: version of its software.
    """
    return {
        "dataset": snapshot.dataset,
        "snapshot": snapshot.tag,
        "hexsha": snapshot.hexsha,
        "name": snapshot.name,
        "license": snapshot.license,
        "license_spdx": spdx(snapshot.license) or None,
        "doi": snapshot.doi,
        "authors": list(snapshot.authors),
        "how_to_acknowledge": snapshot.how_to_acknowledge,
        "references": list(snapshot.references),
        "citation": _citation(snapshot),
        "dataset_type": snapshot.dataset_type,
        "stated_species": snapshot.species,
        "stated_ages": list(snapshot.ages),
        "modalities": list(snapshot.modalities),
        "affirmed_defaced": snapshot.defaced,
        "affirmed_consent": snapshot.consent,
        "deprecated": snapshot.deprecated or None,
        "published": snapshot.published,
        "created": snapshot.created,
        "size": snapshot.size,
        "announced_files": snapshot.files,
        "announced_subjects": snapshot.subjects,
        "files": files,
        "scans": scans,
        "route": route,
        "source": source,
        "server": server,
    }


def snapshot_of(row: Mapping[str, Any]) -> Snapshot:
    """Return the snapshot that a row was made of."""
    return Snapshot(
        dataset=row["dataset"],
        tag=row["snapshot"],
        hexsha=row["hexsha"],
        name=row["name"],
        license=row["license"],
        doi=row["doi"],
        authors=tuple(row["authors"]),
        how_to_acknowledge=row["how_to_acknowledge"],
        references=tuple(row["references"]),
        dataset_type=row["dataset_type"],
        species=row["stated_species"],
        ages=tuple(row.get("stated_ages") or ()),
        modalities=tuple(row["modalities"]),
        defaced=row["affirmed_defaced"],
        consent=row["affirmed_consent"],
        deprecated=row["deprecated"] or "",
        published=row["published"],
        created=row["created"],
        size=row["size"],
        files=row["announced_files"],
        subjects=row["announced_subjects"],
    )


def _citation(snapshot: Snapshot) -> str:
    """Return how a text should name the dataset: as OpenNeuro's "how to cite" page words it."""
    place = "OpenNeuro Dataset " if _ACCESSION.match(snapshot.dataset) else ""
    doi = snapshot.doi.strip().removeprefix("doi:")
    parts = [f"{place}{snapshot.dataset} ({snapshot.name}), version {snapshot.tag}"]
    return ", ".join([*parts, *([f"https://doi.org/{doi}"] if doi.startswith("10.") else [])])
