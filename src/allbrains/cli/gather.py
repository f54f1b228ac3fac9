"""What commands that need scans begin with: the catalogue, read anew, and a choice of it."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import psutil
import pyarrow as pa

from allbrains import tables
from allbrains.catalogue import catalogue
from allbrains.catalogue.catalogue import Catalogue
from allbrains.catalogue.place import Place, place
from allbrains.catalogue.read_dataset import Wanted
from allbrains.catalogue.survey import Surveyed, previous, survey
from allbrains.cli.counting import count
from allbrains.files import translated
from allbrains.machine import usable_cores
from allbrains.recipe import Recipe
from allbrains.records import Scan
from allbrains.sources.openneuro import Endpoints
from allbrains.store import ratings
from allbrains.transfer import Network


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The scans that a command is about.

    Attributes:
        scans: in the catalogue's order.
        people: ``scan_id`` and the demographics of each scan.
        network: what fetching them may ask.
        incomplete: a sentence for each thing that the catalogue lacks.
        catalogue: all that was found.
        place: where it was found.
        unread_headers: images of the catalogue whose header is not known.
        header_bytes: what reading those would fetch, at most.
    """

    scans: tuple[Scan, ...]
    people: pa.Table
    network: Network
    incomplete: tuple[str, ...]
    catalogue: Catalogue
    place: Place
    unread_headers: int
    header_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the shared options say: where scans come from, and which are meant; see ``cli.options``."""

    api: str
    bucket: str
    bids: Path | None = None
    contact: str = ""
    dataset: tuple[str, ...] = ()
    where: str = ""
    limit: int | None = None
    suffix: tuple[str, ...] = ("T1w",)
    lock: Path | None = None
    headers: bool = False
    sidecars: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A catalogue as it was just read, and the one before it.

    Attributes:
        place: where it was read.
        surveyed: what was found.
        before: what the folder held, where all of a source is read again.
    """

    place: Place
    surveyed: Surveyed
    before: Catalogue | None


def look(choice: Choice, folder: Path) -> Look:
    """Read the source's catalogue; what was read before into ``folder/cache`` is not asked for again."""
    where_from = place(
        endpoints=Endpoints(api=choice.api, bucket=choice.bucket),
        bids=choice.bids,
        datasets=choice.dataset,
        cache=folder / "cache",
        contact=choice.contact,
        suffixes=choice.suffix,
        lock=choice.lock,
    )
    catalogue.check(choice.where)  # a crawl takes long; a slip in the condition should say so first
    before = previous(folder) if not choice.dataset and choice.lock is None else None
    with _modules_set_apart():
        surveyed = survey(
            where_from,
            folder / "cache",
            wanted=Wanted(suffixes=choice.suffix, sidecars=choice.sidecars),
            with_headers=choice.headers,
            before=before,
            progress=count,
        )
    for sentence in unread(choice, surveyed):
        click.echo(sentence, err=True)
    return Look(place=where_from, surveyed=surveyed, before=before)


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
    except BrokenPipeError:  # who reads our lines went away
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
    """Yield a sentence where the condition asks for columns that are empty because nobody has read them."""
    words = set(re.findall(r"\w+", choice.where.lower()))
    if (asked := sorted(words & set(tables.HEADERS.names))) and surveyed.unread_headers:
        yield (
            f"--where asks for {', '.join(asked)}, and the headers of {surveyed.unread_headers} images have "
            f"not been read: --headers reads them ({surveyed.header_bytes / 1e6:.1f} MB)"
        )
    if (asked := sorted(words & set(tables.ACQUISITION.names))) and not choice.sidecars:
        yield f"--where asks for {', '.join(asked)}, and no sidecars are read: --sidecars reads them"


def gather(choice: Choice, out: Path) -> Chosen:
    """Read the catalogue, write its tables to ``out/catalog``, and choose.

    Raises:
        CorpusError: ``out/ratings.tsv`` is not a table of ratings.
    """
    folder = out / "catalog"
    rated = {one.scan_id: one.rating.value for one in ratings.read(out).values()}
    with writing_to(folder):
        seen = look(choice, folder)
        found = seen.surveyed.found
        catalogue.write(found, folder)
    rows = catalogue.select(found, where=choice.where, limit=choice.limit, ratings=rated)
    return Chosen(
        scans=tuple(tables.scans_of(rows)),
        people=rows.select(["scan_id", *(field.name for field in tables.LABELS)]),
        network=seen.place.network,
        incomplete=tuple(
            f"{row['dataset'] or 'the list of datasets'}: {row['reason']}: {row['evidence']}"
            for row in found.missing
        ),
        catalogue=found,
        place=seen.place,
        unread_headers=seen.surveyed.unread_headers,
        header_bytes=seen.surveyed.header_bytes,
    )


def default_slots(recipe: Recipe) -> int:
    """Return how many scans this machine can run at once: by cores, and by the memory that each takes."""
    return max(1, min(usable_cores(), int(psutil.virtual_memory().available / 1e6 / recipe.memory_mb)))
