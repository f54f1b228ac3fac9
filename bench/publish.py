"""What publishing costs and what it survives: ``bench/publish.py CORPUS`` against the stand-in of the Hub.

Publishes CORPUS (what `allbrains build` made; it is not changed), loads from there and counts bytes; then a
corpus of 240 tiny phantoms in 120 shards with kill -9 at random moments, and compares the Hub with the
folder. Figures: docs/benchmarks/publish.md.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import allbrains
from allbrains.store.layout import Layout
from allbrains.testing.corpora import ToyStory, scan, write

sys.path.insert(0, str(Path(__file__).parents[1]))  # the stand-in lives among the tests
from tests.hub_standin.server import TOKEN, HubServer

NAME = "user/brains"
LOAD = """
import datasets, os, sys
table = datasets.load_dataset("user/brains", split="train")
print(f"load_dataset: {table.num_rows} rows, montage {table[0]['montage'].size}, {table.features['montage']}")
sys.stdout.flush()
"""
OPEN = """
import allbrains, sys
brains = allbrains.open("hf://user/brains", maps=["gm"], cache=sys.argv[1])
brains[0].gm
print(brains.table["gm_nbytes"][0])
"""

NOWHERE = subprocess.DEVNULL


def environment(hub: HubServer, home: Path) -> dict[str, str]:
    """Return what the Hub's client reads."""
    told = {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HOME": str(home)}
    return {**os.environ, **told, "HF_HUB_DISABLE_XET": "" if hub.xet else "1"}


def kills(corpus: Path, hub: HubServer, home: Path, count: int, longest_s: float) -> None:
    """Publish, killed so many times; each run may live for a random part of ``longest_s``."""
    draw, killed, command = random.Random(1), 0, publish(corpus)
    while killed < count:
        running = subprocess.Popen(command, env=environment(hub, home), stdout=NOWHERE, stderr=NOWHERE)
        try:
            running.wait(draw.uniform(0.3, longest_s))
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGKILL)
            running.wait()
            killed += 1
            continue
        # it came to its end: go on with an empty Hub, as nothing more could be killed
        print(f"  whole after {killed} kills: {verdict(corpus, hub)}; from the beginning")
        empty(hub)
    subprocess.run(command, env=environment(hub, home), check=True, stdout=NOWHERE, stderr=NOWHERE)
    print(f"killed {killed} times, then finished: {verdict(corpus, hub)}")


def verdict(corpus: Path, hub: HubServer) -> str:
    """Return how the Hub differs from a folder that was published at once."""
    files = hub.state.revision(NAME, "main")["files"]
    commits = hub.state.read(NAME)["commits"]
    here = {path.relative_to(corpus).as_posix(): path for path in corpus.glob("shards/*/*.parquet")}
    here["samples.parquet"] = corpus / "samples.parquet"
    wrong = [
        name for name, path in here.items() if files.get(name, {}).get("lfs", {}).get("oid") != sha256(path)
    ]
    added = [name for before, after in pairwise(commits) for name in new(before, after)]
    twice = len(added) - len(set(added))
    extra = [name for name in files if name.startswith("shards/") and name not in here]
    told = f"{len(commits) - 1} commits, {len(added)} files added, {twice} twice"
    return f"{told}, {len(wrong)} wrong, {len(extra)} extra"


def new(before: dict[str, dict[str, object]], after: dict[str, dict[str, object]]) -> list[str]:
    """Return the names that a commit added or changed."""
    return [name for name, file in after["files"].items() if before["files"].get(name) != file]


def sha256(path: Path) -> str:
    """Return a file's digest."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def empty(hub: HubServer) -> None:
    """Let the Hub forget."""
    for path in [*(hub.root / "repositories" / "user").glob("*"), *(hub.root / "lfs").glob("*")]:
        path.unlink()


def phantoms(out: Path) -> Path:
    """Write the corpus of tiny phantoms."""
    scans = [scan(number, f"ds{900001 + number // 2}") for number in range(240)]
    write(Layout(out), ToyStory(scans=tuple(scans)))
    return out


def publish(corpus: Path) -> list[str]:
    """Return the command."""
    return [sys.executable, "-m", "allbrains", "publish", str(corpus), f"hf://{NAME}"]


def cost(corpus: Path, hub: HubServer, home: Path) -> None:
    """Print peak memory, CPU seconds and cache of one publication, and of one with nothing to do."""
    for what in ("whole", "again"):
        running = subprocess.Popen(publish(corpus), env=environment(hub, home), stderr=subprocess.DEVNULL)
        _, _, used = os.wait4(running.pid, 0)
        cpu = used.ru_utime + used.ru_stime
        cache = sum(path.stat().st_size for path in home.rglob("*") if path.is_file())
        told = f"{cpu:.1f} s CPU, peak {used.ru_maxrss / 1e3:.0f} MB, {cache / 1e6:.1f} MB under HF_HOME"
        print(f"{'Xet' if hub.xet else 'LFS'}, {what}: {told}")


def loading(hub: HubServer, home: Path) -> None:
    """Print what loading from the Hub gives and how many bytes one map takes."""
    subprocess.run(
        [sys.executable, "-c", LOAD], env=environment(hub, home), check=True, stderr=subprocess.DEVNULL
    )
    hub.seen.clear()
    command = [sys.executable, "-c", OPEN, str(home / "maps")]
    payload = int(
        subprocess.run(command, env=environment(hub, home), check=True, stdout=subprocess.PIPE).stdout
    )
    total, count = sum(one.nbytes for one in hub.seen), len(hub.seen)
    largest = max(one.nbytes for one in hub.seen)
    print(
        f"open and one map: {total} bytes in {count} requests; "
        f"the map {largest} bytes, {payload} of them payload"
    )


def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    arguments = parser.parse_args()
    print(allbrains.open(arguments.corpus, maps=[]))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        small = phantoms(root / "phantoms")
        for xet in (False, True):
            with HubServer(root / f"hub{xet}", xet=xet) as hub:
                cost(arguments.corpus, hub, root / f"home{xet}")
                print(verdict(arguments.corpus, hub))
                if not xet:
                    loading(hub, root / "home")
            with HubServer(root / f"kills{xet}", xet=xet) as hub:
                began = time.monotonic()
                cost(small, hub, root / f"home{xet}")
                longest_s = (time.monotonic() - began) / 2
                empty(hub)
                kills(small, hub, root / f"home{xet}", arguments.kills, longest_s)


if __name__ == "__main__":
    main()
