"""``allbrains download``: raw scans as a BIDS folder."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from allbrains.catalogue.dataset_rows import snapshot_of
from allbrains.catalogue.raw_bids import Delivery, Status, download
from allbrains.cli.gather import Choice, Chosen, gather, writing_to
from allbrains.cli.options import json_option, out_option, selection_options, source_options
from allbrains.text import guarded, plain
from allbrains.transfer import Client

SOME_FAILED = 3
OWN = ".allbrains"  # in --out: the catalogue, out of the datasets' way


@click.command()
@source_options
@selection_options
@out_option
@json_option
@click.option("--dry-run", is_flag=True, help="Print the images and their size, fetch none.")
def command(*, out: Path, as_json: bool, dry_run: bool, **choice: Any) -> int:
    """Download raw scans with their sidecars and participants, as BIDS datasets in --out.

    Each file is checked against the digest that OpenNeuro publishes, and appears whole or not at all. The
    same command again goes on where this one stopped. Prints a line for each file: written, rejected
    (other bytes than published) or failed.

    Exit code 3: some files could not be had; 1: the catalogue is incomplete.
    """
    chosen = gather(Choice(**choice), out / OWN)
    for sentence in chosen.incomplete:
        click.echo(f"the catalogue is incomplete: {sentence}", err=True)
    size = sum(scan.size for scan in chosen.scans)
    click.echo(f"{len(chosen.scans)} images, {size / 1e9:.2f} GB", err=True)
    if dry_run:
        for scan in chosen.scans:
            row = {"path": scan.key, "size": scan.size}
            click.echo(json.dumps(row) if as_json else f"{scan.key}\t{scan.size}")
        return 1 if chosen.incomplete else 0
    counts = _run(chosen, out, as_json)
    click.echo(", ".join(f"{counts[status]} files {status}" for status in Status), err=True)
    if chosen.incomplete:
        return 1
    return SOME_FAILED if counts[Status.FAILED] or counts[Status.REJECTED] else 0


def _run(chosen: Chosen, out: Path, as_json: bool) -> Counter[str]:
    snapshots = {row["dataset"]: snapshot_of(row) for row in chosen.catalogue.datasets.to_pylist()}
    counts: Counter[str] = Counter()
    client = Client(chosen.network)
    try:
        with writing_to(out):
            for one in download(chosen.scans, snapshots, chosen.place.source, client, out):
                counts[one.status] += 1
                click.echo(json.dumps(asdict(one), ensure_ascii=False) if as_json else _line(one))
    finally:
        client.close()
    return counts


def _line(one: Delivery) -> str:
    cells = (one.status, one.path, str(one.size), one.detail)
    return "\t".join(guarded(plain(cell)) for cell in cells)
