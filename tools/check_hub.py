#!/usr/bin/env python3
"""Check publishing on the real Hub: ``HF_TOKEN=… tools/check_hub.py USER/SCRATCH-NAME CORPUS``.

Makes the private dataset USER/SCRATCH-NAME (which must not exist), publishes the small corpus CORPUS to it,
and prints what only the real Hub can show: whether its YAML check likes the card, whether Xet upload and
download work, what its answers carry on rate limits, whether ranged reads through its delivery network bring
only what was asked for, and, with ``--viewer`` (asks for a public or paid repository), what its viewer says.
Removes the repository at the end unless ``--keep`` is given. The token is the Hub client's own affair and is
not printed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, get_session
from huggingface_hub.utils import build_hf_headers

import allbrains

VIEWER = "https://datasets-server.huggingface.co"


def publish(corpus: Path, name: str, *options: str) -> str:
    """Publish and return what was said."""
    command = [sys.executable, "-m", "allbrains", "publish", str(corpus), f"hf://{name}", *options]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(f"FAILED: {ended.stderr}")
    return ended.stderr.strip().splitlines()[-1]


def check(what: str, good: bool, told: object = "") -> bool:
    """Print a line and return whether it is good."""
    print(f"{'ok    ' if good else 'FAILED'} {what} {told}", flush=True)
    return good


def uploads(api: HfApi, corpus: Path, name: str) -> list[bool]:
    """Publish twice and look at the result."""
    began = time.monotonic()
    told = publish(corpus, name)
    info = api.repo_info(name, repo_type="dataset")
    again = publish(corpus, name)
    card = info.card_data.to_dict() if info.card_data else {}
    return [
        check("published", True, f"{told}, {time.monotonic() - began:.0f} s"),
        check("private", info.private is True),
        check("card read by the Hub", "configs" in card, card.get("license")),
        check("second call sends nothing", " in 0 commits" in again, again),
    ]


def limits(api: HfApi, name: str) -> bool:
    """Print what the Hub's answers carry on rate limits."""
    answer = get_session().get(f"{api.endpoint}/api/datasets/{name}", headers=build_hf_headers())
    kept = {key: value for key, value in answer.headers.items() if "ratelimit" in key.lower()}
    return check("rate limit headers", bool(kept), kept)


def downloads(corpus: Path, name: str) -> list[bool]:
    """Open from the Hub and compare a map."""
    with tempfile.TemporaryDirectory() as cache:
        here = allbrains.open(corpus)
        there = allbrains.open(f"hf://{name}", cache=cache)
        first = next(iter(here.specs))
        began = time.monotonic()
        same = bool((here[0].values(first) == there[0].values(first)).all())
        spent = f"{time.monotonic() - began:.1f} s"
        kept = sum(path.stat().st_size for path in Path(cache).rglob("*") if path.is_file())
    wanted = int(here.table[f"{first}_nbytes"][0].as_py())
    return [
        check("a map through ranged reads", same, spent),
        check("only its bytes were kept", kept == wanted, f"{kept} of {wanted}"),
    ]


def loads(name: str) -> bool:
    """Load by ``datasets``."""
    try:
        import datasets
    except ModuleNotFoundError:
        return check("load_dataset", False, "pip install datasets")
    table: Any = datasets.load_dataset(name, split="train")
    return check("load_dataset", table[0]["montage"].size[0] > 0, f"{table.num_rows} rows")


def viewer(name: str, patience_s: float = 600) -> bool:
    """Ask the viewer for its first rows until it has them."""
    until = time.monotonic() + patience_s
    address = f"{VIEWER}/first-rows"
    while True:
        params = {"dataset": name, "config": "default", "split": "train"}
        answer = get_session().get(address, headers=build_hf_headers(), params=params)
        if answer.status_code == 200 or time.monotonic() > until:
            break
        time.sleep(15)
    told = answer.json() if answer.status_code == 200 else answer.text[:300]
    pictures = (
        [f["name"] for f in told.get("features", []) if f["type"].get("_type") == "Image"]
        if isinstance(told, dict)
        else told
    )
    return check("viewer shows pictures", pictures == ["montage"], pictures)


def main() -> None:
    """Run all checks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", metavar="USER/SCRATCH-NAME")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--viewer", action="store_true", help="wait for the viewer too")
    parser.add_argument("--keep", action="store_true", help="don't remove the repository")
    arguments = parser.parse_args()
    api = HfApi()
    if api.repo_exists(arguments.name, repo_type="dataset"):
        raise SystemExit(f"{arguments.name} exists already; name one that doesn't")
    try:
        good = uploads(api, arguments.corpus, arguments.name)
        good += [
            limits(api, arguments.name),
            *downloads(arguments.corpus, arguments.name),
            loads(arguments.name),
        ]
        if arguments.viewer:
            good.append(viewer(arguments.name))
    finally:
        if not arguments.keep:
            api.delete_repo(arguments.name, repo_type="dataset", missing_ok=True)
    raise SystemExit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
