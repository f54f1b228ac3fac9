"""Fuzz the bytes on the wire: ``python bench/fuzz_wire.py --minutes 60 [--seed 0]``.

A server before the local OpenNeuro changes what one dataset's owner could change; each seed is one crawl.
The law: the innocent datasets come out as in an undisturbed crawl, the other comes out or is told, and the
catalogue can be written, read and asked. A seed that breaks it is printed with what was changed; put it
into ``tests/security/test_hostile_wire.py``.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import traceback
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from allbrains import sandbox
from allbrains.catalogue import catalogue
from allbrains.catalogue.catalogue import Catalogue
from allbrains.catalogue.crawl import crawl
from allbrains.sandbox.simulated import SimulatedArchive
from allbrains.sources.openneuro import Endpoints, OpenNeuro
from allbrains.testing.hostile_wire import Mutations, between
from allbrains.transfer import Client

COLUMNS = ["dataset", "path", "digest", "age_years", "sex"]


def crawled(api: str, bucket: str, cache: Path) -> Catalogue:
    ends = Endpoints(api=api, bucket=bucket)
    client = Client(replace(ends.network(), wait_s=0.0, attempts=2))
    try:
        return crawl(OpenNeuro(client, ends, cache=cache))
    finally:
        client.close()


def innocent(found: Catalogue, victim: str) -> list[dict[str, object]]:
    return [row for row in found.scans.select(COLUMNS).to_pylist() if row["dataset"] != victim]


def complaint(found: Catalogue, honest: Catalogue, victim: str, folder: Path) -> str:
    """Return how a catalogue breaks the law; empty where it doesn't."""
    if innocent(found, victim) != innocent(honest, victim):
        return "innocent datasets changed"
    names = {*found.datasets["dataset"].to_pylist(), *found.exclusions["dataset"].to_pylist()}
    if not {*honest.datasets["dataset"].to_pylist()} - {victim} < names:
        return "a dataset is neither there nor told"
    catalogue.write(found, folder)
    if catalogue.read(folder).scans.num_rows != found.scans.num_rows:
        return "other rows after writing"
    return ""


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--minutes", type=float, default=60.0)
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    began, seed, broken = time.monotonic(), asked.seed, 0
    archive = SimulatedArchive(5, seed=3)
    archive.prepare()
    with sandbox.serve(archive) as server, tempfile.TemporaryDirectory() as scratch:
        honest = crawled(server.api, server.bucket, Path(scratch, "honest"))
        victims = sorted({*honest.scans["dataset"].to_pylist()})
        address = urlsplit(server.api)
        while time.monotonic() - began < 60 * asked.minutes:
            mutations = Mutations(victim=victims[seed % len(victims)], seed=seed)
            folder = Path(scratch, str(seed))
            try:
                with between(f"http://{address.netloc}", mutations) as front:
                    bucket = f"{front}{urlsplit(server.bucket).path}"
                    found = crawled(f"{front}{address.path}", bucket, folder)
                said = complaint(found, honest, mutations.victim, folder / "catalog")
            except Exception:
                said = traceback.format_exc(limit=-6)
            if said:
                broken += 1
                print(
                    f"seed {seed}, victim {mutations.victim}: {said}\n  " + "\n  ".join(mutations.done),
                    flush=True,
                )
            seed += 1
    print(
        f"{seed - asked.seed} crawls in {(time.monotonic() - began) / 60:.1f} minutes, {broken} broke the law"
    )


if __name__ == "__main__":
    main()
