"""Brightness of GM and WM, from fractions that some other tool found."""

from __future__ import annotations

import numpy as np

from allbrains.errors import Reason, ScanUnusable
from allbrains.records import Array


def centres(t1w: Array, gm: Array, wm: Array) -> dict[str, float]:
    """Return ``wm_centre_raw``, the mean intensity of WM, and ``gm_centre``, GM's as a share of it.

    Args:
        t1w: intensities, any unit, shape (x, y, z).
        gm, wm: fractions, 0-1, on its grid; each voxel counts by their square, so that mixed ones hardly
            pull.

    Raises:
        ScanUnusable: there is no GM or no WM.
    """
    means = {}
    for name, fraction in (("GM", gm), ("WM", wm)):
        weight = np.asarray(fraction, np.float64) ** 2
        if not weight.sum() > 1:
            raise ScanUnusable(Reason.CONSTANT, f"the segmentation found no {name}")
        means[name] = float((weight * t1w).sum() / weight.sum())
    if not means["WM"] > 0:
        raise ScanUnusable(Reason.CONSTANT, f"the mean intensity of WM is {means['WM']:g}")
    return {"wm_centre_raw": means["WM"], "gm_centre": means["GM"] / means["WM"]}
