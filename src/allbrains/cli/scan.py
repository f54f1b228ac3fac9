"""``allbrains scan``: an own scan, from the disc of the hospital to a page."""

from __future__ import annotations

import json
import math
from pathlib import Path

import click

from allbrains import recipes
from allbrains.cli.options import json_option
from allbrains.dicom.choose_series import Candidate
from allbrains.dicom.examine import READ, Examined, Taken, examine, shortlist, take
from allbrains.dicom.image_files import ImageCandidate
from allbrains.own.compare import MEASURES, Compared, Subject
from allbrains.own.page import centile_text
from allbrains.own.private_files import private_workspace
from allbrains.own.process_own import Against, same_recipe, tell
from allbrains.own.reference import people_of
from allbrains.own.try_in_turn import NoneGood, try_in_turn
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
@click.option("--one-person", is_flag=True, help="All files are one person's, whatever they say.")
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
    one_person: bool,
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
    with private_workspace() as workspace:
        found = examine(path, workspace)
        _list(found, as_json)
        if dry_run:
            taken = take(found, workspace, workspace / "image.nii", label=series, one_person=one_person)
            click.echo(f"taken: {_words(taken)}", err=True)
            return 0
        choices = shortlist(found, label=series, one_person=one_person)
        named = recipe or _recipe_of(corpus)
        against = _against(corpus, named, harmonise)
        click.echo("processing: a minute or two …", err=True)
        settled = try_in_turn(choices, workspace, out, recipe=named, limits=SlotLimits(), say=_say)
        if isinstance(settled, NoneGood):
            click.echo("no series became a sample", err=True)
            return NOT_DONE
        taken = settled.taken
        click.echo(f"taken: {_words(taken)}", err=True)
        subject = _subject(found, taken, age, sex)
        page, numbers = tell(
            settled.image, out, subject=subject, against=against, taken=taken, keep_face=keep_face
        )
    for number in numbers:
        click.echo(_number(number, as_json))
    click.echo(json.dumps({"page": str(page)}) if as_json else f"page\t{page}")
    return 0


def _list(found: Examined, as_json: bool) -> None:
    listed: tuple[Candidate | ImageCandidate, ...] = (*found.candidates, *found.images)
    for one in listed:
        click.echo(_listed(one, as_json))
    for note in found.notes:
        click.echo(f"note: {note}", err=True)


def _subject(found: Examined, taken: Taken, age: float | None, sex: str | None) -> Subject:
    """Return age and sex: as the person says, else as the taken series does, else as all files do."""
    told = found.age_years if math.isnan(taken.age_years) else taken.age_years
    return Subject(age_years=told if age is None else age, sex=sex or taken.sex or found.sex)


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


def _listed(one: Candidate | ImageCandidate, as_json: bool) -> str:
    edges = one.edges.removesuffix(" mm").replace(" ", "")
    usable = "yes" if one.is_usable else "no"
    why = "; ".join(one.why)
    name = "image" if isinstance(one, ImageCandidate) else "series"
    if as_json:
        fields = (name, "kind", "size", "spacing_mm", "usable", "why")
        cells = (one.label, one.judged.kind.value, one.size, edges, one.is_usable, why)
        return json.dumps(dict(zip(fields, cells, strict=True)), ensure_ascii=False)
    return "\t".join((name, str(one.label), one.judged.kind.value, one.size, edges, usable, why))


def _number(one: Compared, as_json: bool) -> str:
    centile = centile_text(one) if one.centile else "none"
    value = None if math.isnan(one.value) else round(one.value, 4)
    if as_json:
        row = {"number": one.measure.column, "value": value, "centile": centile, "people": one.people}
        return json.dumps(row, ensure_ascii=False)
    return "\t".join(("number", one.measure.column, str(value), one.measure.unit, centile, str(one.people)))


def _words(taken: Taken) -> str:
    which = f"image {taken.label}" if taken.way == READ else f"series {taken.label}"
    return f"{which}: {'; '.join(taken.reasons)} ({taken.way})"


def _say(trouble: str) -> None:
    click.echo(trouble or "going on", err=True)
