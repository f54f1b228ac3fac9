"""Publishing to a bucket: the same command, and moto's server at the other end."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from typing import Any

import boto3
import fsspec
import numpy as np
import pytest
from moto.server import ThreadedMotoServer

import allbrains
from allbrains.cli.main import run
from allbrains.errors import ConfigurationError, TransientError
from allbrains.publish.file_tree import RECORD
from allbrains.publish.targets import target_at

KEYS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_MAX_ATTEMPTS": "1",
}
BUCKET = "s3://brains/here"


@dataclass(frozen=True, slots=True)
class Store:
    """A bucket that keeps all versions of its objects, so that what was sent twice is seen."""

    client: Any

    def files(self):
        """Return the bytes of all objects, by name."""
        found = self.client.list_objects_v2(Bucket="brains").get("Contents", [])
        return {one["Key"].removeprefix("here/"): self.read(one["Key"]) for one in found}

    def read(self, key):
        return self.client.get_object(Bucket="brains", Key=key)["Body"].read()

    def sent(self):
        """Return how often each object was sent."""
        counts = {}
        for one in self.client.list_object_versions(Bucket="brains").get("Versions", []):
            name = one["Key"].removeprefix("here/")
            counts[name] = counts.get(name, 0) + 1
        return counts


@pytest.fixture
def store(monkeypatch):
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}.items():
        monkeypatch.setenv(name, value)
    # moto keeps its buckets for the whole process
    urllib.request.urlopen(
        urllib.request.Request(f"http://{host}:{port}/moto-api/reset", method="POST")
    ).close()
    client = boto3.client("s3")
    client.create_bucket(Bucket="brains")
    client.put_bucket_versioning(Bucket="brains", VersioningConfiguration={"Status": "Enabled"})
    fsspec.get_filesystem_class("s3").clear_instance_cache()  # one knows the server of the test before
    yield Store(client)
    client.close()
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    server.stop()


def published(out, folder):
    """Return what a plain folder gets, by name."""
    assert run(["publish", str(out), str(folder)]) == 0
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def equal(there, here):
    """See that a bucket holds what a folder would, but the address that the card tells."""
    addressed = {"README.md", "croissant.json", "CITATION.cff", "dataset_description.json", "SHA256SUMS"}
    assert there.keys() == here.keys()
    for name in here.keys() - addressed - {RECORD}:
        assert there[name] == here[name], name
    assert json.loads(there[RECORD]).keys() == there.keys() - {RECORD}


def test_the_same_command_and_each_file_once(store, corpus, tmp_path, capsys):
    assert run(["publish", str(corpus), BUCKET]) == 0
    told = capsys.readouterr()
    assert told.out == f"{BUCKET}\n"
    assert "testing-secret" not in told.out + told.err
    sent = store.sent()
    assert {count for name, count in sent.items() if name != RECORD} == {1}
    equal(store.files(), published(corpus, tmp_path / "there"))
    capsys.readouterr()
    assert run(["publish", str(corpus), BUCKET]) == 0
    assert "0 files, 0.0 MB in 0 commits" in capsys.readouterr().err
    assert store.sent() == sent


def test_a_map_is_loaded_from_the_bucket(store, corpus, tmp_path):
    assert run(["publish", str(corpus), BUCKET]) == 0
    there = allbrains.open(BUCKET, maps=["gm"], cache=tmp_path / "cache")
    here = allbrains.open(corpus, maps=["gm"])
    assert len(there) == len(here) == 7
    np.testing.assert_array_equal(there[3].gm, here[3].gm)


def test_killed_at_any_moment_the_bucket_is_what_a_folder_is(store, corpus, tmp_path):
    draw, kills = random.Random(4), 3
    command = [sys.executable, "-m", "allbrains", "publish", str(corpus), BUCKET]
    for kill in range(kills):
        before = sum(store.sent().values())
        running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while running.poll() is None and sum(store.sent().values()) < before + 1 + 2 * kill:
            time.sleep(0.01)
        time.sleep(draw.random() / 20)
        running.send_signal(signal.SIGKILL)
        running.wait()
    assert run(["publish", str(corpus), BUCKET]) == 0
    equal(store.files(), published(corpus, tmp_path / "there"))
    assert max(count for name, count in store.sent().items() if name != RECORD) <= 1 + kills
    sent = store.sent()
    assert run(["publish", str(corpus), BUCKET]) == 0
    assert store.sent() == sent


def test_a_bucket_that_was_misspelt_is_not_made(store, corpus, capsys):
    assert run(["publish", str(corpus), "s3://brians/here"]) == 2
    assert "s3://brians/here" in capsys.readouterr().err
    assert [one["Name"] for one in store.client.list_buckets()["Buckets"]] == ["brains"]


def test_without_credentials_it_says_so(store, corpus, monkeypatch, capsys):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    assert run(["publish", str(corpus), BUCKET]) == 2
    assert "Unable to locate credentials" in capsys.readouterr().err
    assert store.files() == {}


def test_nobody_answers_may_pass(store, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(TransientError, match="Could not connect"):
        target_at(BUCKET).held()


def test_no_public_switch_for_a_bucket(store):
    with pytest.raises(ConfigurationError, match="where it is kept"):
        target_at(BUCKET).make_public()
