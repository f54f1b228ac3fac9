"""Your own scan compared with a corpus: from a disc, an archive or a file to a sample and a page."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from allbrains.extras import needs
from allbrains.library.listening import Tell, ignore

if TYPE_CHECKING:
    from allbrains.dicom.choose_series import Candidate
    from allbrains.dicom.examine import Examined, Taken
    from allbrains.dicom.image_files import ImageCandidate
    from allbrains.own.compare import Compared, Subject
    from allbrains.own.process_own import Against
    from allbrains.records import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSeries:
    """The series that a path holds.

    Attributes:
        candidates: each with what it is and why it can or can't be used, in the scanner's order.
        images: image files, numbered after the series.
        notes: what was passed over, in words.
        taken: the one that goes on, with the reasons.
    """

    candidates: tuple[Candidate, ...]
    images: tuple[ImageCandidate, ...]
    notes: tuple[str, ...]
    taken: Taken


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnScan:
    """What became of an own scan.

    Attributes:
        outcome: ``Done``, or ``Rejected`` or ``Failed`` with the reason.
        page: an HTML file; written only where the outcome is ``Done``.
        numbers: of the scan, each with its place among the corpus' people where there is one.
        taken: the series that became the sample, with the reasons; None where none did.
        refused: why series that were tried before it were refused, sentence by sentence.
    """

    outcome: Outcome
    page: Path
    numbers: tuple[Compared, ...] = ()
    taken: Taken | None = None
    refused: tuple[str, ...] = ()


@needs("build", "dicom")
def list_series(
    path: str | Path,
    *,
    series: int | None = None,
    one_person: bool = False,
    listed: Callable[[Examined], None] = ignore,
) -> OwnSeries:
    """Return the series in a folder, file or archive, and which one ``scan`` would take.

    Args:
        path: DICOM, NIfTI, MGH or NRRD, in folders or archives of any depth.
        series: number of the one to take; None: the best T1w.
        one_person: all files are one person's, whatever they say.
        listed: called with what the path holds before one is chosen, which may end in a refusal.

    Raises:
        ConfigurationError: there is no such path; or an extra is missing.
        Unsuitable: no usable T1w, files of two people, or a damaged archive.

    Example:
        >>> allbrains.list_series("study/sub-01/anat/sub-01_T1w.nii.gz").taken.way
        'read as it is'
    """
    import pydicom  # noqa: F401  what holds no DICOM would be told before this is missed

    from allbrains.dicom.examine import examine, take
    from allbrains.own.private_files import private_workspace

    with private_workspace() as workspace:
        found = examine(Path(path), workspace)
        listed(found)
        taken = take(found, workspace, workspace / "image.nii", label=series, one_person=one_person)
    return _shown(found, taken)


def _shown(found: Examined, taken: Taken) -> OwnSeries:
    return OwnSeries(candidates=found.candidates, images=found.images, notes=found.notes, taken=taken)


@needs("build", "dicom")
def scan(
    path: str | Path,
    out: str | Path = "own-brain",
    *,
    corpus: str = "",
    series: int | None = None,
    one_person: bool = False,
    age_years: float | None = None,
    sex: str = "",
    recipe: str = "",
    harmonise: bool = False,
    keep_face: bool = False,
    listed: Callable[[Examined], None] = ignore,
    chosen: Callable[[OwnSeries], None] = ignore,
    trouble: Tell = ignore,
) -> OwnScan:
    """Process your own scan by the same steps as all others; write a page, a surface and a sample.

    Nothing leaves this machine. This is no diagnosis.

    Args:
        path: DICOM, NIfTI, MGH or NRRD, in folders or archives of any depth.
        out: folder for the result.
        corpus: folder or address of a corpus to compare with; empty: nothing is compared.
        series: number of the series to take; None: the best T1w, and if it doesn't look like one after
            processing, the next.
        one_person: all files are one person's, whatever they say.
        age_years: at the scan, where the files don't say.
        sex: ``female`` or ``male``, where the files don't say.
        recipe: name of a recipe, or a TOML file; empty: the corpus', else ``embedded``.
        harmonise: take the scanners' offsets out of the corpus first.
        keep_face: export the head with its face.
        listed: called with what the path holds before one is chosen, which may end in a refusal.
        chosen: called with the series before the steps begin, which take a minute or two.
        trouble: called with why a series is refused, and with what holds the steps up, a full disk; with an
            empty text when they go on.

    Raises:
        ConfigurationError: there is no such path; ``out`` holds another scan; or an extra is missing.
        Unsuitable: no usable T1w, files of two people, or a damaged archive.

    Example:
        >>> image = "study/sub-01/anat/sub-01_T1w.nii.gz"
        >>> own = allbrains.scan(image, "my-brain", sex="female", age_years=34)
        >>> own.page.exists(), {one.measure.column for one in own.numbers} >= {"gm_ml", "wm_ml"}
        (True, True)
    """
    import pydicom  # noqa: F401  what holds no DICOM would be told before this is missed

    from allbrains.dicom.examine import examine, shortlist
    from allbrains.own.private_files import private_workspace
    from allbrains.own.process_own import PAGE, tell
    from allbrains.own.try_in_turn import Hearing, NoneGood, try_in_turn
    from allbrains.run.slot.guard import SlotLimits

    out = Path(out)
    with private_workspace() as workspace:
        found = examine(Path(path), workspace)
        listed(found)
        choices = shortlist(found, label=series, one_person=one_person)
        named = recipe or _recipe_of(corpus)
        against = _against(corpus, named, harmonise)
        hearing = Hearing(begin=lambda taken: chosen(_shown(found, taken)), say=trouble)
        settled = try_in_turn(choices, workspace, out, recipe=named, limits=SlotLimits(), hearing=hearing)
        if isinstance(settled, NoneGood):
            return OwnScan(outcome=settled.outcome, page=out / PAGE, refused=settled.refused)
        subject = _subject(found, settled.taken, age_years, sex)
        page, numbers = tell(
            settled.image, out, subject=subject, against=against, taken=settled.taken, keep_face=keep_face
        )
    return OwnScan(
        outcome=settled.outcome, page=page, numbers=numbers, taken=settled.taken, refused=settled.refused
    )


def _subject(found: Examined, taken: Taken, age_years: float | None, sex: str) -> Subject:
    """Return age and sex: as the person says, else as the taken series does, else as all files do."""
    from allbrains.own.compare import Subject

    told = found.age_years if math.isnan(taken.age_years) else taken.age_years
    return Subject(age_years=told if age_years is None else age_years, sex=sex or taken.sex or found.sex)


def _recipe_of(corpus: str) -> str:
    """Return the corpus' own recipe where this installation has one of that name."""
    if not corpus:
        return "embedded"
    from allbrains import recipes
    from allbrains.load import open as open_corpus

    name = open_corpus(corpus, maps=[]).corpus.recipe
    return name if name in recipes.names() else "embedded"


def _against(corpus: str, recipe: str, harmonise: bool) -> Against:
    """Return the people of a corpus, where its numbers and the scan's are made alike."""
    from allbrains.load import open as open_corpus
    from allbrains.own.compare import MEASURES
    from allbrains.own.process_own import Against, same_recipe
    from allbrains.own.reference import people_of

    if not corpus:
        return Against(people=None, sentence="No corpus was given with --corpus, so nothing is compared.")
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
