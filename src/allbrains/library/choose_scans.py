"""What every verb that needs scans begins with: the catalogue, read anew, and a choice of it."""

from __future__ import annotations

import gc
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from filelock import FileLock, Timeout

from allbrains import tables
from allbrains.catalogue import catalogue
from allbrains.catalogue.catalogue import Catalogue
from allbrains.catalogue.merge import Merged, Reach, merged, wanted_again
from allbrains.catalogue.place import Place, place
from allbrains.catalogue.read_dataset import Wanted
from allbrains.catalogue.survey import Surveyed, previous, survey
from allbrains.errors import ConfigurationError
from allbrains.files import translated
from allbrains.library.listening import Progress, ignore
from allbrains.records import Outcome, Scan
from allbrains.sources.openneuro.addresses import API, BUCKET, Endpoints
from allbrains.store import ratings
from allbrains.store.layout import Layout
from allbrains.store.ledger import LedgerReader
from allbrains.transfer import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The scans that a command is about.

    Attributes:
        scans: in the catalogue's order.
        people: version and demographics of each scan that the folder knows, chosen or not, by ``scan_id``.
        network: what fetching them may ask.
        incomplete: a sentence for each thing that the catalogue lacks.
        catalogue: all that the folder knows.
        place: where it was found.
        unread_headers: images of the catalogue with an unknown header.
        header_bytes: what reading those would fetch, at most.
        notes: a sentence for each column that the condition asks for and that is not read.
    """

    scans: tuple[Scan, ...]
    people: pa.Table
    network: Network
    incomplete: tuple[str, ...]
    catalogue: Catalogue
    place: Place
    unread_headers: int
    header_bytes: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Where scans come from, and which are meant.

    Attributes:
        api: URL of OpenNeuro's GraphQL API.
        bucket: URL of OpenNeuro's bucket.
        bids: a BIDS dataset, or a folder of them, that is read in OpenNeuro's stead.
        contact: an e-mail address for the servers that are asked.
        dataset: accessions; empty: all.
        where: an SQL condition over the catalogue's columns.
        limit: at most so many scans.
        suffix: BIDS suffixes of the images that count.
        lock: a ``catalog.lock.json``: only its datasets, in its versions.
        headers: read the images' headers too.
        sidecars: read the scans' JSON sidecars too.
        cache: folder of what was read before; None: below the folder that the catalogue is kept in.
    """

    api: str = API
    bucket: str = BUCKET
    bids: Path | None = None
    contact: str = ""
    dataset: tuple[str, ...] = ()
    where: str = ""
    limit: int | None = None
    suffix: tuple[str, ...] = ("T1w",)
    lock: Path | None = None
    headers: bool = False
    sidecars: bool = False
    cache: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a run has just read, beside what its folder knew.

    Attributes:
        choice: what was asked for.
        place: where it was read.
        surveyed: what was found.
        before: what the folder knew, none where it is new.
        planned: ids of the scans that the corpus beside the folder has planned.
    """

    choice: Choice
    place: Place
    surveyed: Surveyed
    before: Catalogue | None
    planned: frozenset[str]

    def known(self, chosen: Collection[str] = ()) -> Merged:
        """Return what is known now; of scans that a newer version no longer has, those that are built.

        Args:
            chosen: ids of scans that will be planned.

        Raises:
            ConfigurationError: two different datasets have one name.
        """
        if self.before is None:
            return Merged(catalogue=self.surveyed.found)
        pinned = self.choice.lock is not None
        reach = Reach(
            everything=not self.choice.dataset and not pinned and self.choice.bids is None,
            pinned=pinned,
            headers=self.choice.headers,
        )
        return merged(self.before, self.surveyed.found, reach, planned=self.planned | {*chosen})

    def candidates(self) -> Catalogue:
        """Return what is known, with the scans that were asked for: read now, or kept as it can't be."""
        found = self.surveyed.found.scans["scan_id"].to_pylist()
        everything = self.known(found)
        scans = everything.catalogue.scans
        asked = pc.or_(
            pc.is_in(scans["scan_id"], value_set=pa.array(found, pa.string())),
            pc.is_in(scans["dataset"], value_set=pa.array(sorted(everything.kept), pa.string())),
        )
        suffixes = pc.is_in(scans["suffix"], value_set=pa.array(self.choice.suffix))
        return replace(everything.catalogue, scans=scans.filter(pc.and_(asked, suffixes)))


def look(choice: Choice, folder: Path, progress: Progress = ignore) -> Look:
    """Read the source's catalogue; what its cache holds is not asked for again.

    Args:
        choice: what is asked for.
        folder: of the catalogue that was read before, if there is one.
        progress: called with what is read.

    Raises:
        SourceError: the source can't be read, or what the folder knew can't be.
    """
    catalogue.check(choice.where)  # a crawl takes long; a slip in the condition should say so first
    before = previous(folder)
    again = {} if before is None else wanted_again(before)
    cache = choice.cache or folder / "cache"
    where_from = place(
        endpoints=Endpoints(api=choice.api, bucket=choice.bucket),
        bids=choice.bids,
        datasets=choice.dataset,
        cache=cache,
        contact=choice.contact,
        suffixes=sorted({*choice.suffix, *(one for wanted in again.values() for one in wanted.suffixes)}),
        lock=choice.lock,
    )
    with _modules_set_apart():
        surveyed = survey(
            where_from,
            cache,
            wanted=Wanted(suffixes=choice.suffix, sidecars=choice.sidecars),
            again=again,
            with_headers=choice.headers,
            before=before if not choice.dataset and choice.lock is None else None,
            progress=progress,
        )
    return Look(
        choice=choice,
        place=where_from,
        surveyed=surveyed,
        before=before,
        planned=planned_beside(folder),
    )


def planned_beside(folder: Path) -> frozenset[str]:
    """Return the ids of the scans planned by the corpus that ``folder`` is the catalogue of."""
    ledger = Layout(folder.parent).ledger
    if not ledger.exists():
        return frozenset()
    with LedgerReader.open(ledger) as reader:
        return reader.planned()


def outcomes_in(folder: Path) -> dict[str, Outcome]:
    """Return what became of a corpus' scans, by id; nothing where there is no corpus.

    Raises:
        CorpusError: its ledger can't be read.
    """
    ledger = Layout(folder).ledger
    if not ledger.exists():
        return {}
    with LedgerReader.open(ledger) as reader:
        return reader.outcomes()


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Keep a second crawl out of the same folder.

    Raises:
        ConfigurationError: there is one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".catalog.lock", timeout=0):
            yield
    except Timeout as error:
        raise ConfigurationError(f"another allbrains is reading a catalogue into {folder}") from error


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Say in our own words what keeps a folder from being written: a full disk, a file in its place.

    Raises:
        NoSpace: its disk is full.
        ConfigurationError: it may not be written to.
        CorpusError: its disk fails.
    """
    try:
        yield
    except BrokenPipeError:  # the reader of our lines went away
        raise
    except OSError as error:
        raise translated(error, folder) from error


@contextmanager
def _modules_set_apart() -> Iterator[None]:
    """Keep the collector of garbage from what is loaded by now: looking there costs a crawl seconds."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def unread(choice: Choice, surveyed: Surveyed) -> Iterator[str]:
    """Yield a sentence where the condition asks for columns that are empty because they were not read."""
    words = set(re.findall(r"\w+", choice.where.lower()))
    if (asked := sorted(words & set(tables.HEADERS.names))) and surveyed.unread_headers:
        yield (
            f"--where asks for {', '.join(asked)}, and the headers of {surveyed.unread_headers} images have "
            f"not been read: --headers reads them ({surveyed.header_bytes / 1e6:.1f} MB)"
        )
    if (asked := sorted(words & set(tables.ACQUISITION.names))) and not choice.sidecars:
        yield f"--where asks for {', '.join(asked)}, and no sidecars are read: --sidecars reads them"


def gather(choice: Choice, out: Path, progress: Progress = ignore) -> Chosen:
    """Read the catalogue, merge it into the one in ``out/catalog``, and choose.

    Args:
        choice: what is asked for.
        out: folder of a corpus.
        progress: called with what is read.

    Raises:
        ConfigurationError: another process is reading one into the same folder.
        CorpusError: ``out/ratings.tsv`` is not a table of ratings.
    """
    folder = out / catalogue.FOLDER
    rated = {one.scan_id: one.rating.value for one in ratings.read(out).values()}
    with writing_to(folder), only_one(folder):
        seen = look(choice, folder, progress)
        rows = catalogue.select(seen.candidates(), where=choice.where, limit=choice.limit, ratings=rated)
        known = seen.known(rows["scan_id"].to_pylist())
        catalogue.write(known.catalogue, folder)
    return Chosen(
        scans=tuple(tables.scans_of(rows)),
        people=known.catalogue.labels,
        network=seen.place.network,
        incomplete=sentences(seen.surveyed.found, known.kept),
        catalogue=known.catalogue,
        place=seen.place,
        unread_headers=seen.surveyed.unread_headers,
        header_bytes=seen.surveyed.header_bytes,
        notes=tuple(unread(choice, seen.surveyed)),
    )


def sentences(found: Catalogue, kept: Collection[str]) -> tuple[str, ...]:
    """Return what a catalogue lacks, one sentence each.

    Args:
        found: the catalogue.
        kept: datasets of which an earlier run's rows are kept.
    """
    return tuple(_lacking(row, kept) for row in found.missing)


def _lacking(row: Mapping[str, Any], kept: Collection[str]) -> str:
    stays = "; what an earlier run read of it is kept" if row["dataset"] in kept else ""
    return f"{row['dataset'] or 'the list of datasets'}: {row['reason']}: {row['evidence']}{stays}"
