"""Publishing to the Hub, with its own client: private, exactly once, whatever fails; and loading."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.hub_standin.faults import Fault, Kind
from tests.hub_standin.state import Refused

from allbrains.store.layout import Layout
from allbrains.store.ledger import Ledger
from allbrains.store.removal import remove_dataset

HUB = "hf://user/brains"

# the Hub's client hands its HTTP library files in a way that that calls deprecated
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def equal_to_a_folder(publisher, corpus, folder):
    """See that the Hub holds, byte for byte, what a folder would: but the address that the card tells."""
    publisher.publish(corpus, folder)
    there = publisher.files()
    here = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    here.pop(".allbrains-published.json")
    assert there.keys() - {".gitattributes"} == here.keys()
    addressed = {"README.md", "croissant.json", "CITATION.cff", "dataset_description.json", "SHA256SUMS"}
    for name in here.keys() - addressed:
        assert there[name] == here[name].read_bytes(), name


def test_it_is_private_and_the_second_call_sends_nothing(publisher, corpus, tmp_path):
    dry = publisher.publish(corpus, HUB, "--dry-run")
    assert "commits    2" in dry.stdout
    assert "fits the 100 GB" in dry.stdout
    with pytest.raises(Refused):
        publisher.hub.state.read("user/brains")
    assert publisher.publish(corpus, HUB).stdout == "hf://user/brains\n"
    assert publisher.hub.state.read("user/brains")["private"] is True
    assert len(publisher.titles()) == 3
    puts = sum(one.method == "PUT" for one in publisher.hub.seen)
    again = publisher.publish(corpus, HUB)
    assert "0 files, 0.0 MB in 0 commits" in again.stderr
    assert sum(one.method == "PUT" for one in publisher.hub.seen) == puts
    equal_to_a_folder(publisher, corpus, tmp_path / "there")


def test_faults_of_every_kind_end_in_the_same_repository(publisher, corpus, tmp_path):
    publisher.hub.faults.arm(
        Fault(pattern="POST /api/repos/create", status=503),
        Fault(pattern="POST .*/preupload/", status=429, headers={"RateLimit": '"api";r=0;t=1'}),
        Fault(pattern="PUT /lfs/", kind=Kind.CUT),
        Fault(pattern="POST .*/commit/", status=429, headers={"Retry-After": "1"}),
        Fault(pattern="POST .*/commit/", kind=Kind.LOSE),
        Fault(pattern="POST .*/commit/", kind=Kind.CUT),
        Fault(pattern="GET .*/tree/", status=502),
    )
    told = publisher.publish(corpus, HUB).stderr
    assert "answers 429" in told
    assert len(publisher.titles()) == 3
    equal_to_a_folder(publisher, corpus, tmp_path / "there")


def test_killed_at_any_moment_each_file_is_committed_once(publisher, corpus, tmp_path):
    draw = random.Random(9)
    command = [sys.executable, "-m", "allbrains", "publish", str(corpus), HUB]
    for request in ("/preupload/", "PUT /lfs", "/commit/"):  # lose the answer, and the process with it
        publisher.hub.faults.arm(Fault(pattern=request, status=503, headers={"Retry-After": "60"}))
        before = len(publisher.hub.seen)
        running = subprocess.Popen(
            command, env=publisher.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while running.poll() is None and not any(s.status == 503 for s in publisher.hub.seen[before:]):
            time.sleep(0.02)
        time.sleep(draw.random() / 10)
        running.send_signal(signal.SIGKILL)
        running.wait()
    publisher.publish(corpus, HUB)
    assert len(publisher.titles()) == 3
    equal_to_a_folder(publisher, corpus, tmp_path / "there")


def test_a_withdrawn_dataset_leaves(publisher, corpus):
    publisher.publish(corpus, HUB)
    layout = Layout(corpus)
    with Ledger.open(layout.ledger) as ledger:
        remove_dataset(layout, ledger, "study two")
    told = publisher.publish(corpus, HUB)
    assert "2 removed" in told.stderr
    files = publisher.files()
    assert not [name for name in files if "study" in name]
    assert b"Own study" not in files["README.md"]
    assert len(publisher.titles()) == 4


def test_public_is_refused_with_the_list_and_granted_at_the_end(publisher, corpus):
    told = publisher.publish(corpus, HUB, "--public", code=2)
    assert "study two 2.1: nobody affirms that faces were removed" in told.stderr
    with pytest.raises(Refused):
        publisher.hub.state.read("user/brains")
    publisher.publish(corpus, HUB, "--public", "--leave-out", "study two")
    assert publisher.hub.state.read("user/brains")["private"] is False
    # what is public already is not filled with what may not be shown, also without --public
    assert "is public" in publisher.publish(corpus, HUB, code=2).stderr
    publisher.publish(corpus, HUB, "--affirm-defaced", "study two")
    assert "metadata/study%20two.parquet" in publisher.files()


def test_without_the_right_token_it_says_so(publisher, corpus):
    publisher.token = "hf_wrong"
    assert "401" in publisher.publish(corpus, HUB, code=2).stderr


LOAD = """
import sys
import numpy as np
import allbrains, datasets

table = datasets.load_dataset("user/brains", split="train")
assert table.num_rows == 7 and table[0]["montage"].size == (24, 16), table
assert set(table["dataset"]) == {"ds000011", "study two"}
here = allbrains.open(sys.argv[1], maps=["gm"])
there = allbrains.open("hf://user/brains", maps=["gm"], cache=sys.argv[2])
for one, other in zip(here, there, strict=True):
    np.testing.assert_array_equal(one.gm, other.gm)
print(sum(there.table["gm_nbytes"].to_pylist()))
"""


def test_it_loads_with_datasets_and_map_by_map(publisher, corpus, tmp_path):
    publisher.publish(corpus, HUB)
    publisher.hub.seen.clear()
    wanted = int(publisher.run("-c", LOAD, corpus, tmp_path / "cache").stdout)
    ranges = [one for one in publisher.hub.seen if one.status == 206 and one.path.startswith("/lfs/")]
    shards = {
        file["lfs"]["oid"]
        for name, file in publisher.hub.state.revision("user/brains", "main")["files"].items()
        if name.startswith("shards/")
    }
    assert sum(one.nbytes for one in ranges if one.path.rsplit("/", 1)[1] in shards) == wanted


def test_the_script_for_the_real_hub_passes_against_the_stand_in(publisher, corpus):
    script = Path(__file__).parents[2] / "tools" / "check_hub.py"
    told = publisher.run(script, "user/scratch", corpus, PYTHONWARNINGS="ignore").stdout
    assert "FAILED" not in told
    assert told.count("ok    ") == 8
    with pytest.raises(Refused):  # it has cleaned up
        publisher.hub.state.read("user/scratch")


def test_xet_uploads_too(xet_publisher, corpus):
    publisher = xet_publisher
    publisher.hub.faults.arm(Fault(pattern="POST .*/commit/", kind=Kind.LOSE))
    publish = ("-m", "allbrains", "publish", corpus, HUB)
    publisher.run(*publish, HF_HUB_DISABLE_XET="0")
    assert len(publisher.titles()) == 3
    assert not [one for one in publisher.hub.seen if one.method == "PUT"]
    assert "0 commits" in publisher.publish(corpus, HUB).stderr
