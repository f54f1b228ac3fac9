"""A corpus of two datasets with pictures, and a Hub to publish it to."""

import io
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import HfApi, constants
from PIL import Image
from tests.hub_standin.server import TOKEN, HubServer

from allbrains.cli.main import run
from allbrains.errors import Reason
from allbrains.publish.hub import HubTarget
from allbrains.records import Rejected
from allbrains.store.layout import Layout
from allbrains.tables import DATASETS
from allbrains.testing.corpora import ToyStory, scan, write


class Pictured(ToyStory):
    """A story whose samples have true pictures."""

    def sample(self, scan):
        sink = io.BytesIO()
        Image.new("RGB", (24, 16), (int(scan.digest.hexdigest, 16) * 9 % 256, 80, 120)).save(sink, "JPEG")
        return replace(ToyStory.sample(self, scan), montage=sink.getvalue())


DATASET_ROWS = [
    {
        "dataset": "ds000011",
        "snapshot": "1.0.0",
        "name": "A | tricky <name> {with} 100% & $igns",
        "license": "CC0",
        "license_spdx": "CC0-1.0",
        "doi": "doi:10.18112/openneuro.ds000011.v0.9.9",
        "authors": ["Ada Lovelace", "Grace Hopper & Sons"],
        "affirmed_defaced": True,
        "published": "2018-07-14T00:00:00Z",
        "source": "https://openneuro.org/crn/graphql https://s3.amazonaws.com/openneuro.org",
    },
    {
        "dataset": "study two",
        "snapshot": "2.1",
        "name": "Own study",
        "license": "CC BY-NC 4.0",
        "license_spdx": "CC-BY-NC-4.0",
        "authors": [],
        "source": "/home/somebody/data",
    },
]


def write_corpus(out):
    scans = tuple(scan(number) for number in range(5)) + tuple(
        replace(scan(number, "study two"), snapshot="2.1") for number in range(5, 8)
    )
    people = pa.table(
        {
            "scan_id": [one.scan_id for one in scans],
            "age_years": [20.0, 31.0, None, 44.0, 59.5, 70.0, 25.0, 26.0],
            "sex": ["female", "male", None, "female", "male", "male", "female", None],
        }
    )
    ends = {scans[4].scan_id: Rejected(reason=Reason.CONSTANT, detail="all voxels are 0")}
    write(Layout(out), Pictured(scans=scans, people=people, ends=ends))
    (out / "catalog").mkdir()
    rows = [{field.name: row.get(field.name) for field in DATASETS} for row in DATASET_ROWS]
    pq.write_table(pa.Table.from_pylist(rows, schema=DATASETS), out / "catalog" / "datasets.parquet")
    return out


@pytest.fixture(scope="session")
def one_corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("publish") / "corpus")


@pytest.fixture
def corpus(one_corpus, tmp_path):
    shutil.copytree(one_corpus, tmp_path / "corpus")
    return tmp_path / "corpus"


class Publisher:
    """Publishes to a stand-in: in this process, or, where that has to die or to be another's, in its own."""

    def __init__(self, hub, home, monkeypatch):
        self.hub, self.home, self.token = hub, home, TOKEN
        monkeypatch.setattr(
            constants, "HF_HUB_DISABLE_XET", True
        )  # the client reads its settings when imported
        monkeypatch.setattr(HubTarget, "of", self.target)

    def target(self, repository):
        return HubTarget(repository=repository, api=HfApi(endpoint=self.hub.url, token=self.token))

    def environment(self, **changes):
        told = {
            "HF_ENDPOINT": self.hub.url,
            "HF_HOME": str(self.home),
            "HF_TOKEN": TOKEN,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        return {**os.environ, **told, **changes}

    def run(self, *command, code=0, **changes):
        ended = subprocess.run(
            [sys.executable, *map(str, command)],
            env=self.environment(**changes),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ended.returncode == code, ended.stderr + ended.stdout
        assert TOKEN not in ended.stderr + ended.stdout
        return ended

    def publish(self, *arguments, code=0):
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            ended = run(["publish", *map(str, arguments)])
        assert ended == code, err.getvalue()
        assert self.token not in out.getvalue() + err.getvalue()
        return SimpleNamespace(stdout=out.getvalue(), stderr=err.getvalue())

    def files(self, name="user/brains"):
        """Return what the Hub's head holds: bytes by name."""
        held = self.hub.state.revision(name, "main")["files"]
        return {path: self.hub.state.contents(file).read_bytes() for path, file in held.items()}

    def titles(self, name="user/brains"):
        return [commit["title"] for commit in self.hub.state.read(name)["commits"]]


@pytest.fixture
def publisher(tmp_path, monkeypatch):
    with HubServer(tmp_path / "hub") as hub:
        yield Publisher(hub, tmp_path / "hf", monkeypatch)


@pytest.fixture
def xet_publisher(tmp_path, monkeypatch):
    with HubServer(tmp_path / "hub", xet=True) as hub:
        yield Publisher(hub, tmp_path / "hf", monkeypatch)
