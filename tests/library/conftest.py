"""A folder with a corpus and a study in it, and the default recipe at its cheapest."""

import io
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from PIL import Image

from allbrains import recipes
from allbrains.library import build_corpus
from allbrains.records import Sample
from allbrains.run.corpus_format import corpus_of
from allbrains.run.slot.guard import Report
from allbrains.store import quantise
from allbrains.store.layout import Layout
from allbrains.store.staging import stage
from allbrains.testing import datasets
from allbrains.testing.cohorts import ToyCohort, write_cohort
from allbrains.testing.datasets import write_about, write_scan
from allbrains.testing.phantoms import Acquisition, phantom

TINY = Path(__file__).parents[1] / "e2e" / "tiny.toml"
COARSE = Acquisition(spacing=(2.5, 2.5, 2.5))


@pytest.fixture(scope="session")
def study(tmp_path_factory) -> Path:
    """A BIDS dataset of two phantoms."""
    folder = tmp_path_factory.mktemp("made") / "study"
    write_about(folder, "Computed heads", {"01": ("34", "female"), "02": ("71", "male")})
    for number in (1, 2):
        write_scan(folder / f"sub-0{number}/anat/sub-0{number}_T1w.nii.gz", phantom(number, COARSE).t1w)
    return folder


class Instant:
    """An engine that makes every scan a sample without looking at it; tells which are in flight."""

    slots = 1

    def __init__(self):
        self.ran, self.open = [], 0

    def __call__(self, scans, job):
        corpus = corpus_of(recipes.load("embedded"))
        picture = io.BytesIO()
        Image.new("L", (8, 8)).save(picture, "JPEG")
        self.open += 1
        try:
            for scan in scans:
                self.ran.append(scan.key)
                sample = Sample(
                    maps={"mask": quantise.labels(np.zeros(corpus.grid.shape, np.bool_))},
                    numbers={"gm_ml": 600.0},
                    texts={},
                    montage=picture.getvalue(),
                )
                yield scan, Report(outcome=stage(sample, scan, corpus, Layout(Path(job.out))))
        finally:
            self.open -= 1

    def close(self):
        pass


@pytest.fixture
def quick(monkeypatch):
    """Make the name of the default recipe mean one that takes seconds."""
    text = recipes.text
    monkeypatch.setattr(recipes, "text", lambda name: text(str(TINY) if name == "embedded" else name))


@pytest.fixture
def instant(quick, monkeypatch) -> Instant:
    """The engine that all builds of a test run in; what they build is real, but for the samples."""
    engine = Instant()
    monkeypatch.setattr(build_corpus, "engine_for", lambda recipe, resources: engine)
    return engine


@pytest.fixture
def home(study, instant, tmp_path, monkeypatch) -> Path:
    """The folder that the examples of the library's docstrings are run in."""
    # the demo's own phantoms take a minute
    monkeypatch.setattr(datasets, "write_demo", lambda root: copytree(study, root / "ds900001"))
    write_cohort(tmp_path / "brains", ToyCohort(people=24, datasets=3))
    (tmp_path / "study").symlink_to(study)
    monkeypatch.chdir(tmp_path)
    return tmp_path
