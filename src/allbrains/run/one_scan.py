"""``run(scan)``: one scan from its source to a staged sample. The same on a laptop and on a cluster."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from allbrains import recipes
from allbrains.errors import ScanUnusable
from allbrains.images.image_file import read_case
from allbrains.records import Failed, Outcome, Rejected, Sample, Scan, StepCost
from allbrains.run.causes import cause_of, said
from allbrains.run.corpus_format import corpus_of
from allbrains.run.encode_sample import sample_of
from allbrains.run.native_mosaic import kept_head
from allbrains.run.slot.job import Job
from allbrains.run.slot.memory import peak_mb, reset_peak
from allbrains.store.layout import Layout
from allbrains.store.staging import stage
from allbrains.transfer import Client, fetch


class Runner:
    """Keeps what is worth keeping between scans: the recipe's steps and the pooled connections."""

    def __init__(self, job: Job) -> None:
        self._recipe = recipes.parse(job.recipe_toml, origin=job.recipe_origin).on(job.device)
        self._corpus = corpus_of(self._recipe)
        self._layout = Layout(Path(job.out))
        self._client = Client(job.network)

    def __call__(self, scan: Scan) -> Outcome:
        """Return exactly one outcome, whatever happens; disk use beyond the sample ends with the call."""
        meter = Meter()
        try:
            sample = self._process(scan, meter)
            with meter("stage"):
                done = stage(sample, scan, self._corpus, self._layout)
            return replace(done, costs=meter.costs)
        except ScanUnusable as error:
            return Rejected(reason=error.reason, detail=error.detail, costs=meter.costs)
        except Exception as error:  # whatever it is becomes a row; see also ``catalogue.contained``
            return Failed(cause=cause_of(error), detail=f"{meter.running}: {said(error)}", costs=meter.costs)

    def _process(self, scan: Scan, meter: Meter) -> Sample:
        with TemporaryDirectory(prefix="scan-") as folder:
            with meter("fetch"):
                path = fetch(
                    scan.urls,
                    size=scan.size,
                    digest=scan.digest,
                    target=Path(folder) / "image",
                    client=self._client,
                )
            with meter("read"):
                case = read_case(path)
            path.unlink()
            head = None
            for step in self._recipe.steps:
                before = case.images["t1w"] if head is None else None
                with meter(step.name):
                    case = step(case)
                if before is not None and "mask" in case.images:  # this step cut the head down to its brain
                    head = kept_head(before)
            with meter("encode"):
                return sample_of(case, head)


class Meter:
    """Notes what each step cost, also the one that fails."""

    def __init__(self) -> None:
        self.costs: tuple[StepCost, ...] = ()
        self.running = "start"

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Measure a block: seconds of CPU of all threads, of wall, and the process's peak memory."""
        self.running = name
        reset_peak()
        cpu, wall = time.process_time(), time.monotonic()
        try:
            yield
        finally:
            cost = StepCost(
                name=name,
                cpu_s=time.process_time() - cpu,
                wall_s=time.monotonic() - wall,
                peak_mb=peak_mb(),
            )
            self.costs = (*self.costs, cost)
