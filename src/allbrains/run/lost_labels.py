"""What a corpus says of its scans is what its catalogue knows: seen by ``verify``, mended by ``repair``.

Each scan that is done has a row in the catalogue, its dataset a licence and authors there, and the samples
table says the labels that the catalogue has. Where an older build lost some of this, it is read again: from
the cached listings of OpenNeuro, or by asking it or the folder that the scans came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from allbrains import tables
from allbrains.catalogue import catalogue
from allbrains.catalogue.catalogue import Catalogue
from allbrains.errors import ConfigurationError, CorpusError, SourceError, TransientError
from allbrains.records import Done, Scan
from allbrains.sources.pins import Pin
from allbrains.sources.snapshot import Exclusion
from allbrains.store.bounded_table import bounded_table, schema_of
from allbrains.store.layout import Layout
from allbrains.store.ledger import LedgerReader

# finding what was lost needs the base install; reading it again needs the network
if TYPE_CHECKING:
    from allbrains.catalogue.place import Place
    from allbrains.sources.openneuro import Endpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What a corpus doesn't know of the scans of one dataset.

    Attributes:
        said: in one sentence.
        scans: that must be read again from their source; empty where nothing needs to be.
    """

    said: str
    scans: tuple[Scan, ...] = ()


def losses(layout: Layout, ledger: LedgerReader) -> Iterator[Loss]:
    """Yield what the catalogue lacks of the scans that are done, and the samples table of the catalogue.

    A corpus that has no folder for a catalogue was never built from one.
    """
    folder = layout.root / catalogue.FOLDER
    done = _done(ledger)
    if not folder.is_dir() or not done:
        return
    try:
        known = catalogue.read(folder)
    except (ConfigurationError, SourceError) as error:
        every = tuple(scan for scans in done.values() for scan in scans)
        yield Loss(said=f"the catalogue in {folder} can't be read: {error}", scans=every)
        return
    yield from _without_rows(done, known)
    yield from _without_labels(layout, known)


def _done(ledger: LedgerReader) -> dict[str, list[Scan]]:
    outcomes = ledger.outcomes()
    done: dict[str, list[Scan]] = {}
    for member in ledger.members():
        if isinstance(outcomes.get(member.scan.scan_id), Done):
            done.setdefault(member.scan.dataset, []).append(member.scan)
    return done


def _without_rows(done: Mapping[str, Sequence[Scan]], known: Catalogue) -> Iterator[Loss]:
    datasets = set(known.datasets["dataset"].to_pylist())
    ids = set(known.scans["scan_id"].to_pylist())
    withdrawn = {
        row["dataset"]: row["evidence"]
        for row in known.exclusions.to_pylist()
        if row["reason"] == Exclusion.WITHDRAWN and not row["path"]
    }
    for name, scans in done.items():
        if name in withdrawn and name not in datasets:
            yield Loss(
                said=f"{name} was withdrawn ({withdrawn[name]}), and {len(scans)} scans of it are here: "
                f"`allbrains remove --dataset {name}` takes them out"
            )
        elif name not in datasets:
            said = f"{name}: licence, authors and {len(scans)} scans that are done are not in the catalogue"
            yield Loss(said=said, scans=tuple(scans))
        elif lost := tuple(scan for scan in scans if scan.scan_id not in ids):
            said = f"{name}: {len(lost)} of {len(scans)} scans that are done have no row in the catalogue"
            yield Loss(said=said, scans=lost)


def _without_labels(layout: Layout, known: Catalogue) -> Iterator[Loss]:
    names = tables.LABELS.names
    try:
        held = schema_of(layout.samples, layout.samples).names
        columns = ["scan_id", "dataset", "outcome", *(name for name in names if name in held)]
        told = bounded_table(layout.samples, layout.samples, columns=columns)
    except CorpusError:  # missing or damaged: another finding
        return
    rows = {row["scan_id"]: row for row in told.to_pylist() if row["outcome"] == "done"}
    lost: dict[str, int] = {}
    for row in known.scans.select(["scan_id", "dataset", *names]).to_pylist():
        sample = rows.get(row["scan_id"])
        if sample is not None and any(row[n] is not None and sample.get(n) != row[n] for n in names):
            lost[row["dataset"]] = lost.get(row["dataset"], 0) + 1
    for name, count in sorted(lost.items()):
        yield Loss(said=f"{name}: {layout.samples} lacks what the catalogue knows of {count} scans")


def recollect(
    layout: Layout,
    ledger: LedgerReader,
    lost: Sequence[Scan],
    *,
    endpoints: Endpoints,
    contact: str = "",
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> tuple[str, ...]:
    """Read again what was lost and write it to the catalogue.

    Args:
        layout: of the corpus; the caller holds its lock.
        ledger: of the corpus.
        lost: scans that have no row in the catalogue.
        endpoints: of OpenNeuro.
        contact: for the User-Agent.
        progress: called with what is being read, how many were, and how many there are.

    Returns:
        A sentence for each thing that could not be read.
    """
    from allbrains.catalogue.merge import Reach, merged, wanted_again
    from allbrains.catalogue.read_dataset import Wanted
    from allbrains.catalogue.survey import previous, survey

    folder, planned = layout.root / catalogue.FOLDER, ledger.planned()
    try:
        known = previous(folder)
    except SourceError:  # said already; only what can be read again is written in its place
        known = None
    failed: list[str] = []
    for where, scans in _origins(lost):
        try:
            there = _place(where, scans, folder, endpoints, contact)
            suffixes = tuple(sorted({scan.suffix for scan in scans}))
            found = survey(
                there,
                folder / "cache",
                wanted=Wanted(suffixes=suffixes),
                again={} if known is None else wanted_again(known),
                progress=progress,
            ).found
        except (ConfigurationError, SourceError, TransientError) as error:
            failed.append(f"{', '.join(sorted({scan.dataset for scan in scans}))}: {error}")
            continue
        failed += [f"{row['dataset']}: {row['reason']}: {row['evidence']}" for row in found.missing]
        pinned = Reach(everything=False, pinned=True)
        known = found if known is None else merged(known, found, pinned, planned=planned).catalogue
        catalogue.write(known, folder)
        ids = set(known.scans["scan_id"].to_pylist())
        failed += [f"{one.key}: it is another image there now" for one in scans if one.scan_id not in ids]
    return tuple(failed)


def _origins(lost: Sequence[Scan]) -> Iterator[tuple[str, list[Scan]]]:
    """Yield where scans came from, and the scans: a dataset's folder, or empty for OpenNeuro.

    Of OpenNeuro each version is one question, so no dataset comes in two versions at once.
    """
    groups: dict[tuple[str, int], list[Scan]] = {}
    versions: dict[str, list[str]] = {}
    for scan in lost:
        folder = _folder_of(scan)
        seen = versions.setdefault(scan.dataset, [])
        if scan.snapshot not in seen:
            seen.append(scan.snapshot)
        groups.setdefault((folder, 0 if folder else seen.index(scan.snapshot)), []).append(scan)
    for (folder, _), scans in sorted(groups.items(), key=lambda item: item[0]):
        yield folder, scans


def _folder_of(scan: Scan) -> str:
    for url in scan.urls:
        if url.startswith("file:") and url.endswith(end := "/" + quote(scan.path)):
            return unquote(urlsplit(url.removesuffix(end)).path)
    return ""


def _place(where: str, scans: Sequence[Scan], folder: Path, endpoints: Endpoints, contact: str) -> Place:
    from allbrains.catalogue.place import Place, place
    from allbrains.sources.openneuro import OpenNeuro
    from allbrains.transfer import Client

    cache = folder / "cache"
    if where:
        if not Path(where).is_dir():
            raise ConfigurationError(f"the folder that its scans came from, {where}, is not there")
        suffixes = sorted({scan.suffix for scan in scans})
        return place(endpoints=endpoints, bids=Path(where), datasets=(), cache=cache, suffixes=suffixes)
    pins = {scan.dataset: Pin(dataset=scan.dataset, snapshot=scan.snapshot) for scan in scans}
    network = endpoints.network(contact=contact)
    source = OpenNeuro(Client(network), endpoints, cache=cache, pins=tuple(pins.values()))
    return Place(source=source, network=network)
