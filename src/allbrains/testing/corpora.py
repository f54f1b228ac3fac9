"""Corpora of tiny samples, written in a moment by the same functions as real ones: for tests and benches."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from allbrains.files import Hook, passing
from allbrains.recipe import Recipe
from allbrains.records import Algorithm, Array, Digest, Failed, Rejected, Sample, Scan
from allbrains.store import quantise
from allbrains.store.layout import Layout
from allbrains.store.ledger import Ledger
from allbrains.store.manifest import CorpusFormat, StoredGrid, claim
from allbrains.store.samples import write_samples
from allbrains.store.shards import seal
from allbrains.store.staging import stage, sweep

SHAPE = (16, 20, 18)
SPACING_MM = 10.0
AFFINE = np.diag([SPACING_MM, SPACING_MM, SPACING_MM, 1.0])
AFFINE[:3, 3] = [-75.0, -107.0, -69.0]
FIELD_SHAPE = (4, 5, 5)
FIELD_AFFINE = AFFINE @ np.diag([4.0, 4.0, 4.0, 1.0])
MAPS = ("t1w", "gm", "mask", "logjac", "displacement")


def corpus(shape: tuple[int, int, int] = SHAPE) -> CorpusFormat:
    """Return a corpus of a recipe without steps, on a grid of 10 mm."""
    return CorpusFormat.of(Recipe(name="tiny", steps=()), StoredGrid.of("MNI152NLin2009aSym", shape, AFFINE))


def scan(number: int, dataset: str = "ds000011") -> Scan:
    """Return a scan; other numbers are other people."""
    subject = f"{number:04d}"
    path = f"sub-{subject}/anat/sub-{subject}_T1w.nii.gz"
    return Scan(
        dataset=dataset,
        snapshot="1.0.0",
        path=path,
        subject=subject,
        session="",
        suffix="T1w",
        entities=(("sub", subject),),
        size=1000 + number,
        digest=Digest(algorithm=Algorithm.MD5, hexdigest=f"{number:032x}"),
        urls=(f"https://example.org/{dataset}/{path}",),
    )


def sample(number: int) -> Sample:
    """Return a sample: a smooth bowl with noise, its tissue, mask, log-Jacobian and displacement field."""
    random = np.random.default_rng(number)
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    bowl: Array = np.clip(1.2 - x**2 - y**2 - z**2, 0, 1)
    inside = bowl > 0
    noise = random.normal(0, 0.05, SHAPE)
    return Sample(
        maps={
            "t1w": quantise.intensity(np.where(inside, np.abs(bowl + noise), 0)),
            "gm": quantise.probability(bowl),
            "mask": quantise.labels(inside),
            "logjac": quantise.log_jacobian(noise, inside),
            "displacement": quantise.displacement(random.normal(0, 1, (*FIELD_SHAPE, 3)), FIELD_AFFINE),
        },
        numbers={
            "gm_ml": 600.0 + number,
            "affine_determinant": 0.75,
            "not_measured": float("nan"),
            **{f"affine_{r}{c}": float(r == c) for r in range(3) for c in range(4)},
        },
        texts={
            "note": f"sample {number}",
            "scan_grid": json.dumps({"shape": SHAPE, "affine": AFFINE.tolist()}),
        },
        montage=f"picture {number}".encode(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyStory:
    """What becomes of scans.

    Attributes:
        scans: in the catalogue's order.
        ends: scans that don't become a sample, by scan id.
        people: joined to the samples table.
        maker: of a scan's sample, by the number that its digest is.
        held: what the corpus says of itself; the samples are on its grid.
    """

    scans: tuple[Scan, ...]
    ends: Mapping[str, Rejected | Failed] = field(default_factory=dict)
    people: pa.Table = field(default_factory=lambda: pa.table({"scan_id": pa.array([], pa.string())}))
    maker: Callable[[int], Sample] = sample
    held: CorpusFormat = field(default_factory=corpus)

    def sample(self, scan: Scan) -> Sample:
        """Return the sample of one of the scans; it depends on the scan alone."""
        return self.maker(int(scan.digest.hexdigest, 16))


def write(layout: Layout, story: ToyStory, *, at: Hook = passing, order: Iterable[int] | None = None) -> None:
    """Write the corpus, or go on where an interrupted call stopped.

    Args:
        layout: of the output folder.
        story: what to write.
        at: called at each commit step of every part.
        order: in which the scans are finished, as places in ``story.scans``.
    """
    held = story.held
    claim(layout, held, at=at)
    with Ledger.open(layout.ledger, at) as ledger:
        sweep(layout, ledger)
        ledger.register(story.scans)
        known = ledger.outcomes()
        for place in order if order is not None else range(len(story.scans)):
            one = story.scans[place]
            if one.scan_id in known:
                continue
            outcome = story.ends.get(one.scan_id) or stage(story.sample(one), one, held, layout, at=at)
            ledger.record(one.scan_id, outcome)
            for shard in ledger.ripe(scan_id=one.scan_id):
                seal(layout, ledger, shard, at=at)
        for shard in ledger.ripe():
            seal(layout, ledger, shard, at=at)
        write_samples(layout, ledger, demographics=story.people, at=at)
