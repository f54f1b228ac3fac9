"""``allbrains download``: raw scans as a BIDS folder."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allbrains.cli.counting import count
from allbrains.cli.nothing_found import NOTHING
from allbrains.cli.options import json_option, out_option, selection_options, source_options
from allbrains.cli.terminal import echo
from allbrains.text import guarded, plain

if TYPE_CHECKING:
    from allbrains.catalogue.raw_bids import Delivery

SOME_FAILED = 3


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

    Exit code 3: some files could not be had; 1: the catalogue is incomplete, or nothing was chosen.
    """
    from allbrains.catalogue.raw_bids import Status
    from allbrains.library.choose_scans import Choice
    from allbrains.library.download_scans import Downloaded, download

    def begin(plan: Downloaded) -> None:
        for sentence in plan.notes:
            echo(sentence, err=True)
        for sentence in plan.incomplete:
            echo(f"the catalogue is incomplete: {sentence}", err=True)
        echo(f"{len(plan.scans)} images, {plan.nbytes / 1e9:.2f} GB", err=True)

    def show(one: Delivery) -> None:
        echo(json.dumps(asdict(one), ensure_ascii=False) if as_json else _line(one))

    done = download(Choice(**choice), out, dry_run=dry_run, chosen=begin, delivered=show, progress=count)
    if not done.scans:
        echo(NOTHING, err=True)
        return 1
    if dry_run:
        for scan in done.scans:
            row = {"path": scan.key, "size": scan.size}
            echo(json.dumps(row) if as_json else f"{scan.key}\t{scan.size}")
        return 1 if done.incomplete else 0
    counts = Counter(one.status for one in done.deliveries)
    echo(", ".join(f"{counts[status]} files {status}" for status in Status), err=True)
    if done.incomplete:
        return 1
    return SOME_FAILED if counts[Status.FAILED] or counts[Status.REJECTED] else 0


def _line(one: Delivery) -> str:
    cells = (one.status, one.path, str(one.size), one.detail)
    return "\t".join(guarded(plain(cell)) for cell in cells)
