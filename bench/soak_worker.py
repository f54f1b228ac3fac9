"""The worker of the soak: fetches as a real one does, then makes up a sample, or misbehaves."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from pathlib import Path

import numpy as np

from allbrains import recipes
from allbrains.records import Sample, Scan
from allbrains.run import one_scan
from allbrains.run.corpus_format import corpus_of
from allbrains.run.slot.job import Job
from allbrains.run.slot.wire import READY, dump_outcome, load_job, load_scan
from allbrains.store import quantise
from allbrains.transfer import fetch


def misbehave(name: str) -> None:
    """Do what the subject's label says."""
    match name:
        case "segfault":
            ctypes.string_at(0)
        case "abort":
            os.abort()
        case "exit":
            os._exit(3)
        case "hang":
            time.sleep(1000)
        case "hangwithgil":
            ctypes.PyDLL(None).sleep(1000)
        case "memory":
            hoard = bytearray(1 << 30)
            time.sleep(1000 if hoard else 0)
        case "file":
            Path("large").write_bytes(b"x" * (100 << 20))
        case "flood":
            os.write(REPLIES, b"x" * (2 << 20))
        case "mute":
            os.close(REPLIES)
            time.sleep(1000)


class Soaked(one_scan.Runner):
    """A runner whose steps take a moment and depend on nothing but the scan's bytes."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        made = recipes.parse(job.recipe_toml, origin=job.recipe_origin)
        self._shape = corpus_of(made).grid.shape

    def _process(self, scan: Scan, meter: one_scan.Meter) -> Sample:
        misbehave(scan.subject)
        target = Path(os.environ["TMPDIR"]) / "image"
        with meter("fetch"):
            fetch(scan.urls, size=scan.size, digest=scan.digest, target=target, client=self._client)
        target.unlink()
        time.sleep(0.1)
        random = np.random.default_rng(int(scan.digest.hexdigest, 16))
        image = random.random(self._shape, dtype=np.float32)
        return Sample(
            maps={"t1w": quantise.intensity(image), "gm": quantise.probability(image)},
            numbers={"gm_ml": float(image.mean())},
            texts={},
            montage=b"",
        )


if __name__ == "__main__":
    REPLIES = os.dup(1)
    os.dup2(2, 1)
    runner = Soaked(load_job(sys.stdin.buffer.readline()))
    os.write(REPLIES, READY)
    for line in sys.stdin.buffer:
        os.write(REPLIES, dump_outcome(runner(load_scan(line))))
