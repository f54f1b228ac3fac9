"""A corpus to look at: nine tiny brains, one odd, and every way of not being one; with names that attack."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from allbrains import tables
from allbrains.errors import Reason
from allbrains.recipe import Recipe
from allbrains.records import Cause, Failed, Rejected, Sample, StepCost
from allbrains.steps.canonical import Canonical
from allbrains.store.layout import Layout
from allbrains.store.manifest import CorpusFormat, StoredGrid
from allbrains.testing.corpora import AFFINE, ToyStory, sample, scan, write

HOSTILE = "<script>window.stolen=1</script>"
TITLE = '<img src=x onerror="window.stolen=1">'
ATTACK = "</script><svg onload='window.stolen=1'>"
DONE, ODD = 9, 4
SCANS = tuple(scan(number) for number in range(8)) + tuple(scan(number, HOSTILE) for number in range(8, 12))
REJECTED, FAILED = SCANS[2], SCANS[10]
PENDING = scan(90)
UNPLANNED = scan(91)


LOG = f"""\
2026-11-22T10:00:00Z - 13 scans to run, 0 settled already
2026-11-22T10:00:05Z {SCANS[0].key} done, 4711 bytes
2026-11-22T10:00:07Z {FAILED.key} | File "/home/someone/venv/lib/ants.py", line 3 {ATTACK}
2026-11-22T10:00:08Z {FAILED.key} failed: timeout: more than 600 s
2026-11-22T10:00:09Z {REJECTED.key} rejected: not_3d: 4 frames
"""


class Pictured(ToyStory):
    """A story whose samples have real pictures, and one with far too much grey matter."""

    def sample(self, one) -> Sample:
        number = int(one.digest.hexdigest, 16)
        made = sample(number)
        more = {
            "gm_ml": 600.0 + number + (900.0 if number == ODD else 0.0),
            "cjv": 0.9 if number == ODD else 0.4,
        }
        return replace(made, montage=_picture(number), numbers={**made.numbers, **more})


def _picture(number: int) -> bytes:
    random = np.random.default_rng(number)
    buffer = io.BytesIO()
    Image.fromarray(random.integers(0, 255, (48, 130, 3), np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


class Coarse(Pictured):
    """The same samples on a grid of every second voxel, each with 10 ml more."""

    def sample(self, one) -> Sample:
        made = super().sample(one)
        maps = {
            name: one if one.affine is not None else replace(one, array=one.array[::2, ::2, ::2].copy())
            for name, one in made.maps.items()
        }
        return replace(made, maps=maps, numbers={**made.numbers, "gm_ml": made.numbers["gm_ml"] + 10})


GONE, NEW, LOST = SCANS[0], scan(200), SCANS[5]


def make_coarse(root: Path) -> Path:
    """Write a corpus of another recipe on another grid: without one scan, with a new one, one rejected."""
    affine = AFFINE @ np.diag([2.0, 2.0, 2.0, 1.0])
    held = CorpusFormat.of(
        Recipe(name="coarse", steps=(Canonical(),)), StoredGrid.of("MNI152NLin2009aSym", (8, 10, 9), affine)
    )
    ends = {LOST.scan_id: Rejected(reason=Reason.CONSTANT, detail="nothing to see")}
    write(Layout(root), Coarse(scans=(*SCANS[1:], NEW), ends=ends, held=held))
    return root


def make(root: Path) -> Path:
    """Write the corpus with its catalogue, and return its folder."""
    known = (*SCANS, PENDING, UNPLANNED)
    people = pa.table(
        {
            "scan_id": [one.scan_id for one in known],
            "age_years": [None if n == 6 else 20.0 + 3 * n for n in range(len(known))],
            "sex": ["female" if n % 2 else "male" for n in range(len(known))],
        }
    )
    costs = (StepCost(name="affine", cpu_s=1.5, wall_s=2.5, peak_mb=300.0),)
    ends = {
        REJECTED.scan_id: Rejected(reason=Reason.NOT_3D, detail=f"4 frames {ATTACK}"),
        FAILED.scan_id: Failed(cause=Cause.TIMEOUT, detail="more than 600 s", costs=costs),
        PENDING.scan_id: Failed(cause=Cause.MEMORY, detail="more than 2 GB"),
    }
    write(Layout(root), Pictured(scans=(*SCANS, PENDING), ends=ends, people=people))
    folder = root / "catalog"
    folder.mkdir()
    pq.write_table(tables.scans_table(known), folder / "scans.parquet")
    exclusions = [
        {"dataset": "ds000011", "path": "sub-01/anat/._x.nii", "reason": "apple_double", "evidence": "._"},
        {"dataset": HOSTILE, "path": "", "reason": "listing_failed", "evidence": "504"},
    ]
    pq.write_table(_rows(exclusions, tables.EXCLUSIONS), folder / "exclusions.parquet")
    datasets = [
        {
            "dataset": "ds000011",
            "snapshot": "1.0.0",
            "name": "Tones",
            "license": "CC0",
            "license_spdx": "CC0-1.0",
            "doi": "doi:10.18112/openneuro.ds000011.v1.0.0",
        },
        {
            "dataset": HOSTILE,
            "snapshot": "1",
            "name": TITLE,
            "license": "",
            "doi": "javascript:window.stolen=1",
        },
    ]
    pq.write_table(_rows(datasets, tables.DATASETS), folder / "datasets.parquet")
    receipt = {
        "field": "age",
        "source": "participants.tsv",
        "column": ATTACK,
        "raw": "20",
        "rule": "age.number",
    }
    told = {"confidence": "high", "unit_declared": "", "unit_inferred": "", "value": ""}
    person = {
        "dataset": "ds000011",
        "participant_id": "sub-0000",
        "session_id": "",
        "receipts": [receipt | told],
    }
    pq.write_table(pa.Table.from_pylist([person]), folder / "participants.parquet")
    (root / "logs").mkdir()
    (root / "logs" / "20261122T100000Z-1.log").write_text(LOG, encoding="utf-8")
    return root


def _rows(rows: list[dict], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=schema)
