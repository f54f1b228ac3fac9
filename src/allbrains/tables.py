"""The catalogue's tables: their columns, what each means, and the way between rows and records. Pure.

Each column's description travels in the Parquet file's own field metadata (key ``description``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

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
        "hexsha": (_TEXT, "Git commit of that snapshot, empty where the source has none"),
        "name": (_TEXT, "Name in that snapshot's dataset_description.json"),
        "license": (_TEXT, "Licence as written there"),
        "license_spdx": (_TEXT, "SPDX identifier of that licence; null where the text names none"),
        "doi": (_TEXT, "DatasetDOI as written there"),
        "authors": (_TEXTS, "Authors as written there"),
        "how_to_acknowledge": (_TEXT, "HowToAcknowledge as written there"),
        "references": (_TEXTS, "ReferencesAndLinks as written there"),
        "citation": (_TEXT, "How to name the dataset in a text, as OpenNeuro asks for it"),
        "dataset_type": (_TEXT, "DatasetType as written there: raw or derivative"),
        "stated_species": (
            _TEXT,
            "Species as the owner states it on the site; empty where nothing is stated",
        ),
        "stated_ages": (
            pa.list_(pa.float64()),
            "Ages of participants as the site tells them, years; empty where it tells none",
        ),
        "modalities": (
            _TEXTS,
            "Modalities as the site's validator found them, coarse and fine: mri, mri_structural",
        ),
        "affirmed_defaced": (pa.bool_(), "The owner affirms that faces were removed; null: not stated"),
        "affirmed_consent": (pa.bool_(), "The owner affirms consent to publish faces; null: not stated"),
        "deprecated": (_TEXT, "The owner's reason against using this version; null where it is in use"),
        "published": (_TEXT, "When the dataset was made public, ISO 8601"),
        "created": (_TEXT, "When the snapshot was made, ISO 8601"),
        "size": (pa.int64(), "Bytes of the whole snapshot"),
        "announced_files": (pa.int64(), "Files that the snapshot's own summary counts, 0 where it has none"),
        "announced_subjects": (pa.int64(), "Subjects that the snapshot's own summary counts"),
        "files": (pa.int64(), "Files in the listing that was read"),
        "scans": (pa.int64(), "Scans in this catalogue"),
        "route": (_TEXT, "How the listing was read: recursive, tree, s3 or folder; empty where it wasn't"),
        "source": (_TEXT, "The service or folder that was read"),
        "server": (_TEXT, "Version of the service's software, empty where there is none"),
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
        "group": (_TEXT, "control, patient, at risk or other; null where unknown"),
        "group_word": (_TEXT, "The dataset's own word for the group, also where its meaning is not known"),
        "diagnosis": (_TEXT, "What a patient has: names of a curated list, else own words; joined by ; "),
        "diagnosis_code": (_TEXT, "SNOMED CT identifiers of these, as far as known: snomed:49049000"),
        "species": (_TEXT, "Species as the participants' table says; null where it says none"),
    },
)

# How a scan was acquired, from its JSON sidecars; null until they are read (``--sidecars``).
ACQUISITION = _schema(
    "acquisition",
    {
        "field_strength_t": (pa.float64(), "MagneticFieldStrength, tesla"),
        "manufacturer": (_TEXT, "Manufacturer: Siemens, Philips, GE … or as written"),
        "scanner_model": (_TEXT, "ManufacturersModelName as written"),
        "repetition_time_s": (pa.float64(), "RepetitionTime, seconds"),
        "echo_time_s": (pa.float64(), "EchoTime, seconds"),
        "inversion_time_s": (pa.float64(), "InversionTime, seconds"),
        "flip_angle_deg": (pa.float64(), "FlipAngle, degrees"),
    },
)

# What the image's own header says; null until it is read (``--headers``).
HEADERS = _schema(
    "headers",
    {
        "header": (_TEXT, "ok, or the reason code for which the header can't be used; null: not read"),
        "header_detail": (_TEXT, "One sentence where header is not ok"),
        "shape_x": (pa.int64(), "Voxels along the first axis of the file"),
        "shape_y": (pa.int64(), "Voxels along the second axis"),
        "shape_z": (pa.int64(), "Voxels along the third axis"),
        "frames": (pa.int64(), "Volumes in the file; more than 1: a 4-D image"),
        "spacing_x": (pa.float64(), "Edge length of a voxel along the first axis, mm"),
        "spacing_y": (pa.float64(), "Edge length of a voxel along the second axis, mm"),
        "spacing_z": (pa.float64(), "Edge length of a voxel along the third axis, mm"),
        "spacing_min": (pa.float64(), "Smallest of the three edge lengths, mm"),
        "spacing_max": (pa.float64(), "Largest of the three edge lengths, mm"),
        "fov_x": (pa.float64(), "Field of view along the first axis, mm"),
        "fov_y": (pa.float64(), "Field of view along the second axis, mm"),
        "fov_z": (pa.float64(), "Field of view along the third axis, mm"),
        "fov_min": (pa.float64(), "Smallest of the three fields of view, mm"),
        "fov_max": (pa.float64(), "Largest of the three fields of view, mm"),
        "orientation": (_TEXT, "Where the three axes point to, such as RAS or LPI; nearest for oblique ones"),
        "voxel_type": (_TEXT, "Stored number type, such as int16 or float32"),
    },
)

# What a catalogue knows of a scan from the scans beside it.
CONTEXT = _schema(
    "context",
    {
        "sidecars": (
            _TEXTS,
            "JSON files that describe the image, by the inheritance principle; nearest last",
        ),
        "preferred": (
            pa.bool_(),
            "The image to prefer among those of one person, session and suffix; all stay",
        ),
        "copies": (pa.int64(), "Scans of this catalogue with the same bytes, this one included"),
        "digest_group": (
            _TEXT,
            "scan_id of the first scan with the same bytes: its own where it is the first",
        ),
    },
)

LABELLED_SCANS = pa.unify_schemas([SCANS, LABELS, CONTEXT, ACQUISITION, HEADERS])


def scan_row(scan: Scan) -> dict[str, Any]:
    """Return a scan as a row with the columns of ``SCANS``."""
    return {
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


def scans_table(scans: Iterable[Scan]) -> pa.Table:
    """Return one row for each scan, with the columns of ``SCANS``."""
    return pa.Table.from_pylist([scan_row(scan) for scan in scans], schema=SCANS)


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
