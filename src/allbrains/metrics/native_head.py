"""The whole head on its own grid, with the masks that MRIQC's metrics read; made once for all of them.

Intensities are divided by the recipe's own bias field, which is known in the brain alone, and scaled so that
white matter's median is 1000.
Tissues are three intensity classes, as FSL's FAST finds them, and not the recipe's: MRIQC's numbers hang on
what FAST calls pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from allbrains.case import Case
from allbrains.metrics.air import Surroundings, surroundings
from allbrains.metrics.classes import eroded, fractions_of, pure, three_means
from allbrains.records import Array, Volume

TISSUES = ("csf", "gm", "wm")
_ERODE_BELOW_MM = 1.9  # MRIQC wears its tissues down where every edge of a voxel is shorter


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeHead:
    """A head as MRIQC's metrics want it.

    Attributes:
        raw: as the file has it, shape (x, y, z).
        values: in the brain divided by the bias field; WM's median 1000, none below 0; shape of ``raw``.
        spacing: mm.
        box: of the brain in the full grid; what follows has its shape.
        mask: brain, bool.
        fractions: ``csf``, ``gm``, ``wm`` by intensity, 0-1, sum 1 in the mask.
        samples: intensities of each tissue's pure voxels, 1-D.
        around: masks outside the head; None for a scan that was stripped before.
        frame: voxels that the scanner never saw, or a tool blanked; shape of ``raw``.
    """

    raw: Array
    values: Array
    spacing: tuple[float, float, float]
    box: tuple[slice, ...]
    mask: Array
    fractions: Mapping[str, Array]
    samples: Mapping[str, Array]
    around: Surroundings | None
    frame: Array


def native_head(case: Case) -> NativeHead:
    """Return the head of a finished case.

    Args:
        case: with ``t1w_native``, ``t1w``, ``mask`` and the warp ``affine``.
    """
    native, t1w, mask = (case.images[name] for name in ("t1w_native", "t1w", "mask"))
    box = box_in(mask, native)
    inside = mask.array
    log_field = np.log(_ratio(native.array[box][inside], t1w.array[inside]))
    log_field -= log_field.mean()
    values = np.maximum(native.array, np.float32(0))
    values[box][inside] *= np.exp(-log_field)
    brain = np.where(inside, values[box], np.float32(0))
    centres = three_means(brain[inside])
    fractions = dict(zip(TISSUES, fractions_of(brain, inside, centres), strict=True))
    purest = {name: pure(one) for name, one in fractions.items()}
    if max(native.spacing) < _ERODE_BELOW_MM:
        purest = {name: eroded(one) for name, one in purest.items()}
    # fat and vessels stand further above white matter than grey matter lies below it
    purest["wm"] &= brain < 2 * centres[2] - centres[1]
    white = brain[purest["wm"]]
    if white.size and (median := float(np.median(white))) > 0:
        values *= np.float32(1000.0 / median)
    stripped = case.texts.get("input_stripped") == "yes"
    frame, around = surroundings(native, values, mask, case.warps["affine"].affine, stripped=stripped)
    return NativeHead(
        raw=native.array,
        values=values,
        spacing=native.spacing,
        box=box,
        mask=inside,
        fractions=fractions,
        samples={name: values[box][one] for name, one in purest.items()},
        around=around,
        frame=frame,
    )


def box_in(part: Volume, whole: Volume) -> tuple[slice, ...]:
    """Return where a cropped volume lies in the grid that it was cropped from."""
    start = np.rint((np.linalg.inv(whole.affine) @ part.affine[:, 3])[:3]).astype(int)
    return tuple(slice(int(s), int(s) + n) for s, n in zip(start, part.array.shape, strict=True))


def _ratio(raw: Array, corrected: Array) -> Array:
    """Return what the recipe divided by, up to a factor; 1 where one of the two is not above 0."""
    usable = (raw > 0) & (corrected > 0)
    found = np.ones(raw.shape, np.float32)
    np.divide(raw, corrected, out=found, where=usable)
    middle = float(np.median(found[usable])) if usable.any() else 1.0
    found[~usable] = middle
    return found
