"""What an image's name says it is, beside its suffix: a whole head as scanned, or something else. Pure.

A name that ends in ``_T1w`` may still be an output of a pipeline, the phase of a signal, one inversion of an
MP2RAGE, a picture for planning, or another part of the body. None of 8,045 listed raw T1w of OpenNeuro has
one of the names that are told apart here (`docs/concepts/catalogue.md`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from allbrains import bids
from allbrains.sources.snapshot import Exclusion

# Entities of BIDS derivatives (BIDS 1.11.1, "Derivatives"): raw data have none of them.
_OF_DERIVATIVES = frozenset({"desc", "space", "res", "den", "atlas", "label", "seg", "hemi"})
_SIGNAL_PARTS = frozenset({"phase", "real", "imag"})  # of a complex signal; ``mag`` is the image itself
_INVERSION = re.compile(r"inv(?:ersion)?[0-9]+\Z", re.IGNORECASE)
_FOR_PLANNING = re.compile(
    r"(?:locs?|[0-9]?(?:plane)?locali[sz]ers?|(?:aa|aahead)?scouts?|surveys?|plan(?:scan|ning))[0-9]*\Z",
    re.IGNORECASE,
)
_OTHER_BODY = re.compile(
    r"(?:(?:whole)?[ctl]?spine|spinal(?:cord)?|[ctl]cord|cervical|thoracic|lumbar|necks?|thighs?|knees?"
    r"|legs?|calf|calves|hips?|pelvis|abdomen|abdominal|livers?|kidneys?|hearts?|cardiac|chest|lungs?|breasts?"
    r"|shoulders?|arms?|forearms?|wrists?|hands?|foot|feet|ankles?|tongue|larynx|prostate|uterus"
    r"|wholebody)[0-9]*\Z",
    re.IGNORECASE,
)
# entities whose labels are free words; ``loc`` is no BIDS entity and is met all the same
_FREE = ("acq", "loc", "chunk", "body", "part")
_ACCESSION = re.compile(r"ds\d{6}(?!\d)")

# Suffixes as they are misspelt, and formats that BIDS doesn't take: told, not read.
MISSPELT_SUFFIXES = ("t1w", "T1W", "T1")
OTHER_FORMATS = (".mgz", ".mgh", ".img", ".img.gz", ".nrrd", ".NII.GZ", ".NII", ".nii.GZ", ".Nii.gz")


def not_a_raw_head(parts: bids.BidsPath) -> tuple[Exclusion, str] | None:
    """Return what else than a whole head's raw image a name says it is, with the evidence."""
    for key, label in parts.entities:
        said = f"{key}-{label} in its name"
        if key in _OF_DERIVATIVES:
            return Exclusion.DERIVATIVE, said
        if key == "inv" or (key in _FREE and _INVERSION.match(label)):
            return Exclusion.INVERSION, said
        if key not in _FREE:
            continue
        if label.lower() in _SIGNAL_PARTS:
            return Exclusion.SIGNAL_PART, said
        if _FOR_PLANNING.match(label):
            return Exclusion.LOCALISER, said
        if _OTHER_BODY.match(label):
            return Exclusion.OTHER_BODY, said
    return None


def misspelt(path: str, suffixes: tuple[str, ...]) -> str:
    """Return what is wrong with a name that only nearly ends as a scan's does; empty where it doesn't.

    Args:
        path: of a file in a dataset.
        suffixes: BIDS suffixes that count.
    """
    stem, dot, extension = path.rpartition("/")[2].partition(".")
    suffix = stem.rpartition("_")[2]
    extension = dot + extension
    if not _is_near(suffix, suffixes):
        return ""
    if extension in bids.IMAGE_EXTENSIONS:
        meant = _meant(suffix, suffixes)
        return "" if suffix == meant else f"the suffix is {suffix}, and BIDS' is {meant}"
    if extension in OTHER_FORMATS:
        return f"the extension is {extension}, and BIDS' are {' and '.join(bids.IMAGE_EXTENSIONS)}"
    return ""


def source_on_openneuro(dataset: str, described: Mapping[str, Any]) -> str:
    """Return the accession that a derivative dataset names as its source; empty where it names none.

    Args:
        dataset: its own accession, which doesn't count.
        described: its dataset_description.json.
    """
    sources = described.get("SourceDatasets")
    texts = [
        value
        for source in (sources if isinstance(sources, list) else [])
        if isinstance(source, dict)
        for value in source.values()
        if isinstance(value, str)
    ]
    found = [name for text in texts for name in _ACCESSION.findall(text)]
    return next((name for name in found if name != dataset), "")


def preference(entities: Mapping[str, str]) -> tuple[int, int, str, tuple[int, str], tuple[int, str]]:
    """Return a key that sorts the images of one person and session, best first.

    Without contrast agent before with; the scanner's normalised reconstruction before a plain one, before any
    other, before the one that says it is not normalised; then by acquisition, the first echo, the first run.
    """
    rec = entities.get("rec", "").lower()
    kind = 0 if rec == "norm" else 1 if not rec else 3 if rec.startswith(("nonorm", "unnorm")) else 2
    contrast = int("ce" in entities)
    echo, run = (_counted(entities.get(key, "")) for key in ("echo", "run"))
    return contrast, kind, entities.get("acq", ""), echo, run


def _counted(label: str) -> tuple[int, str]:
    digits = re.match(r"\d{1,9}", label)
    return (int(digits[0]) if digits else 0, label)


def _is_near(suffix: str, suffixes: tuple[str, ...]) -> bool:
    return suffix in suffixes or ("T1w" in suffixes and suffix in MISSPELT_SUFFIXES)


def _meant(suffix: str, suffixes: tuple[str, ...]) -> str:
    return (
        suffix
        if suffix in suffixes
        else next(one for one in suffixes if one.lower().startswith(suffix.lower()))
    )
