"""The catalogue's tables: their columns, what each means, and the way between rows and records. Pure.

Each column's description travels in the Parquet file's own field metadata (key ``description``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

from allbrains.records import Algorithm, Digest, Scan

SCHEMA_VERSION = "1"


def _schema(name: str, columns: dict[str, tuple[pa.DataType, str]]) -> pa.Schema:
    fields = [pa.field(key, kind, metadata={"description": text}) for key, (kind, text) in columns.items()]
    return pa.schema(fields, metadata={"allbrains.table": name, "allbrains.schema": SCHEMA_VERSION})


_TEXT, _TEXTS = pa.string(), pa.list_(pa.string())

DATASETS = _schema(
    "datasets",
    {
        "dataset": (_TEXT, "Accession, such as ds000011"),
        "snapshot": (_TEXT, "Tag of the snapshot that was read"),
        "name": (_TEXT, "Name in that snapshot's dataset_description.json"),
        "license": (_TEXT, "Licence as written there"),
        "doi": (_TEXT, "DatasetDOI as written there"),
        "authors": (_TEXTS, "Authors as written there"),
        "created": (_TEXT, "When the snapshot was made, ISO 8601"),
        "size": (pa.int64(), "Bytes of the whole snapshot"),
        "files": (pa.int64(), "Files in the listing that was read"),
        "route": (_TEXT, "How the listing was read: recursive, tree, s3 or folder"),
    },
)

SCANS = _schema(
    "scans",
    {
        "scan_id": (_TEXT, "32 hex digits over dataset, path and content"),
        "dataset": (_TEXT, "Accession or folder name"),
        "snapshot": (_TEXT, "Tag of the snapshot that was read"),
        "path": (_TEXT, "BIDS path inside the dataset"),
        "subject": (_TEXT, "Label without sub-"),
        "session": (_TEXT, "Label without ses-, empty where there is none"),
        "acquisition": (_TEXT, "Label of acq-, empty where there is none"),
        "run": (_TEXT, "Label of run-, as text, empty where there is none"),
        "entities": (_TEXT, "All entities in their order, such as sub-01_ses-a_run-01"),
        "suffix": (_TEXT, "BIDS suffix, such as T1w"),
        "size": (pa.int64(), "Bytes"),
        "digest": (_TEXT, "algorithm:hex of the published bytes; md5, sha256 or git-sha1"),
        "urls": (_TEXTS, "Where to fetch it, best first"),
    },
)

EXCLUSIONS = _schema(
    "exclusions",
    {
        "dataset": (_TEXT, "Accession or folder name"),
        "snapshot": (_TEXT, "Tag of the snapshot that was read"),
        "path": (_TEXT, "Path of the file, empty where the whole dataset is meant"),
        "reason": (_TEXT, "Reason code"),
        "evidence": (_TEXT, "What was found, in the source's own words"),
    },
)

# What a catalogue adds to each scan: its participant, as far as the dataset's tables say.
LABELS = _schema(
    "labels",
    {
        "age_years": (pa.float64(), "Age at the scan's session, years; the cap where age_capped"),
        "age_low": (pa.float64(), "Lower end of an age range as written, years"),
        "age_high": (pa.float64(), "Upper end of an age range as written, years"),
        "age_capped": (pa.bool_(), "True: at least age_years; null where no age is known"),
        "sex": (_TEXT, "female, male or other; null where unknown"),
        "handedness": (_TEXT, "right, left or ambidextrous; null where unknown"),
        "group": (_TEXT, "healthy control or patient; null where unknown"),
        "species": (_TEXT, "Species as the participants' table says; null where it says none"),
    },
)

LABELLED_SCANS = pa.unify_schemas([SCANS, LABELS])


def scans_table(scans: Iterable[Scan]) -> pa.Table:
    """Return one row a scan, with the columns of ``SCANS``."""
    rows = [
        {
            "scan_id": scan.scan_id,
            "dataset": scan.dataset,
            "snapshot": scan.snapshot,
            "path": scan.path,
            "subject": scan.subject,
            "session": scan.session,
            "acquisition": dict(scan.entities).get("acq", ""),
            "run": dict(scan.entities).get("run", ""),
            "entities": "_".join(f"{key}-{label}" for key, label in scan.entities),
            "suffix": scan.suffix,
            "size": scan.size,
            "digest": str(scan.digest),
            "urls": list(scan.urls),
        }
        for scan in scans
    ]
    return pa.Table.from_pylist(rows, schema=SCANS)


def scans_of(table: pa.Table) -> Iterator[Scan]:
    """Yield the scans of a table with the columns of ``SCANS`` (others are passed over)."""
    for row in table.to_pylist():
        algorithm, _, hexdigest = row["digest"].partition(":")
        pairs = (part.partition("-") for part in row["entities"].split("_") if part)
        yield Scan(
            dataset=row["dataset"],
            snapshot=row["snapshot"],
            path=row["path"],
            subject=row["subject"],
            session=row["session"],
            suffix=row["suffix"],
            entities=tuple((key, label) for key, _, label in pairs),
            size=row["size"],
            digest=Digest(algorithm=Algorithm(algorithm), hexdigest=hexdigest),
            urls=tuple(row["urls"]),
        )
