"""What a series shows, and why we think so. Pure.

What the scanner measured with (echo, repetition, inversion times, flip angle, b-values) goes before words in
a description, and those before geometry. A name may deny what the times allow; it can't claim what they
exclude.

References:
    Ernst & Anderson 1966, Rev Sci Instrum 37:93: the flip angle of the largest signal; above it a spoiled
    gradient echo is weighted by T1, well below it by proton density.
    Marques et al. 2010, NeuroImage 49:1271: MP2RAGE, whose two inversion images are no T1w.
    Weiskopf et al. 2013, Front Neurosci 7:95: PD-, MT- and T1-weighted FLASH of multi-parameter maps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from allbrains.dicom.instances import Instance, Series


class SeriesKind(StrEnum):
    """Kinds of series."""

    T1W = "T1w"
    T2W = "T2w"
    FLAIR = "FLAIR"
    PROTON = "proton density"
    TRANSFER = "magnetisation transfer"
    SUSCEPTIBILITY = "T2*/susceptibility"
    INVERSION = "MP2RAGE inversion"
    DIFFUSION = "diffusion"
    FUNCTIONAL = "functional"
    PERFUSION = "perfusion"
    ANGIOGRAPHY = "angiography"
    FIELD_MAP = "field map"
    RECEIVE_FIELD = "receive field"
    LOCALISER = "localiser"
    DERIVED = "derived"
    ELSEWHERE = "not the head"
    REPORT = "report"
    SCREENSHOT = "screenshot"
    NOT_MR = "not MR"
    UNKNOWN = "unknown"


class Doubt(IntEnum):
    """How sure it is that a T1w is one."""

    NONE = 0  # prepared by an inversion, or by times and words together
    SOME = 1  # by times or by words alone
    MUCH = 2  # nothing speaks for it and nothing against


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A kind with its reasons; each is made of our own words and the file's numbers."""

    kind: SeriesKind
    reasons: tuple[str, ...]
    doubt: Doubt = Doubt.NONE


_SCREEN_CLASS = "1.2.840.10008.5.1.4.1.1.7"  # secondary capture, and its multi-frame kinds below it
_REPORTS = frozenset({"SR", "PR", "KO", "DOC", "OT", "RTSTRUCT", "SEG", "REG", "FID", "PLAN"})
_COMPUTED = frozenset(
    {"MIP", "MNIP", "PROJECTION IMAGE", "ADC", "FA", "TRACEW", "COLFA", "SUBTRACTION", "SUBTRACT"}
    | {"T_TEST", "POSDISP", "B0 MAP", "T1 MAP", "T2 MAP"}
)
REFORMATTED = frozenset({"MPR", "CSA MPR", "REFORMATTED", "RESAMPLED", "CSA RESAMPLED"})
_KNOWN_WORD = "a known word says so"
_T1_MS = 900.0  # of white matter at 3 T (Stanisz et al. 2005, MRM 54:507: 1,084; at 1.5 T: 884)
_T1_WEIGHTED, _PD_WEIGHTED = 1.3, 0.6  # flip angle over Ernst's: FLASH of multi-parameter maps 1.6 and 0.4
_SHORT_TR_MS = 15.0  # T1w of the makers 5 to 11; time of flight 18 and more
_MP2RAGE_TR_MS = 4000.0  # MPRAGE repeats after 1.4 to 3 s, MP2RAGE after 4 to 8
_LONGEST_TI_MS = 1600.0  # MPRAGE 600 to 1,300; the second image of MP2RAGE 2,200 and more
_LONGEST_TE_MS = 12.0


def judge(series: Series, others: Sequence[Series] = ()) -> Judged:
    """Return what a series shows.

    Args:
        series: what is judged.
        others: the rest of the examination: further echoes and inversion times of the same scan are there.
    """
    for look in (_no_image, _made_later, _moving, _denied_by_words):
        if found := look(series):
            return found
    family = [series, *(other for other in others if _same_scan(series, other))]
    for see in (_by_inversions, _by_echoes, _by_gradient_echo, _by_spin_echo):
        if found := see(series, family):
            return found
    return _by_words(series) or Judged(
        kind=SeriesKind.UNKNOWN,
        reasons=("neither times nor known words tell its contrast",),
        doubt=Doubt.MUCH,
    )


def _judged(kind: SeriesKind, *reasons: str, doubt: Doubt = Doubt.NONE) -> Judged:
    return Judged(kind=kind, reasons=reasons, doubt=doubt)


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
        return _judged(SeriesKind.FIELD_MAP, _KNOWN_WORD)
    if "receive field" in words and "t1" not in words:
        return _judged(SeriesKind.RECEIVE_FIELD, f"{_KNOWN_WORD}: it measures the coils, not the brain")
    if tags & {"SCREEN SAVE", "SCREENSHOT"} or "screenshot" in words:
        return _judged(SeriesKind.SCREENSHOT, "it is a capture of a screen")
    if tags & _COMPUTED or words & {"derived", "map"}:
        return _judged(SeriesKind.DERIVED, "it was computed from other images")
    if all(plane.frame.part in ("P", "R", "I") for plane in series.planes):
        return _judged(SeriesKind.DERIVED, "it shows phase or another part of the signal")
    return None


def _moving(series: Series) -> Judged | None:
    planes, words = series.planes, series.words
    b_values = {round(plane.frame.b_value) for plane in planes}
    if max(b_values) > 0 or "DIFFUSION" in series.tags or "diffusion" in words:
        return _judged(SeriesKind.DIFFUSION, "it has b-values" if max(b_values) > 0 else _KNOWN_WORD)
    places = {tuple(round(x, 1) for x in plane.frame.position or ()) for plane in planes}
    again = len(planes) / max(len(places), 1)
    if "perfusion" in words or "ASL" in series.tags:
        return _judged(SeriesKind.PERFUSION, _KNOWN_WORD)
    if "functional" in words:
        return _judged(SeriesKind.FUNCTIONAL, _KNOWN_WORD)
    if "MOSAIC" in series.tags:
        return _judged(SeriesKind.FUNCTIONAL, "its slices are tiles of one picture")
    if "EP" in series.first.sequence and again >= 10:
        return _judged(SeriesKind.FUNCTIONAL, "echo-planar, the same places again and again")
    return None


def _denied_by_words(series: Series) -> Judged | None:
    """What times alone would mistake for a T1w."""
    one, words = series.first, series.words
    if one.angiography or "angiography" in words:
        return _judged(SeriesKind.ANGIOGRAPHY, "the scanner says so" if one.angiography else _KNOWN_WORD)
    if "t2star" in words:
        return _judged(SeriesKind.SUSCEPTIBILITY, _KNOWN_WORD)
    if "balanced" in words:
        return _judged(SeriesKind.T2W, f"{_KNOWN_WORD}: balanced steady state")
    if _is_gradient_echo(one) and (one.transfer or "MTC" in one.variant or "transfer" in words):
        return _judged(SeriesKind.TRANSFER, "gradient echo with magnetisation transfer")
    if one.region in ("spine", "elsewhere"):
        return _judged(
            SeriesKind.ELSEWHERE,
            "it shows the spine or the neck"
            if one.region == "spine"
            else "it shows another part of the body",
        )
    return None


def _same_scan(one: Series, other: Series) -> bool:
    """Return whether two series may be echoes or inversions of one scan: nothing else differs."""
    a, b = one.first, other.first
    if one.label == other.label or not (a.frames and b.frames):
        return False
    return (
        (a.study, a.modality, a.rows, a.columns, a.sequence)
        == (b.study, b.modality, b.rows, b.columns, b.sequence)
        and math.isclose(a.tr_ms, b.tr_ms, rel_tol=1e-3)
        and math.isclose(a.flip_deg, b.flip_deg, rel_tol=0.3, abs_tol=0.1)  # MP2RAGE may have two
        and a.frames[0].spacing == b.frames[0].spacing
    )


def _times(series: Series) -> tuple[float, float, float]:
    """Return the shortest echo time, the repetition and the inversion time, ms; 0 where unknown."""
    te = min((p.frame.te_ms for p in series.planes if p.frame.te_ms > 0), default=0.0)
    return te, series.first.tr_ms, series.first.ti_ms


def _said(series: Series) -> str:
    te, tr, ti = _times(series)
    said = f"TE {te:.3g} ms, TR {tr:.4g} ms" + (f", TI {ti:.4g} ms" if ti else "")
    return said + (f", {flip:g}°" if (flip := series.first.flip_deg) else "")


def _is_gradient_echo(one: Instance) -> bool:
    if "SE" in one.sequence:
        return False
    return "GR" in one.sequence or 0 < one.tr_ms < 50


def _is_prepared(series: Series) -> bool:
    one = series.first
    return one.ti_ms > 0 or "MP" in one.variant or "IR" in one.sequence or "prepared" in series.words


def _by_inversions(series: Series, family: Sequence[Series]) -> Judged | None:
    """The images of an MP2RAGE: of them only the uniform one is a T1w."""
    if series.tags & {"UNI", "UNI-DEN", "UNIFORM"}:
        return _judged(SeriesKind.T1W, "the uniform image of an MP2RAGE, by its image type")
    if "inversion" in series.words:
        return _judged(SeriesKind.INVERSION, f"{_KNOWN_WORD}: one of the two inversion images")
    if "uniform" in series.words:
        return _judged(SeriesKind.T1W, "the uniform image of an MP2RAGE, by a known word")
    if not _is_gradient_echo(series.first) or not series.first.ti_ms:
        return None
    inversions = {round(one.first.ti_ms) for one in family if one.first.ti_ms}
    if series.first.tr_ms >= _MP2RAGE_TR_MS or (len(inversions) > 1 and max(inversions) > _LONGEST_TI_MS):
        return _judged(
            SeriesKind.INVERSION, f"gradient echo as an MP2RAGE's inversion images, {_said(series)}"
        )
    return None


def _by_echoes(series: Series, family: Sequence[Series]) -> Judged | None:
    """Several echoes of a gradient echo without preparation, as for susceptibility."""
    if not _is_gradient_echo(series.first) or _is_prepared(series):
        return None
    echoes = {round(p.frame.te_ms, 1) for one in family for p in one.planes if p.frame.te_ms > 0}
    if len(echoes) < 2 or ("t1" in series.words and _weighting(series.first) >= _T1_WEIGHTED):
        return None
    return _judged(SeriesKind.SUSCEPTIBILITY, f"gradient echo with {len(echoes)} echoes, {_said(series)}")


def _weighting(one: Instance) -> float:
    """Return the flip angle over Ernst's for white matter; NaN where it isn't known."""
    if not one.flip_deg or not one.tr_ms:
        return math.nan
    return one.flip_deg / math.degrees(math.acos(math.exp(-one.tr_ms / _T1_MS)))


def _by_gradient_echo(series: Series, _: Sequence[Series]) -> Judged | None:
    (te, tr, ti), words = _times(series), series.words
    if not te or not tr or not _is_gradient_echo(series.first):
        return None
    said = f"gradient echo, {_said(series)}"
    if te >= _LONGEST_TE_MS:
        return _judged(SeriesKind.SUSCEPTIBILITY, said)
    if "pd" in words:
        return _judged(SeriesKind.PROTON, f"{said}; {_KNOWN_WORD}")
    if _is_prepared(series):
        if ti > _LONGEST_TI_MS:
            return _judged(SeriesKind.UNKNOWN, f"{said}: too long an inversion for a T1w", doubt=Doubt.MUCH)
        return _judged(SeriesKind.T1W, said)
    return _spoiled(series, said)


def _spoiled(series: Series, said: str) -> Judged | None:
    """A gradient echo without preparation: its flip angle decides."""
    weighting, told = _weighting(series.first), "t1" in series.words
    tr = series.first.tr_ms
    if weighting < _PD_WEIGHTED:
        return _judged(SeriesKind.PROTON, f"{said}: too small a flip angle for a T1w")
    if told and tr < 50:
        sure = weighting >= _T1_WEIGHTED
        return _judged(SeriesKind.T1W, f"{said}; {_KNOWN_WORD}", doubt=Doubt.NONE if sure else Doubt.SOME)
    if told:
        return _judged(SeriesKind.T1W, f"{said}; {_KNOWN_WORD}", doubt=Doubt.SOME)
    if tr < _SHORT_TR_MS:
        return _judged(SeriesKind.T1W, said, doubt=Doubt.SOME)
    if tr < 50:
        why = f"{said}: these times fit a T1w, proton density and vessels"
        return _judged(SeriesKind.UNKNOWN, why, doubt=Doubt.MUCH)
    return None


def _by_spin_echo(series: Series, _: Sequence[Series]) -> Judged | None:
    te, tr, ti = _times(series)
    if not te or not tr or _is_gradient_echo(series.first):
        return None
    said = _said(series)
    if te > 60:
        if 1500 <= ti <= 3500:
            return _judged(SeriesKind.FLAIR, said)
        return _judged(SeriesKind.T2W, said) if tr > 1000 else None
    if "SE" in series.first.sequence:
        t1_flair = 500 <= ti <= 1300 and te < 30
        weighted = tr < 1200 or t1_flair
        return (
            _judged(SeriesKind.T1W, said, doubt=Doubt.SOME) if weighted else _judged(SeriesKind.PROTON, said)
        )
    if 400 <= ti <= 1500 and te < _LONGEST_TE_MS:
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
            return _judged(kind, "a known word in its description says so", doubt=Doubt.SOME)
    if "T1" in series.tags:
        return _judged(SeriesKind.T1W, "its image type says so", doubt=Doubt.SOME)
    return None
