"""A brain as the page's viewers take it: eight bits for each voxel, for display and not for measuring."""

from __future__ import annotations

from typing import Any

import numpy as np

from allbrains.load import Brain
from allbrains.records import Array
from allbrains.report.packing import container

# Tissue classes as the page colours them; a class is the largest of the fractions that are there.
CLASSES = {"csf": 1, "gm": 2, "wm": 3}
_LOGJAC_RANGE = 1.5  # natural log: volumes from a 4.5th to 4.5-fold; what lies outside is cut
_LOGJAC_STEPS = 30  # to each side: eyes tell no more colours apart, and it is the map that packs worst
_LEAST = 0.25  # a voxel with less tissue than this is background


def volume(brain: Brain) -> bytes:
    """Return a container with the maps that can be shown: intensities, tissue, logjac, mask.

    Each is uint8, x fastest as in NIfTI; ``value = byte * scale + offset``. Maps on another grid than the
    corpus' are left out.

    Raises:
        CorpusError: the shard is damaged.
    """
    grid = brain.brains.corpus.grid
    maps: dict[str, tuple[Array, float, float]] = {}
    own = {name for name, spec in brain.brains.specs.items() if spec.shape == tuple(grid.shape)}
    if "t1w" in own:
        maps["t1w"] = _intensity(brain.values("t1w"))
    if tissues := [name for name in CLASSES if name in own]:
        maps["tissue"] = (_classes(brain, tissues), 1.0, 0.0)
    if "logjac" in own:
        step = _LOGJAC_RANGE / _LOGJAC_STEPS
        logjac = np.rint(brain.values("logjac") / step).clip(-_LOGJAC_STEPS, _LOGJAC_STEPS) + 128
        maps["logjac"] = (logjac.astype(np.uint8), step, -128 * step)
    if "mask" in own:
        maps["mask"] = ((brain.integers("mask") > 0).astype(np.uint8), 1.0, 0.0)
    header: dict[str, Any] = {
        "kind": "volume",
        "space": grid.space,
        "shape": grid.shape,
        "affine": grid.affine,
        "maps": [{"name": name, "scale": one[1], "offset": one[2]} for name, one in maps.items()],
    }
    return container(header, [one[0].tobytes(order="F") for one in maps.values()])


def _intensity(values: Array) -> tuple[Array, float, float]:
    inside = values[values > 0]
    top = float(np.percentile(inside, 99.8)) if inside.size else 1.0
    return np.rint(values.clip(0, top) * (255 / top)).astype(np.uint8), top / 255, 0.0


def _classes(brain: Brain, names: list[str]) -> Array:
    fractions = np.stack([brain.values(name) for name in names])
    codes = np.array([CLASSES[name] for name in names], np.uint8)
    classes: Array = codes[fractions.argmax(axis=0)]
    classes[fractions.max(axis=0) < _LEAST] = 0
    return classes
