"""Try the series that may be the T1w, best first, until one looks like a T1w head after processing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from allbrains.dicom.examine import Taken, ToTry, write_choice
from allbrains.dicom.refusal import Unsuitable
from allbrains.errors import ConfigurationError, Reason
from allbrains.files import publishing
from allbrains.limits import REASONS
from allbrains.load import open as open_corpus
from allbrains.own.page_text import QUALITY
from allbrains.own.private_files import make_private
from allbrains.own.process_own import Say, process, scan_of
from allbrains.records import Done, Failed, Outcome, Rejected
from allbrains.run.slot.guard import SlotLimits
from allbrains.store.layout import Layout
from allbrains.store.ledger import Ledger

REFUSED = "refused_series.json"
# limits that a T1w of a head keeps however poor it is: by these a T2w, a neck or a phantom is known
LOOKS_LIKE_ONE = ("mask_sphericity", "wm_to_gm_affine", "template_correlation_affine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The series that was processed and looks like a T1w head.

    Attributes:
        image: the clean image.
        taken: which series and why, with those that were refused before it.
        outcome: of its processing.
        refused: why those before it were refused, sentence by sentence.
    """

    image: Path
    taken: Taken
    outcome: Done
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoneGood:
    """No series became a sample.

    Attributes:
        outcome: of the first that was processed.
        refused: why each was refused, sentence by sentence.
    """

    outcome: Rejected | Failed
    refused: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """Callbacks for progress.

    Attributes:
        begin: called with the first choice that is processed, before it is.
        say: hears of each that is refused, and of pauses.
    """

    begin: Callable[[Taken], None]
    say: Say


def try_in_turn(
    choices: list[ToTry], workspace: Path, out: Path, *, recipe: str, limits: SlotLimits, hearing: Hearing
) -> Settled | NoneGood:
    """Process the choices one by one; the first that looks like a T1w head becomes the sample in ``out``.

    Args:
        choices: best first.
        workspace: a private folder.
        out: only what is good comes here. A choice with a sample there already is not processed again.
        recipe: name or TOML file.
        limits: of the processing.
        hearing: the callbacks for progress.

    Raises:
        ConfigurationError: ``out`` holds another scan, or the recipe can't run here.
        Unsuitable: no choice can be converted.
    """
    held, known = _held(out), _known(out)
    refused: dict[str, str] = {}
    told: list[str] = []
    bad: list[Rejected | Failed] = []
    faults: list[Unsuitable] = []
    for number, choice in enumerate(choices):
        image = workspace / f"image-{number}.nii"
        try:
            taken = write_choice(choice, workspace, image)
        except Unsuitable as error:
            faults.append(error)
            told.append(_tell(choice, f"it can't be used: {error.sentence}", hearing))
            continue
        if not bad:
            hearing.begin(taken)
        key = scan_of(image).scan_id
        if held and key not in held and key not in known:
            raise ConfigurationError(f"{out} holds another scan already: use another --out")
        trial = out if key in held else workspace / f"trial-{number}"
        if held and key in known:
            outcome: Outcome = Rejected(reason=Reason.WRONG_CONTRAST, detail=known[key])
        else:
            outcome = _judged(process(image, trial, recipe=recipe, limits=limits, say=hearing.say), trial)
        if isinstance(outcome, Done):
            _move(trial, out, refused)
            taken = replace(taken, reasons=(*taken.reasons, *told))
            return Settled(image=image, taken=taken, outcome=outcome, refused=tuple(told))
        image.unlink()
        bad.append(outcome)
        refused[key] = outcome.detail
        told.append(_tell(choice, f"it was refused: {outcome.detail}", hearing))
    if not bad:
        raise faults[0]
    return NoneGood(outcome=bad[0], refused=tuple(told))


def _tell(choice: ToTry, why: str, hearing: Hearing) -> str:
    sentence = f"{choice.candidate.what} {choice.candidate.label} was tried first, and {why}"
    hearing.say(sentence)
    return sentence


def _judged(outcome: Outcome, corpus: Path) -> Done | Rejected | Failed:
    """Return the outcome; a rejection where the sample doesn't look like a T1w head, however poor it is."""
    if not isinstance(outcome, Done):
        return outcome
    (brain,) = open_corpus(corpus)
    faults = [name for name in brain.row[REASONS].split(", ") if name in LOOKS_LIKE_ONE]
    if not faults:
        return outcome
    said = " ".join(QUALITY[name] for name in faults)
    return Rejected(
        reason=Reason.WRONG_CONTRAST,
        detail=f"it doesn't look like a T1w of a head: {said}",
        costs=outcome.costs,
    )


def _held(out: Path) -> set[str]:
    layout = Layout(out)
    if not layout.ledger.exists():
        return set()
    with Ledger.open(layout.ledger) as ledger:
        return {member.scan.scan_id for member in ledger.members()}


def _known(out: Path) -> Mapping[str, str]:
    """Return the scans that an earlier call refused, and why."""
    try:
        found = json.loads((out / REFUSED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(why) for key, why in found.items()} if isinstance(found, dict) else {}


def _move(trial: Path, out: Path, refused: Mapping[str, str]) -> None:
    """Bring a corpus of one scan to its place: the ledger last, so that a half-moved one is none."""
    if trial == out:
        return
    make_private(out)
    if refused:
        with publishing(out / REFUSED) as temporary:
            temporary.write_text(json.dumps(dict(refused), ensure_ascii=False), encoding="utf-8")
    ledger = Layout(trial).ledger.name
    for entry in sorted(trial.iterdir(), key=lambda path: path.name.startswith(ledger)):
        if entry.is_dir():
            shutil.copytree(entry, out / entry.name, dirs_exist_ok=True)
        else:
            shutil.move(entry, os.fspath(out / entry.name))
    shutil.rmtree(trial)
