"""``allbrains catalog``: what there is to build from."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allbrains.cli.counting import count
from allbrains.cli.nothing_found import NOTHING
from allbrains.cli.options import json_option, out_option, selection_options, source_options
from allbrains.cli.terminal import echo
from allbrains.text import guarded

if TYPE_CHECKING:
    import pyarrow as pa

    from allbrains.catalogue.catalogue import Catalogue
    from allbrains.catalogue.changes import Changed, Changes

# what a person looks for; --json has all columns
COLUMNS = ("dataset", "snapshot", "path", "subject", "session", "size", "digest", "age_years", "sex", "group")
NAMED = 20  # datasets that are named in one line
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@click.command()
@source_options
@selection_options
@out_option
@json_option
@click.option(
    "--defects",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Also write what is wrong in the datasets themselves, a row each, as a table with tabs.",
)
@click.option("--list", "listed", is_flag=True, help="Print the chosen scans, a row each, with tabs.")
def command(*, out: Path, as_json: bool, listed: bool, defects: Path | None, **options: Any) -> int:
    """List the T1-weighted scans of OpenNeuro, or of a BIDS folder, and whom they show.

    Writes datasets, scans, participants and exclusions as Parquet tables to --out, each column described
    in the file itself, and catalog.lock.json for --lock; prints how much there is, and with --list or
    --json the scans themselves. What has been read before is not asked for again: the same command a day
    later asks for what changed, and says what did (changes.json). Another choice into the same folder is
    added to what it knows.

    Exit code 1: the catalogue is incomplete, and what is missing is named (the same command goes on); or
    nothing was chosen.
    """
    from allbrains.catalogue.defects import as_tsv
    from allbrains.files import publishing
    from allbrains.library.choose_scans import Choice
    from allbrains.library.crawl_catalog import read_catalog

    found = read_catalog(Choice(**options), out, progress=count)
    for sentence in found.notes:
        echo(sentence, err=True)
    told: frozenset[str] = frozenset()
    if found.changes is not None:
        for line in _lines(found.changes):
            echo(_cell(line), err=True)
        gone = (*found.changes.withdrawn, *found.changes.unlisted)
        told = frozenset(row.dataset for row in gone)
    if defects is not None:
        with publishing(defects) as temporary:
            temporary.write_text(as_tsv(found.defects(out.parent)), encoding="utf-8")
    if listed or as_json:
        _print(found.scans, as_json)
    _summarise(found.catalogue, len(found), out, told, as_talk=listed or as_json)
    if not len(found):
        echo(NOTHING, err=True)
    return 1 if found.missing or not len(found) else 0


def _lines(different: Changes) -> Iterator[str]:
    if not any(different.as_dict().values()):
        yield "since the last run: nothing has changed"
        return
    yield (
        f"since the last run: {len(different.new)} new datasets, {len(different.changed)} changed, "
        f"{len(different.withdrawn)} withdrawn; {different.scans_added} scans more, "
        f"{different.scans_gone} fewer, {different.scans_changed} with another digest"
    )
    if different.new:
        yield f"  new: {_first(different.new)}"
    if different.changed:
        yield f"  changed: {_first([_versions(row) for row in different.changed])}"
    for row in different.withdrawn:
        yield f"  withdrawn: {row.dataset}: {row.evidence}"
    for row in different.unlisted:
        yield f"  not listed this time, kept: {row.dataset}: {row.evidence}"
    for again in different.reissued:
        yield f"  re-issued: {again.before} is now {again.after} ({again.shared_images} images in common)"


def _versions(row: Changed) -> str:
    if row.before == row.after:
        return f"{row.dataset} ({row.after}, another commit)"
    return f"{row.dataset} ({row.before} → {row.after})"


def _first(names: Sequence[str]) -> str:
    """Return some names in one line, and how many more there are."""
    more = f" … and {len(names) - NAMED} more, see changes.json" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _print(scans: pa.Table, as_json: bool) -> None:
    """Print the scans, some hundred at a time: a flush a row is slow, and all rows as dicts are large."""
    if not as_json:
        echo("\t".join(COLUMNS))
        scans = scans.select(list(COLUMNS))
    for batch in scans.to_batches(max_chunksize=500):
        rows = batch.to_pylist()
        if as_json:
            lines = [json.dumps(row, ensure_ascii=False) for row in rows]
        else:
            lines = ["\t".join(_cell(row[name]) for name in COLUMNS) for row in rows]
        if lines:
            echo("\n".join(lines))


def _cell(value: object) -> str:
    """Return a cell; control characters, which a server's file name may hold, are escaped."""
    text = "n/a" if value is None else str(value)
    # of a million cells nearly all are plain, and saying so is quicker than looking for each character
    escaped = text if text.isprintable() else _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
    return guarded(escaped) if isinstance(value, str) else escaped


def _summarise(found: Catalogue, chosen: int, out: Path, told: Collection[str], *, as_talk: bool) -> None:
    """Print how much there is: on standard output, where the scans themselves aren't."""
    from allbrains.sources.snapshot import INCOMPLETE, Exclusion

    scans = found.scans
    aged = scans.num_rows - scans["age_years"].null_count
    sexed = scans.num_rows - scans["sex"].null_count
    size = sum(size or 0 for size in scans["size"].to_pylist())
    volume = f"{size / 1e9:.2f} GB" if size >= 1e9 else f"{size / 1e6:.2f} MB"
    people = scans.group_by(["dataset", "subject"]).aggregate([]).num_rows
    echo(
        f"{scans.num_rows} scans of {people} people in {found.datasets.num_rows} datasets, "
        f"{volume}; {aged} with age, {sexed} with sex; "
        f"{chosen} chosen; tables in {out}",
        err=as_talk,
    )
    routes = Counter(found.datasets["route"].to_pylist())
    for route in ("tree", "s3"):
        if routes[route]:
            echo(f"  {routes[route]} datasets were listed by another way: {route}", err=True)
    excluded = found.exclusions.to_pylist()
    files = Counter(row["reason"] for row in excluded if row["path"])
    for reason, number in sorted(files.items()):
        echo(f"  left out: {number} files: {reason}", err=True)
    for row in excluded:
        said = row["dataset"] in told and row["reason"] in (Exclusion.UNLISTED, Exclusion.WITHDRAWN)
        if said or (row["path"] and row["reason"] not in INCOMPLETE):
            continue
        kind = "incomplete" if row["reason"] in INCOMPLETE else "note"
        where = "/".join(filter(None, (row["dataset"], row["path"]))) or "the list of datasets"
        echo(f"{kind}: {_cell(where)}: {row['reason']}: {_cell(row['evidence'])}", err=True)
