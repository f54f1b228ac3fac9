"""Every misbehaviour that the sandbox knows, against a whole synthetic OpenNeuro.

    python bench/catalogue_faults.py [--datasets 120] [--share 0.1] [FAULT …]

For each fault one crawl from nothing, with that fault at that share. The law: the catalogue equals the
undisturbed one, or each difference is told in its own tables, and where scans are missing the exit code is
1. Prints a line a fault; exit code 1 when one breaks the law.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import click

from allbrains import sandbox
from allbrains.sandbox.faults.registry import FAULTS
from allbrains.sandbox.simulated import SimulatedArchive
from allbrains.sources.catalogue import Catalogue
from allbrains.sources.choice import place
from allbrains.sources.crawl import crawl
from allbrains.sources.openneuro import Endpoints
from allbrains.testing.catalogues import silent, untold

# columns in which these faults make the source tell something else
ALTERED = {"duplicate-key": ("scan_id", "digest", "digest_group", "copies", "size")}


def crawled(server: sandbox.Sandbox, cache: Path) -> Catalogue:
    """Crawl a server from nothing."""
    ends = Endpoints(api=server.api, bucket=server.bucket)
    return crawl(place(endpoints=ends, bids=None, datasets=(), cache=cache).source)


@click.command()
@click.option("--datasets", default=120, show_default=True)
@click.option("--share", default=0.1, show_default=True)
@click.option("--seed", default=4, show_default=True)
@click.argument("faults", nargs=-1, type=click.Choice(sorted(FAULTS)))
def main(datasets: int, share: float, seed: int, faults: tuple[str, ...]) -> None:
    """Crawl once for each fault."""
    archive = SimulatedArchive(datasets, seed=1)
    archive.prepare()
    with sandbox.serve(archive) as server, tempfile.TemporaryDirectory() as folder:
        honest = crawled(server, Path(folder))
    print(f"{datasets} datasets, {honest.scans.num_rows} scans; each fault at {100 * share:g} %\n")
    print("| fault | struck | scans lost | told about datasets | exit code | law | seconds |")
    print("|---|---|---|---|---|---|---|")
    broken = 0
    for name in faults or FAULTS:
        began = time.monotonic()
        with (
            sandbox.serve(archive, switches=[f"{name}:{share}"], seed=seed) as server,
            tempfile.TemporaryDirectory() as folder,
        ):
            found = crawled(server, Path(folder))
            struck = server.faults.counts()[name]
        wrong = untold(honest, found, altered=ALTERED.get(name, ()))
        broken += bool(wrong) or silent(honest, found)
        told = Counter(row["reason"] for row in found.exclusions.to_pylist() if not row["path"])
        words = ", ".join(f"{count} {reason}" for reason, count in sorted(told.items())) or "–"
        law = "kept" if not wrong else f"BROKEN: {len(wrong)}, such as {wrong[0]}"
        lost = honest.scans.num_rows - found.scans.num_rows
        print(
            f"| `{name}` | {struck} | {lost} | {words} | {1 if found.missing else 0} | {law} | "
            f"{time.monotonic() - began:.1f} |",
            flush=True,
        )
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
