"""What a series shows, and why we think so. Pure.

What the scanner measured with (echo, repetition, inversion times, b-values) goes before words in a
description, and those before geometry.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from allbrains.dicom.instances import Series


class SeriesKind(StrEnum):
    """Kinds of series."""

    T1W = "T1w"
    T2W = "T2w"
    FLAIR = "FLAIR"
    PROTON = "proton density"
    SUSCEPTIBILITY = "T2*/susceptibility"
    DIFFUSION = "diffusion"
    FUNCTIONAL = "functional"
    PERFUSION = "perfusion"
    ANGIOGRAPHY = "angiography"
    FIELD_MAP = "field map"
    LOCALISER = "localiser"
    DERIVED = "derived"
    REPORT = "report"
    SCREENSHOT = "screenshot"
    NOT_MR = "not MR"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A kind with its reasons; each is made of our own words and the file's numbers."""

    kind: SeriesKind
    reasons: tuple[str, ...]


_SCREEN_CLASS = "1.2.840.10008.5.1.4.1.1.7"  # secondary capture, and its multi-frame kinds below it
_REPORTS = frozenset({"SR", "PR", "KO", "DOC", "OT", "RTSTRUCT", "SEG", "REG", "FID", "PLAN"})
_DERIVED_TAGS = frozenset(
    {"MPR", "MIP", "MNIP", "PROJECTION IMAGE", "ADC", "FA", "TRACEW", "COLFA", "SUBTRACTION", "SUBTRACT"}
    | {"REFORMATTED", "RESAMPLED", "MEAN", "T_TEST", "POSDISP", "AVERAGE"}
)
_PARTS = frozenset({"P", "PHASE MAP", "PHASE", "R", "REAL", "I", "IMAGINARY", "B0 MAP", "T1 MAP"})


def judge(series: Series) -> Judged:
    """Return what a series shows."""
    for look in (_no_image, _made_later, _moving, _by_words_first, _by_times, _by_words):
        if found := look(series):
            return found
    return Judged(kind=SeriesKind.UNKNOWN, reasons=("neither times nor known words tell its contrast",))


def _judged(kind: SeriesKind, *reasons: str) -> Judged:
    return Judged(kind=kind, reasons=reasons)


def _no_image(series: Series) -> Judged | None:
    one = series.first
    if one.sop_class.startswith(_SCREEN_CLASS):
        return _judged(SeriesKind.SCREENSHOT, "its files are captures of a screen")
    if one.modality in _REPORTS or (not one.frames and one.modality != "MR"):
        return _judged(
            SeriesKind.REPORT, f"its modality is {one.modality}" if one.modality in _REPORTS else "no image"
        )
    if one.modality and one.modality != "MR":
        return _judged(SeriesKind.NOT_MR, "its modality is not MR")
    if one.colour:
        return _judged(SeriesKind.SCREENSHOT, "it is in colour")
    if not series.planes:
        return _judged(SeriesKind.REPORT, "it has no image")
    return None


def _made_later(series: Series) -> Judged | None:
    tags, words = series.tags, series.words
    if tags & {"LOCALIZER", "SCOUT"} or "localiser" in words:
        return _judged(SeriesKind.LOCALISER, "it is for planning the others")
    if "field map" in words:
        return _judged(SeriesKind.FIELD_MAP, "a known word says so")
    if tags & {"SCREEN SAVE", "SCREENSHOT"} or "screenshot" in words:
        return _judged(SeriesKind.SCREENSHOT, "it is a capture of a screen")
    if tags & _DERIVED_TAGS or words & {"derived", "map"}:
        return _judged(SeriesKind.DERIVED, "it was computed from other images")
    if tags & _PARTS:
        return _judged(SeriesKind.DERIVED, "it shows phase or another part of the signal")
    return None


def _moving(series: Series) -> Judged | None:
    planes, words = series.planes, series.words
    b_values = {round(plane.frame.b_value) for plane in planes}
    if max(b_values) > 0 or "DIFFUSION" in series.tags or "diffusion" in words:
        return _judged(
            SeriesKind.DIFFUSION, "it has b-values" if max(b_values) > 0 else "a known word says so"
        )
    places = {tuple(round(x, 1) for x in plane.frame.position or ()) for plane in planes}
    again = len(planes) / max(len(places), 1)
    if "perfusion" in words or "ASL" in series.tags:
        return _judged(SeriesKind.PERFUSION, "a known word says so")
    if "functional" in words:
        return _judged(SeriesKind.FUNCTIONAL, "a known word says so")
    if "MOSAIC" in series.tags:
        return _judged(SeriesKind.FUNCTIONAL, "its slices are tiles of one picture")
    if "EP" in series.first.sequence and again >= 10:
        return _judged(SeriesKind.FUNCTIONAL, "echo-planar, the same places again and again")
    return None


def _by_words_first(series: Series) -> Judged | None:
    """What times alone would mistake for something else."""
    if "angiography" in series.words:
        return _judged(SeriesKind.ANGIOGRAPHY, "a known word says so")
    if "t2star" in series.words:
        return _judged(SeriesKind.SUSCEPTIBILITY, "a known word says so")
    return None


def _by_times(series: Series) -> Judged | None:
    one = series.first
    te = min((p.frame.te_ms for p in series.planes if p.frame.te_ms > 0), default=0.0)
    tr, ti = one.tr_ms, one.ti_ms
    if not te or not tr:
        return None
    said = f"TE {te:.3g} ms, TR {tr:.4g} ms" + (f", TI {ti:.4g} ms" if ti else "")
    gradient = "GR" in one.sequence and "SE" not in one.sequence
    if gradient:
        if te < 12:
            contrast = tr < 50 or ti > 0 or "t1" in series.words
            return _judged(SeriesKind.T1W, f"gradient echo, {said}") if contrast else None
        return _judged(SeriesKind.SUSCEPTIBILITY, f"gradient echo, {said}")
    if te > 60:
        if 1500 <= ti <= 3500:
            return _judged(SeriesKind.FLAIR, said)
        return _judged(SeriesKind.T2W, said) if tr > 1000 else None
    if "SE" in one.sequence:
        return _judged(SeriesKind.T1W, said) if tr < 1200 else _judged(SeriesKind.PROTON, said)
    if 400 <= ti <= 1500 and te < 12:
        return _judged(SeriesKind.T1W, said)
    return None


def _by_words(series: Series) -> Judged | None:
    for word, kind in (
        ("flair", SeriesKind.FLAIR),
        ("t2", SeriesKind.T2W),
        ("pd", SeriesKind.PROTON),
        ("t1", SeriesKind.T1W),
        ("uniform", SeriesKind.T1W),
    ):
        if word in series.words:
            return _judged(kind, "a known word in its description says so")
    if "T1" in series.tags:
        return _judged(SeriesKind.T1W, "its image type says so")
    return None
