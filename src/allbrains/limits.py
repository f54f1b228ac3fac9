"""Quality limits of a sample's numbers, all in one place, and the verdict. Pure.

The verdict is computed when a corpus is opened and never stored, so moving a limit needs no rebuild and
deletes nothing. How each limit was found: ``docs/how-to/qc.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

import numpy as np
import pyarrow as pa

from allbrains.errors import ConfigurationError
from allbrains.rejection import GIVEN, MEDIAN, PROBABILITY, SPREAD, model, with_rejection

Limits = Mapping[str, tuple[float, float]]
Vector = np.ndarray[tuple[int], np.dtype[np.float64]]
_INF = float("inf")

PASS, REASONS = "qc_pass", "qc_reasons"

# column → lowest and highest value that passes, both included
LIMITS: Limits = {
    # the header: where one of these is 1, nobody knows which side is left or how long a voxel is
    "orientation_unknown": (0.0, 0.0),
    "side_unknown": (0.0, 0.0),
    "spacing_unknown": (0.0, 0.0),
    "header_axes_conflict": (0.0, 0.0),
    "header_axes_wrong": (0.0, 0.0),
    "orientation_margin": (0.0, _INF),
    # the scan
    "spacing_max_mm": (0.0, 2.5),
    "fwhm_anisotropy": (0.0, 1.6),
    "cut_by_fov": (0.0, 0.01),
    "brain_outside_fov": (0.0, 0.01),
    "cut_by_void": (0.0, 0.01),
    "non_finite_in_brain": (0.0, 0.01),
    # is it a brain, and was it found
    "brain_mask_ml": (900.0, 2150.0),  # of people of unknown age; see BRAIN_ML_BY_AGE
    "affine_anisotropy": (1.0, 1.22),
    "affine_turn_deg": (0.0, 60.0),
    "mask_sphericity": (0.75, 0.95),
    "wm_to_gm_affine": (1.05, _INF),
    "template_correlation_affine": (0.45, 1.0),
    "template_correlation": (0.65, 1.0),
    "template_mask_dice": (0.94, 1.0),
    "folded_fraction": (0.0, 0.001),
    "left_right_ratio": (0.85, 1.18),
    "left_right_correlation": (0.55, 1.0),
    # can its tissues be told apart, and would an expert take it
    PROBABILITY: (0.0, model().limit),
    "cjv": (0.0, 0.8),
    "csf_fraction": (0.02, 0.5),
    "gm_fraction": (0.25, 0.7),
    "wm_fraction": (0.2, 0.6),
}

MADE = (*GIVEN, PASS, REASONS)  # columns that ``judged`` adds: no table has them before
READ = frozenset({*LIMITS, SPREAD, MEDIAN})  # numbers that it reads

# Age in years below which a row holds → lowest and highest volume of the mask, ml. Masks of adults:
# 1,091 to 1,956. At 3 weeks a brain has 36 % of its adult volume, at one year 72, at two 83 (Knickmeyer and
# others 2008, J Neurosci 28:12176); around these, as much room as adults have around theirs.
BRAIN_ML_BY_AGE = (
    (1.0, (300.0, 1500.0)),
    (2.0, (650.0, 1750.0)),
    (6.0, (800.0, 1950.0)),
    (_INF, (950.0, 2150.0)),
)
_BRAIN_ML, _AGE = "brain_mask_ml", "age_years"


def moved(changes: Limits) -> Limits:
    """Return the default limits with some replaced or added."""
    return {**LIMITS, **changes}


def verdict(table: pa.Table, limits: Limits = LIMITS) -> tuple[pa.Array, pa.Array]:
    """Return, for each row, whether all numbers are within their limits, and the names of those that aren't.

    A number that a corpus doesn't have, because its recipe doesn't measure it, is not judged; one that is
    null or NaN in a row, because it couldn't be measured there, fails. Where the table has ages, a brain's
    volume is judged by ``BRAIN_ML_BY_AGE``, unless its limit was moved.

    Args:
        table: of samples.
        limits: by column.

    Returns:
        bool; and text, names in the limits' order, separated by a comma and a space, empty where all is well.

    Raises:
        ConfigurationError: a limit is for a column that neither the table nor the defaults have, or its
            ends are the wrong way round.
    """
    failed: list[list[str]] = [[] for _ in range(len(table))]
    for name, (low, high) in limits.items():
        if not low <= high:
            raise ConfigurationError(f"limits of {name!r}: expected low ≤ high, found {low:g} and {high:g}")
        if name not in table.column_names:
            _expected(name, table.column_names)
            continue
        values = _numbers(table, name)
        lowest, highest = (
            _by_age(table, low, high) if name == _BRAIN_ML and limits[name] is LIMITS[name] else (low, high)
        )
        for row in np.flatnonzero(~((values >= lowest) & (values <= highest))):
            failed[row].append(name)
    reasons = [", ".join(names) for names in failed]
    return pa.array([not text for text in reasons], pa.bool_()), pa.array(reasons, pa.string())


def judged(table: pa.Table, limits: Limits = LIMITS) -> pa.Table:
    """Return the table with the columns ``qc_pass`` and ``qc_reasons``, and those of ``rejection``.

    Raises:
        ConfigurationError: as ``verdict`` says.
    """
    table = with_rejection(table)
    passed, reasons = verdict(table, limits)
    told = {
        PASS: (passed, "All numbers are within their limits"),
        REASONS: (reasons, "Names of the numbers that are not, separated by a comma"),
    }
    for name, (column, description) in told.items():
        field = pa.field(name, column.type, metadata={"description": description})
        table = table.append_column(field, column)
    return table


def _by_age(table: pa.Table, low: float, high: float) -> tuple[Vector, Vector]:
    """Return the limits of the brain's volume for each row: by age where it is known."""
    ages = _numbers(table, _AGE) if _AGE in table.column_names else np.full(len(table), np.nan)
    lowest, highest = np.full(len(table), low), np.full(len(table), high)
    for below, (least, most) in reversed(BRAIN_ML_BY_AGE):
        lowest[ages < below], highest[ages < below] = least, most
    return lowest, highest


def _numbers(table: pa.Table, name: str) -> Vector:
    try:
        column = table[name].cast(pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ConfigurationError(f"limits of {name!r}: that column holds no numbers") from error
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)  # null becomes NaN


def _expected(name: str, columns: list[str]) -> None:
    if name not in LIMITS:
        close = get_close_matches(name, columns, n=1)
        meant = f"; did you mean {close[0]!r}?" if close else ""
        raise ConfigurationError(f"limits of {name!r}: there is no such column{meant}")
