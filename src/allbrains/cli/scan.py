"""``allbrains scan``: an own scan, from the disc of the hospital to a page."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allbrains.cli.options import json_option
from allbrains.cli.terminal import echo

if TYPE_CHECKING:
    from allbrains.dicom.choose_series import Candidate
    from allbrains.dicom.examine import Examined, Taken
    from allbrains.dicom.image_files import ImageCandidate
    from allbrains.library.own_scan import OwnSeries
    from allbrains.own.compare import Compared

NOT_DONE = 3


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--corpus", default="", metavar="OUT", help="Folder or address (hf://…, https://…) to compare with."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("own-brain"),
    show_default=True,
    metavar="DIR",
    help="Folder for the result.",
)
@click.option("--series", type=int, help="Take this series instead of the best T1w; numbers: --dry-run.")
@click.option("--one-person", is_flag=True, help="All files are one person's, whatever they say.")
@click.option(
    "--age", "age_years", type=click.FloatRange(0, 120), help="Years at the scan, where the files don't say."
)
@click.option("--sex", type=click.Choice(["female", "male"]), help="Where the files don't say.")
@click.option(
    "--recipe", default="", help="Name of a recipe, or a TOML file. Default: the corpus', else embedded."
)
@click.option("--harmonise", is_flag=True, help="Take the scanners' offsets out of the corpus first.")
@click.option("--keep-face", is_flag=True, help="Export the head with its face.")
@click.option("--dry-run", is_flag=True, help="List the series and the choice, process nothing.")
@json_option
def command(
    *,
    path: Path,
    dry_run: bool,
    as_json: bool,
    series: int | None,
    one_person: bool,
    sex: str | None,
    **choice: Any,
) -> int:
    """Place your own scan beside everybody else's: PATH is a folder, a file or an archive of anything.

    Lists the series in PATH, takes the best T1-weighted one, puts it through the same steps as every other
    scan, and writes a page (brain.html), a surface for a printer (brain.stl) and a sample to --out. Nothing
    leaves this machine. This is no diagnosis.
    """
    from allbrains.library.own_scan import list_series, scan
    from allbrains.records import Done, Rejected

    def show(found: Examined) -> None:
        _list(found, as_json)

    if dry_run:
        only = list_series(path, series=series, one_person=one_person, listed=show)
        echo(f"taken: {_words(only.taken)}", err=True)
        return 0
    own = scan(
        path,
        series=series,
        one_person=one_person,
        sex=sex or "",
        listed=show,
        chosen=_begin,
        trouble=_say,
        **choice,
    )
    if not isinstance(own.outcome, Done):
        cause = own.outcome.reason if isinstance(own.outcome, Rejected) else own.outcome.cause
        echo(f"the scan can't be used: {cause}: {own.outcome.detail}", err=True)
        return NOT_DONE
    if own.refused and own.taken is not None:
        echo(f"taken: {_words(own.taken)}", err=True)
    for number in own.numbers:
        echo(_number(number, as_json))
    echo(json.dumps({"page": str(own.page)}) if as_json else f"page\t{own.page}")
    return 0


def _list(found: Examined, as_json: bool) -> None:
    listed: tuple[Candidate | ImageCandidate, ...] = (*found.candidates, *found.images)
    for one in listed:
        echo(_listed(one, as_json))
    for note in found.notes:
        echo(f"note: {note}", err=True)


def _begin(own: OwnSeries) -> None:
    echo(f"taken: {_words(own.taken)}", err=True)
    echo("processing: a minute or two …", err=True)


def _listed(one: Candidate | ImageCandidate, as_json: bool) -> str:
    edges = one.edges.removesuffix(" mm").replace(" ", "")
    usable = "yes" if one.is_usable else "no"
    why = "; ".join(one.why)
    if as_json:
        fields = (one.what, "kind", "size", "spacing_mm", "usable", "why")
        cells = (one.label, one.judged.kind.value, one.size, edges, one.is_usable, why)
        return json.dumps(dict(zip(fields, cells, strict=True)), ensure_ascii=False)
    return "\t".join((one.what, str(one.label), one.judged.kind.value, one.size, edges, usable, why))


def _number(one: Compared, as_json: bool) -> str:
    from allbrains.own.page import centile_text

    centile = centile_text(one) if one.centile else "none"
    value = None if math.isnan(one.value) else round(one.value, 4)
    if as_json:
        row = {"number": one.measure.column, "value": value, "centile": centile, "people": one.people}
        return json.dumps(row, ensure_ascii=False)
    return "\t".join(("number", one.measure.column, str(value), one.measure.unit, centile, str(one.people)))


def _words(taken: Taken) -> str:
    return f"{taken.what} {taken.label}: {'; '.join(taken.reasons)} ({taken.way})"


def _say(trouble: str) -> None:
    echo(trouble or "going on", err=True)
