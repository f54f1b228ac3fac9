"""A corpus' state and upkeep: status, verify, repair, remove."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from allbrains.library.listening import Progress, Tell, heard

if TYPE_CHECKING:
    from allbrains.run.lost_labels import Loss
    from allbrains.run.run_status import Figures
    from allbrains.store.layout import Layout
    from allbrains.store.ledger import LedgerReader, Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusStatus:
    """How far a corpus is.

    Attributes:
        tally: how many scans are planned, done, rejected by reason, failed by cause, pending.
        run: figures of the last run; None where no run has left any.
        running: the last run's driver is alive, as far as this machine can tell.
    """

    tally: Tally
    run: Figures | None
    running: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a verification found wrong.

    Attributes:
        findings: one sentence for each thing that is wrong; empty where all is well.
        summary: what was looked at.
    """

    findings: tuple[str, ...]
    summary: str

    @property
    def good(self) -> bool:
        """Nothing is wrong."""
        return not self.findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """What was found broken, and what becomes of it.

    Attributes:
        findings: one sentence for each thing that was wrong.
        again: scans that the next build will do again.
        lost: what the corpus no longer knew of its scans, one sentence for each dataset.
        failed: what of that could not be read again; another call tries again.
    """

    findings: tuple[str, ...]
    again: int
    lost: tuple[str, ...]
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What left with a dataset.

    Attributes:
        scans: how many scans it had.
        note: why its rows in the catalogue stay; else empty.
    """

    scans: int
    note: str = ""


def status_of(out: Path) -> CorpusStatus:
    """Return how far a corpus is; see ``Corpus.status``."""
    from allbrains.run.run_status import read_figures, runs
    from allbrains.store.layout import Layout
    from allbrains.store.ledger import LedgerReader

    with LedgerReader.open(Layout(out).ledger) as ledger:
        tally = ledger.tally()
    figures = read_figures(out)
    return CorpusStatus(tally=tally, run=figures, running=figures is not None and runs(figures))


def verify(out: Path, *, found: Tell) -> Verified:
    """Read every checksum again; see ``Corpus.verify``."""
    from allbrains.run.lost_labels import losses
    from allbrains.store.integrity import examine, summary
    from allbrains.store.layout import Layout
    from allbrains.store.ledger import LedgerReader

    layout, findings = Layout(out), []
    with LedgerReader.open(layout.ledger) as ledger:
        sentences = chain(
            (finding.said for finding in examine(layout, ledger)),
            (loss.said for loss in losses(layout, ledger)),
        )
        for sentence in sentences:
            found(sentence)
            findings.append(sentence)
        return Verified(findings=tuple(findings), summary=summary(layout, ledger))


def repair(
    out: Path, *, api: str, bucket: str, contact: str, found: Tell, progress: Progress | None
) -> Repaired:
    """Let the next build redo what is broken; see ``Corpus.repair``."""
    from allbrains.library.crawl_catalog import chosen_by
    from allbrains.run.lock import alone
    from allbrains.run.lost_labels import recollect
    from allbrains.sources.openneuro import Endpoints
    from allbrains.store import integrity
    from allbrains.store.layout import Layout
    from allbrains.store.ledger import Ledger, LedgerReader

    layout = Layout(out)
    asked = chosen_by(api=api, bucket=bucket, contact=contact)
    LedgerReader.open(layout.ledger).close()  # no corpus, no lock file
    with alone(layout), Ledger.open(layout.ledger) as ledger:
        broken = []
        for finding in integrity.examine(layout, ledger):
            found(finding.said)
            broken.append(finding)
        again = integrity.repair(layout, ledger, broken)
        lost = _lost(layout, ledger, found)
        scans = [scan for loss in lost for scan in loss.scans]
        endpoints = Endpoints(api=asked.api, bucket=asked.bucket)
        with heard(progress, "reading again what was lost") as hear:
            failed = recollect(
                layout, ledger, scans, endpoints=endpoints, contact=asked.contact, progress=hear
            )
        # where a shard is to be written again, the next build writes the table, too
        if lost and not any(finding.scans or finding.shard for finding in broken):
            _tell_samples(layout, ledger)
    return Repaired(
        findings=tuple(finding.said for finding in broken),
        again=again,
        lost=tuple(loss.said for loss in lost),
        failed=tuple(failed),
    )


def _lost(layout: Layout, ledger: LedgerReader, found: Tell) -> list[Loss]:
    from allbrains.catalogue import catalogue
    from allbrains.files import see_inside
    from allbrains.run.lost_labels import losses

    folder = layout.root / catalogue.FOLDER
    see_inside(folder, layout.root)
    if folder.is_dir():
        catalogue.mend(folder)
    lost = []
    for loss in losses(layout, ledger):
        found(loss.said)
        lost.append(loss)
    return lost


def _tell_samples(layout: Layout, ledger: LedgerReader) -> None:
    """Write the samples table with what the catalogue knows now."""
    from allbrains.catalogue import catalogue
    from allbrains.errors import ConfigurationError, SourceError
    from allbrains.store.samples import write_samples

    try:
        known = catalogue.read(layout.root / catalogue.FOLDER)
    except (ConfigurationError, SourceError):  # nothing of it could be read again, which is said
        return
    write_samples(layout, ledger, demographics=known.labels)


def remove(out: Path, dataset: str) -> Removed:
    """Remove a dataset; see ``Corpus.remove``."""
    from allbrains.catalogue import catalogue
    from allbrains.files import see_inside
    from allbrains.run.lock import alone
    from allbrains.store.layout import Layout
    from allbrains.store.ledger import Ledger, LedgerReader
    from allbrains.store.removal import remove_dataset

    layout = Layout(out)
    LedgerReader.open(layout.ledger).close()  # no corpus, no lock file
    with alone(layout), Ledger.open(layout.ledger) as ledger:
        see_inside(layout.root / catalogue.FOLDER, layout.root)
        # first: the ledger still knows it after a crash
        note = _forget(layout.root / catalogue.FOLDER, dataset)
        return Removed(scans=remove_dataset(layout, ledger, dataset), note=note)


def _forget(folder: Path, dataset: str) -> str:
    """Take a dataset's rows out of the catalogue; return why they stay, where they do."""
    from allbrains.catalogue import catalogue
    from allbrains.catalogue.merge import without
    from allbrains.catalogue.survey import previous
    from allbrains.errors import SourceError

    try:
        known = previous(folder)
    except SourceError as error:  # no reason to keep samples that were withdrawn
        return f"its rows in the catalogue stay: {error}"
    if known is not None and dataset in known.datasets["dataset"].to_pylist():
        catalogue.write(without(known, dataset), folder)
    return ""
