"""A corpus for others: as files of other kinds, published, and cited."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from allbrains.errors import ConfigurationError
from allbrains.library.listening import Tell

if TYPE_CHECKING:
    from allbrains.publish.upload import Sent

FORMS = ("bids", "npy", "webdataset")
SPACES = ("template", "native")
CITATIONS = ("bibtex", "cff")


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What publishing did, or would do.

    Attributes:
        address: where the corpus is to be found.
        steps: what would be sent, one sentence each; empty where it was sent.
        sent: how much was sent and removed.
    """

    address: str
    steps: tuple[str, ...]
    sent: Sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """The sources of some scans.

    Attributes:
        text: BibTeX entries, or the text of a CITATION.cff.
        scans: how many scans it is about.
        datasets: of which they are.
        without_doi: those of them without a known DOI.
    """

    text: str
    scans: int
    datasets: tuple[str, ...]
    without_doi: tuple[str, ...]


def expect(name: str, value: str, allowed: Sequence[str]) -> None:
    """Refuse a word that is not among those allowed.

    Raises:
        ConfigurationError: it is not.
    """
    if value not in allowed:
        raise ConfigurationError(f"{name} is {value!r}, expected one of {', '.join(allowed)}")


def export(
    out: Path,
    to: Path,
    *,
    where: str,
    limit: int | None,
    maps: Sequence[str],
    form: str,
    space: str,
    written: Callable[[Path], None],
) -> tuple[Path, ...]:
    """Write samples as other files; see ``Corpus.export``."""
    from allbrains.export.arrays import export_npy, export_webdataset
    from allbrains.export.derivatives import export as export_bids
    from allbrains.load import open as open_corpus

    expect("format", form, FORMS)
    expect("space", space, SPACES)
    if space == "native" and form != "bids":
        raise ConfigurationError("the space native is for the format bids: the others write the corpus' grid")
    wanted = [*maps, "displacement"] if maps and space == "native" else maps
    chosen = islice(open_corpus(out, maps=wanted or None, where=where), limit)
    match form:
        case "npy":
            paths = export_npy(chosen, to)
        case "webdataset":
            paths = export_webdataset(chosen, to)
        case _:
            paths = export_bids(chosen, to, space="native" if space == "native" else "template")
    found = []
    for path in paths:
        written(path)
        found.append(path)
    return tuple(found)


def publish(
    out: Path,
    target: str,
    *,
    public: bool,
    dry_run: bool,
    leave_out: Sequence[str],
    affirm_defaced: Sequence[str],
    commits_per_hour: int,
    tell: Tell,
) -> Publication:
    """Send a corpus to where others can load it; see ``Corpus.publish``."""
    from allbrains.publish import reuse_terms
    from allbrains.publish.bundle import bundle
    from allbrains.publish.commits import commits
    from allbrains.publish.pace import Pace
    from allbrains.publish.targets import target_at
    from allbrains.publish.upload import Sent, first_day, lines, see_that_it_is_ours, send

    place = target_at(target)
    pace = Pace(limit=commits_per_hour, tell=tell)
    with tempfile.TemporaryDirectory(prefix="allbrains-publish-") as scratch:
        day = first_day(place, datetime.now(UTC).date(), pace=pace, tell=tell)
        made = bundle(out, Path(scratch), place.shown(), day, affirmed=affirm_defaced, left_out=leave_out)
        for_all = public or place.public()
        facts = made.facts
        refused = reuse_terms.refusals(facts.origins, affirm_defaced, facts.intact_faces())
        if for_all and refused:
            raise ConfigurationError(
                f"{place.where()} {'would be' if public else 'is'} public, but not everybody may see:\n  "
                + "\n  ".join(refused)
                + "\nnothing was sent; --leave-out keeps a dataset at home"
            )
        if dry_run:
            held = place.held()
            see_that_it_is_ours(made.items, held, place)
            steps = tuple(lines(commits(made.items, held, place.limits), made.items, place))
            return Publication(address=place.where(), steps=steps, sent=Sent())
        sent = send(made.items, place, pace=pace, tell=tell)
        if public:
            place.make_public()
    return Publication(address=place.where(), steps=(), sent=sent)


def cite(out: str, *, where: str, form: str) -> Citation:
    """Return the citations of a corpus, or of a part; see ``Corpus.cite``."""
    from allbrains.load import open as open_corpus
    from allbrains.publish import citing
    from allbrains.publish.papers import works_of
    from allbrains.publish.source_datasets import origins_of, read_rows

    expect("format", form, CITATIONS)
    brains = open_corpus(out, maps=[], where=where)
    versions = zip(brains.table["dataset"].to_pylist(), brains.table["snapshot"].to_pylist(), strict=True)
    origins = origins_of(versions, read_rows(brains.shelf))
    works = works_of(brains.corpus)
    if form == "cff":
        part = f", where {where}" if where else ""
        text = citing.citation_file(f"{len(brains)} brains of {out}{part}", origins, works)
    else:
        text = citing.bibliography(origins, works)
    return Citation(
        text=text,
        scans=len(brains),
        datasets=tuple(origin.dataset for origin in origins),
        without_doi=tuple(origin.dataset for origin in origins if not origin.doi),
    )
