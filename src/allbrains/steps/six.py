"""Six tissue probabilities: what they are called, and what three tissues and volumes they add up to.

The order is that of ``deep_atropos`` and of ``steps.labels.Label``.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from allbrains.records import Array

SIX = ("prob_csf", "prob_cortical_gm", "prob_wm", "prob_deep_gm", "prob_brainstem", "prob_cerebellum")


def three_of_six(six: Mapping[str, Array]) -> dict[str, Array]:
    """Return ``csf``, ``gm`` and ``wm``.

    The brainstem counts as WM and the cerebellum, which the six don't split, as GM: so GM is larger, and
    WM smaller, than where a recipe splits the cerebellum by brightness.
    """
    return {
        "csf": six["prob_csf"],
        "gm": six["prob_cortical_gm"] + six["prob_deep_gm"] + six["prob_cerebellum"],
        "wm": six["prob_wm"] + six["prob_brainstem"],
    }


def volumes_of_six(six: Mapping[str, Array], *, voxel_ml: float) -> dict[str, float]:
    """Return the sums in ml under the names of the step ``labels``: ``cortical_gm_ml`` and so on."""
    names = {"prob_wm": "cerebral_wm_ml"} | {
        name: f"{name.removeprefix('prob_')}_ml" for name in SIX if name not in ("prob_wm", "prob_csf")
    }
    return {ml: float(six[name].sum(dtype=np.float64)) * voxel_ml for name, ml in names.items()}


def labels_of_six(six: Mapping[str, Array], inside: Array) -> Array:
    """Return the code, 1-6, of the most probable tissue in a mask, 0 outside; uint8."""
    stacked = np.stack([six[name] for name in SIX])
    return np.where(inside, stacked.argmax(axis=0) + 1, 0).astype(np.uint8)
