"""Which scans are worth a look first: far from the others of their dataset, in the bad direction. Pure.

A scanner's scans are alike, another's differ: so a number is compared within its dataset. A dataset of few
scans has no middle and no spread to speak of; there the corpus stands behind it, as if it had added
``_BEHIND`` scans. Where it is known which way is worse (a low CJV is good), only that way counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from allbrains.limits import LIMITS
from allbrains.records import Array
from allbrains.rejection import PROBABILITY
from allbrains.report.packing import is_number

_FEWEST = 5  # of fewer values nobody knows what is usual
_BEHIND = 10.0  # scans: a dataset of ten counts half by itself; MADs of fewer vary by more than a third
_HIGHEST = 20.0  # deviations; more say no more
_USUAL = 1.0  # deviations that every third scan has: they add nothing
_NORMAL = 1.4826  # median absolute deviation → standard deviation, where the values are normal
_BRAIN = "brain_mask_ml"
_NAMED = 3  # numbers that a sentence names
_MANY, _WORST = 9, 3  # numbers of a family
_STEP = 0.1  # of the probability; within a step the numbers decide

HIGH, LOW, BOTH = 1, -1, 0
# Which way is worse, and what measures alike: of one family only the worst number counts, so that a fault
# that ten numbers see isn't ten faults. Directions: ``docs/how-to/qc.md``.
_FAMILIES: Mapping[str, Mapping[str, int]] = {
    "tissues told apart": {
        "cjv": HIGH,
        "cnr": LOW,
        "snr_gm": LOW,
        "snr_wm": LOW,
        "noise": HIGH,
        "efc": HIGH,
        "inu_range": HIGH,
    },
    "blur": {"spacing_max_mm": HIGH, "fwhm_anisotropy": HIGH},
    "cut": {"cut_by_fov": HIGH, "brain_outside_fov": HIGH, "cut_by_void": HIGH},
    "mask": {"mask_sphericity": BOTH, "template_mask_dice": LOW, _BRAIN: BOTH},
    "registration": {
        "template_correlation": LOW,
        "template_correlation_affine": LOW,
        "wm_to_gm_affine": LOW,
        "folded_fraction": HIGH,
    },
    "sides": {"left_right_ratio": BOTH, "left_right_correlation": LOW},
    "fractions": {"csf_fraction": BOTH, "gm_fraction": BOTH, "wm_fraction": BOTH},
}
_VOLUMES = "volumes"
_ALONE = frozenset({"orientation_unknown", "header_axes_conflict"})  # yes or no: limits judge them


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """What is odd of each row; null where it isn't done, or nothing could be compared.

    Attributes:
        score: deviations of the worst number of each family, joined: the root of the sum of their squares.
        where: the number that adds most.
        why: up to three numbers with their deviations, such as ``cjv +4.2, gm_ml -3.1``.
        order: from 0, the one to look at first; see ``first``.
    """

    score: pa.Array
    where: pa.Array
    why: pa.Array
    order: pa.Array


def oddness(table: pa.Table, done: Array, looks: Array | None = None) -> Odd:
    """Return how far each row is from the others of its dataset.

    Args:
        table: of samples.
        done: shape (row,), bool.
        looks: shape (row,), bool: outside a limit. These come first, whatever they score.
    """
    datasets = _codes(table, done)
    names, families, worse = [], [], []
    for name, family, direction in _judged(table):
        values = _comparable(table, name)
        if np.isfinite(values[done]).sum() < _FEWEST:
            continue
        deviations = _deviations(values, datasets, done)
        if deviations is None:
            continue
        names.append(name)
        families.append(family)
        worse.append(np.abs(deviations) if direction == BOTH else deviations * direction)
    if not names:
        nothing = pa.nulls(len(table), pa.string())
        return Odd(
            score=pa.nulls(len(table), pa.float64()),
            where=nothing,
            why=nothing,
            order=_order(table, done, np.zeros(len(table)), looks),
        )
    each = np.nan_to_num(np.stack(worse), nan=0.0).clip(0, _HIGHEST)
    excess = (each - _USUAL).clip(0)
    kinds = np.array(families)
    joined = np.sqrt(sum(_of_family(excess[kinds == one]) ** 2 for one in sorted(set(families))))
    best = each.argmax(axis=0)
    return Odd(
        score=pa.array(np.where(done, joined, np.nan), pa.float64(), from_pandas=True),
        where=pa.array([names[at] if is_done else None for at, is_done in zip(best, done, strict=True)]),
        why=pa.array(_sentences(each, names, kinds, done), pa.string()),
        order=_order(table, done, joined, looks),
    )


def _of_family(excess: Array) -> Array:
    """Return what a family adds: its worst number; of many (volumes) the mean of the three worst.

    Of sixty volumes one is always far out by chance; what went wrong moves its neighbours, too.
    """
    worst = np.sort(excess, axis=0)[::-1]
    out: Array = worst[:_WORST].mean(axis=0) if len(excess) > _MANY else worst[0]
    return out


def _order(table: pa.Table, done: Array, joined: Array, looks: Array | None) -> pa.Array:
    """Return each row's place: outside a limit, then by the probability of rejection in steps, then odd."""
    probable = np.zeros(len(table))
    if PROBABILITY in table.column_names:
        probable = np.round(np.nan_to_num(_numbers(table, PROBABILITY)) / _STEP)
    outside = np.zeros(len(table), bool) if looks is None else looks
    places = np.lexsort((np.arange(len(table)), -joined, -probable, ~outside, ~done))
    order = np.empty(len(table), np.float64)
    order[places] = np.arange(len(table))
    return pa.array(np.where(done, order, np.nan), pa.float64(), from_pandas=True)


def _deviations(values: Array, datasets: Array, done: Array) -> Array | None:
    """Return signed robust deviations from the middle of each dataset; None where there is no spread."""
    known = done & np.isfinite(values)
    whole = float(np.median(values[known]))
    middles, counts = np.full(datasets.max() + 1, whole), np.zeros(datasets.max() + 1)
    for dataset in np.unique(datasets[known]):
        own = values[known & (datasets == dataset)]
        counts[dataset] = own.size
        middles[dataset] = (own.size * np.median(own) + _BEHIND * whole) / (own.size + _BEHIND)
    apart = values - middles[datasets]
    pooled = float(np.median(np.abs(apart[known])))
    spreads = np.full(len(middles), pooled)
    for dataset in np.unique(datasets[known]):
        own = values[known & (datasets == dataset)]  # about its own middle: all of it may be poor
        spread = np.median(np.abs(own - np.median(own)))
        spreads[dataset] = (own.size * spread + _BEHIND * pooled) / (own.size + _BEHIND)
    if not pooled > 0:
        return None
    out: Array = apart / (_NORMAL * spreads[datasets])
    return out


def _sentences(each: Array, names: list[str], kinds: Array, done: Array) -> list[str | None]:
    sentences: list[str | None] = []
    for row in range(each.shape[1]):
        if not done[row]:
            sentences.append(None)
            continue
        told: dict[str, str] = {}
        for at in np.argsort(-each[:, row], kind="stable"):
            if each[at, row] <= _USUAL or len(told) == _NAMED:
                break
            told.setdefault(str(kinds[at]), f"{names[at]} {each[at, row]:.1f}")
        sentences.append(", ".join(told.values()))
    return sentences


def _judged(table: pa.Table) -> list[tuple[str, str, int]]:
    """Return name, family and direction of each column that is compared."""
    known = {name: (family, way) for family, ways in _FAMILIES.items() for name, way in ways.items()}
    judged = []
    for field in table.schema:
        if not is_number(field.type) or field.name in _ALONE:
            continue
        if field.name in known:
            judged.append((field.name, *known[field.name]))
        elif field.name.endswith("_ml"):
            judged.append((field.name, _VOLUMES, BOTH))
        elif field.name in LIMITS:
            judged.append((field.name, field.name, BOTH))
    return judged


def _comparable(table: pa.Table, name: str) -> Array:
    """Return a column; a volume as its share of the brain: a large head is not odd in thirty volumes."""
    values = _numbers(table, name)
    if name.endswith("_ml") and name != _BRAIN and _BRAIN in table.column_names:
        brain = _numbers(table, _BRAIN)
        shares: Array = np.divide(values, brain, out=np.full(len(values), np.nan), where=brain > 0)
        return shares
    return values


def _numbers(table: pa.Table, name: str) -> Array:
    return np.asarray(table[name].cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def _codes(table: pa.Table, done: Array) -> Array:
    """Return a whole number a row, the same for the rows of a dataset."""
    if "dataset" not in table.column_names:
        return np.zeros(len(done), np.int64)
    coded = table["dataset"].combine_chunks().dictionary_encode().indices
    return np.asarray(coded.cast(pa.int64()).to_numpy(zero_copy_only=False), np.int64)
