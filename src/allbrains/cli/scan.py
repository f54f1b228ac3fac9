"""``allbrains scan``: an own scan, from the disc of the hospital to a page."""

from __future__ import annotations

import json
import math
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from allbrains import recipes
from allbrains.cli.options import json_option
from allbrains.dicom.choose_series import Candidate
from allbrains.dicom.examine import Examined, Taken, examine, take
from allbrains.own.compare import MEASURES, Compared, Subject
from allbrains.own.page import centile_text
from allbrains.own.process_own import Against, process, same_recipe, tell
from allbrains.own.reference import people_of
from allbrains.records import Done, Rejected
from allbrains.run.slot.guard import SlotLimits

NOT_DONE = 3


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--corpus", metavar="OUT", help="Folder or address (hf://…, https://…) to compare with.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("own-brain"),
    show_default=True,
    metavar="DIR",
    help="Folder for the result.",
)
@click.option("--series", type=int, help="Take this series instead of the best T1w; numbers: --dry-run.")
@click.option("--age", type=click.FloatRange(0, 120), help="Years at the scan, where the files don't say.")
@click.option("--sex", type=click.Choice(["female", "male"]), help="Where the files don't say.")
@click.option("--recipe", help="Name of a recipe, or a TOML file. Default: the corpus', else embedded.")
@click.option("--harmonise", is_flag=True, help="Take the scanners' offsets out of the corpus first.")
@click.option("--keep-face", is_flag=True, help="Export the head with its face.")
@click.option("--dry-run", is_flag=True, help="List the series and the choice, process nothing.")
@json_option
def command(
    *,
    path: Path,
    corpus: str | None,
    out: Path,
    series: int | None,
    age: float | None,
    sex: str | None,
    recipe: str | None,
    harmonise: bool,
    keep_face: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Place your own scan beside everybody else's: PATH is a folder, a file or an archive of anything.

    Lists the series in PATH, takes the best T1-weighted one, puts it through the same steps as every other
    scan, and writes a page (brain.html), a surface for a printer (brain.stl) and a sample to --out. Nothing
    leaves this machine. This is no diagnosis.
    """
    with TemporaryDirectory(prefix="allbrains-scan-") as folder:
        workspace, image = Path(folder), Path(folder) / "image.nii"
        found = examine(path, workspace)
        for one in found.candidates:
            click.echo(_listed(one, as_json))
        taken = take(found, workspace, image, label=series)
        click.echo(f"taken: {_words(taken)}", err=True)
        if dry_run:
            return 0
        named = recipe or _recipe_of(corpus)
        against = _against(corpus, named, harmonise)
        subject = _subject(found, age, sex)
        click.echo("processing: a minute or two …", err=True)
        outcome = process(image, out, recipe=named, limits=SlotLimits(), say=_say)
        if not isinstance(outcome, Done):
            cause = outcome.reason if isinstance(outcome, Rejected) else outcome.cause
            click.echo(f"the scan can't be used: {cause}: {outcome.detail}", err=True)
            return NOT_DONE
        page, numbers = tell(image, out, subject=subject, against=against, taken=taken, keep_face=keep_face)
    for number in numbers:
        click.echo(_number(number, as_json))
    click.echo(json.dumps({"page": str(page)}) if as_json else f"page\t{page}")
    return 0


def _subject(found: Examined, age: float | None, sex: str | None) -> Subject:
    return Subject(age_years=found.age_years if age is None else age, sex=found.sex if sex is None else sex)


def _recipe_of(corpus: str | None) -> str:
    """Return the corpus' own recipe where this installation has one of that name."""
    if corpus is None:
        return "embedded"
    from allbrains.load import open as open_corpus

    name = open_corpus(corpus, maps=[]).corpus.recipe
    return name if name in recipes.names() else "embedded"


def _against(corpus: str | None, recipe: str, harmonise: bool) -> Against:
    if corpus is None:
        return Against(people=None, sentence="No corpus was given with --corpus, so nothing is compared.")
    from allbrains.load import open as open_corpus

    brains = open_corpus(corpus, maps=[])
    if not same_recipe(recipe, brains.corpus.fingerprint):
        sentence = (
            f"The corpus was made by another recipe ({brains.corpus.recipe} {brains.corpus.fingerprint}), "
            "so its numbers are not comparable."
        )
        return Against(people=None, sentence=sentence)
    people = people_of(brains.table, tuple(measure.column for measure in MEASURES))
    sentence = (
        f"Compared with {len(people):,} people of {len(set(people.sites)):,} datasets, one good scan each, "
        "patients left out."
    )
    return Against(people=people, sentence=sentence, with_sites=harmonise)


def _listed(one: Candidate, as_json: bool) -> str:
    planes = one.series.planes
    size = f"{one.series.first.columns}×{one.series.first.rows}×{len(planes)}" if planes else "-"
    edges = "×".join(f"{mm:.2f}" for mm in one.volume.spacing) if one.volume else "-"
    usable = "yes" if one.is_usable else "no"
    why = "; ".join(one.why)
    if as_json:
        fields = ("series", "kind", "size", "spacing_mm", "usable", "why")
        cells = (one.series.label, one.judged.kind.value, size, edges, one.is_usable, why)
        return json.dumps(dict(zip(fields, cells, strict=True)), ensure_ascii=False)
    return "\t".join(("series", str(one.series.label), one.judged.kind.value, size, edges, usable, why))


def _number(one: Compared, as_json: bool) -> str:
    centile = centile_text(one) if one.centile else "none"
    value = None if math.isnan(one.value) else round(one.value, 4)
    if as_json:
        row = {"number": one.measure.column, "value": value, "centile": centile, "people": one.people}
        return json.dumps(row, ensure_ascii=False)
    return "\t".join(("number", one.measure.column, str(value), one.measure.unit, centile, str(one.people)))


def _words(taken: Taken) -> str:
    which = f"series {taken.label}" if taken.label else "the image"
    return f"{which}: {'; '.join(taken.reasons)} ({taken.way})"


def _say(trouble: str) -> None:
    click.echo(trouble or "going on", err=True)
