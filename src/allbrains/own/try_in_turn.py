"""Try the series that may be the T1w, best first, until one looks like a T1w head after processing."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from allbrains.dicom.examine import Taken, ToTry, write_choice
from allbrains.dicom.image_files import ImageCandidate
from allbrains.dicom.refusal import Unsuitable
from allbrains.errors import ConfigurationError
from allbrains.files import publishing
from allbrains.limits import REASONS
from allbrains.load import open as open_corpus
from allbrains.own.page_text import QUALITY
from allbrains.own.private_files import make_private
from allbrains.own.process_own import Say, process, scan_of
from allbrains.records import Done, Outcome, Rejected
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
    """

    image: Path
    taken: Taken


@dataclass(frozen=True, slots=True, kw_only=True)
class NoneGood:
    """No series became a sample.

    Attributes:
        sentences: why, series by series.
    """

    sentences: tuple[str, ...]


def try_in_turn(
    choices: list[ToTry], workspace: Path, out: Path, *, recipe: str, limits: SlotLimits, say: Say
) -> Settled | NoneGood:
    """Process the choices one by one; the first that looks like a T1w head becomes the sample in ``out``.

    Args:
        choices: best first.
        workspace: a private folder.
        out: only what is good comes here. A choice whose sample is there already is not processed again.
        recipe: name or TOML file.
        limits: of the processing.
        say: hears of each series that is refused, and of pauses.

    Raises:
        ConfigurationError: ``out`` holds another scan, or the recipe can't run here.
        Unsuitable: the only choice can't be converted.
    """
    held, known = _held(out), _known(out)
    refused: dict[str, str] = {}
    told: list[str] = []
    for number, choice in enumerate(choices):
        image = workspace / f"image-{number}.nii"
        try:
            taken = write_choice(choice, workspace, image)
        except Unsuitable as error:
            if len(choices) == 1:
                raise
            told.append(_tell(choice, f"it can't be used: {error.sentence}", say))
            continue
        key = scan_of(image).scan_id
        why = known.get(key, "") if held else ""
        if held and key not in held and not why:
            raise ConfigurationError(f"{out} holds another scan already: use another --out")
        if not why:
            trial = out if key in held else workspace / f"trial-{number}"
            outcome = process(image, trial, recipe=recipe, limits=limits, say=say)
            why = _why_not(outcome, trial)
            if not why:
                _move(trial, out, refused)
                return Settled(image=image, taken=replace(taken, reasons=(*taken.reasons, *told)))
        image.unlink()
        refused[key] = why
        told.append(_tell(choice, why, say))
    return NoneGood(sentences=tuple(told))


def _tell(choice: ToTry, why: str, say: Say) -> str:
    name = "image" if isinstance(choice.candidate, ImageCandidate) else "series"
    sentence = f"{name} {choice.candidate.label} was tried first, and {why}"
    say(sentence)
    return sentence


def _why_not(outcome: Outcome, corpus: Path) -> str:
    """Return why a processed scan is no T1w head; empty where it looks like one, however poor it is."""
    if isinstance(outcome, Rejected):
        return f"it was refused: {outcome.reason}: {outcome.detail}"
    if not isinstance(outcome, Done):
        return f"its processing failed: {outcome.cause}: {outcome.detail}"
    (brain,) = open_corpus(corpus)
    faults = [name for name in brain.row[REASONS].split(", ") if name in LOOKS_LIKE_ONE]
    said = " ".join(QUALITY[name] for name in faults)
    return f"it doesn't look like a T1w of a head: {said}" if faults else ""


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
