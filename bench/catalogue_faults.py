"""Every misbehaviour that the sandbox knows, against a whole synthetic OpenNeuro.

    python bench/catalogue_faults.py [--datasets 120] [--share 0.1] [--headers] [FAULT …]

For each fault one crawl from nothing, with that fault at that share, and with another one where it would
not strike otherwise. The law: the catalogue equals the
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
from allbrains.catalogue.catalogue import Catalogue
from allbrains.catalogue.place import place
from allbrains.catalogue.survey import survey
from allbrains.sandbox.faults.registry import FAULTS
from allbrains.sandbox.simulated import SimulatedArchive
from allbrains.sources.openneuro import Endpoints
from allbrains.testing.catalogues import silent, untold

# columns in which these faults make the source tell something else
ALTERED = {"duplicate-key": ("scan_id", "digest", "digest_group", "copies", "size")}
# what must be wrong as well before anybody asks where these faults are
BESIDE = {"objects-empty": "s3-403", "objects-error": "s3-403", "s3-orphans": "truncated-tree"}


def crawled(server: sandbox.Sandbox, cache: Path, *, headers: bool) -> Catalogue:
    """Crawl a server from nothing."""
    ends = Endpoints(api=server.api, bucket=server.bucket)
    where = place(endpoints=ends, bids=None, datasets=(), cache=cache)
    return survey(where, cache, with_headers=headers).found


@click.command()
@click.option("--datasets", default=120, show_default=True)
@click.option("--share", default=0.1, show_default=True)
@click.option("--seed", default=4, show_default=True)
@click.option("--headers", is_flag=True, help="Read the images' headers too.")
@click.argument("faults", nargs=-1, type=click.Choice(sorted(FAULTS)))
def main(datasets: int, share: float, seed: int, headers: bool, faults: tuple[str, ...]) -> None:
    """Crawl once for each fault."""
    archive = SimulatedArchive(datasets, seed=1)
    archive.prepare()
    with sandbox.serve(archive) as server, tempfile.TemporaryDirectory() as folder:
        honest = crawled(server, Path(folder), headers=headers)
    print(f"{datasets} datasets, {honest.scans.num_rows} scans; each fault at {100 * share:g} %\n")
    print("| fault | struck | scans lost | told about datasets | exit code | law | seconds |")
    print("|---|---|---|---|---|---|---|")
    broken = 0
    for name in faults or FAULTS:
        began = time.monotonic()
        names = [one for one in (name, BESIDE.get(name)) if one]
        with (
            sandbox.serve(archive, switches=[f"{one}:{share}" for one in names], seed=seed) as server,
            tempfile.TemporaryDirectory() as folder,
        ):
            found = crawled(server, Path(folder), headers=headers)
            struck = server.faults.counts()[name]
        wrong = untold(honest, found, altered=ALTERED.get(name, ()))
        broken += bool(wrong) or silent(honest, found)
        told = Counter(row["reason"] for row in found.exclusions.to_pylist() if not row["path"])
        words = ", ".join(f"{count} {reason}" for reason, count in sorted(told.items())) or "–"
        law = "kept" if not wrong else f"BROKEN: {len(wrong)}, such as {wrong[0]}"
        lost = honest.scans.num_rows - found.scans.num_rows
        print(
            f"| `{'` with `'.join(names)}` | {struck} | {lost} | {words} | "
            f"{1 if found.missing else 0} | {law} | "
            f"{time.monotonic() - began:.1f} |",
            flush=True,
        )
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
