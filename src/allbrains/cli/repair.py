"""``allbrains repair``: bring back what was lost, and let the next build redo what is broken."""

from __future__ import annotations

from pathlib import Path

import click

from allbrains.catalogue import catalogue
from allbrains.cli.counting import count
from allbrains.cli.options import service_options
from allbrains.errors import ConfigurationError, SourceError
from allbrains.run.lock import alone
from allbrains.run.lost_labels import Loss, losses, recollect
from allbrains.sources.openneuro import Endpoints
from allbrains.store.integrity import examine, repair
from allbrains.store.layout import Layout
from allbrains.store.ledger import Ledger, LedgerReader
from allbrains.store.samples import write_samples


@click.command("repair")
@click.argument("out", type=click.Path(path_type=Path))
@service_options
def command(out: Path, *, api: str, bucket: str, contact: str) -> int:
    """Find what is broken in the corpus OUT, and let the next `allbrains build` make it again.

    Prints a line for each thing that is wrong. What is sound is kept. What the corpus no longer knows of its
    scans (ages, licences, authors) is read again from where they came from.

    Exit code 1: some of it could not be read; the same command tries again.
    """
    layout = Layout(out)
    LedgerReader.open(layout.ledger).close()  # no corpus, no lock file
    with alone(layout), Ledger.open(layout.ledger) as ledger:
        found = []
        for finding in examine(layout, ledger):
            click.echo(finding.said)
            found.append(finding)
        again = repair(layout, ledger, found)
        lost = _lost(layout, ledger)
        endpoints = Endpoints(api=api, bucket=bucket)
        scans = [scan for loss in lost for scan in loss.scans]
        failed = recollect(layout, ledger, scans, endpoints=endpoints, contact=contact, progress=count)
        # where a shard is to be written again, the next build writes the table, too
        if lost and not any(finding.scans or finding.shard for finding in found):
            _tell_samples(layout, ledger)
    for sentence in failed:
        click.echo(f"can't be read again: {sentence}", err=True)
    if found:
        click.echo(f"{again} scans will be done again by the same `allbrains build`; run it now", err=True)
    elif not lost:
        click.echo("nothing is broken", err=True)
    return 1 if failed else 0


def _lost(layout: Layout, ledger: LedgerReader) -> list[Loss]:
    folder = layout.root / catalogue.FOLDER
    if folder.is_dir():
        catalogue.mend(folder)
    lost = []
    for loss in losses(layout, ledger):
        click.echo(loss.said)
        lost.append(loss)
    return lost


def _tell_samples(layout: Layout, ledger: LedgerReader) -> None:
    """Write the samples table with what the catalogue knows now."""
    try:
        known = catalogue.read(layout.root / catalogue.FOLDER)
    except (ConfigurationError, SourceError):  # nothing of it could be read again, which is said
        return
    write_samples(layout, ledger, demographics=known.labels)
