"""Six labels: the template says where a structure may be, the scan's intensities what is there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

import numpy as np

from allbrains.case import Case, Warp
from allbrains.records import Affine, Array, Volume
from allbrains.space.grid import Grid, inverse, sample
from allbrains.space.regions import LOBES, Region, regions

# Inverting the warp at every voxel of the scan would cost seconds; it is smooth over 6 mm.
INVERSE_SPACING_MM = 3.0
INVERSE_ROUNDS = 6  # as near as 30 would come on this grid


class Label(IntEnum):
    """Codes of ``dseg`` and ``labels``; the order is that of ANTs' six-class segmentation."""

    CSF = 1
    CORTICAL_GM = 2
    WM = 3
    DEEP_GM = 4
    BRAINSTEM = 5
    CEREBELLUM = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Label the scan's own voxels, and sum volumes by structure, lobe and hemisphere.

    Gives ``cortical_gm_ml``, ``cerebral_wm_ml``, ``deep_gm_ml``, ``brainstem_ml``, ``cerebellum_ml``,
    sums of tissue fractions in each region, so that they and ``csf_ml`` add up to the mask; and
    ``<lobe>_<left|right>_gm_ml`` and ``_wm_ml`` for the four lobes. Left is the person's left.
    """

    name: ClassVar[str] = "labels"
    version: ClassVar[int] = 3
    needs: ClassVar[tuple[str, ...]] = ("mask", "csf", "gm", "wm", "warp")
    gives: ClassVar[tuple[str, ...]] = ("dseg",)

    def __call__(self, case: Case) -> Case:
        """Return the case with ``dseg`` (uint8, codes of ``Label``) on the scan's own grid."""
        mask = case.images["mask"]
        inside = mask.array
        points = template_points(case.warps["warp"], mask.affine, inside)
        region = region_at(points)
        csf, gm, wm = (case.images[name].array[inside] for name in ("csf", "gm", "wm"))
        dseg = np.zeros(inside.shape, np.uint8)
        dseg[inside] = six_labels(region, csf, gm, wm)
        voxel_ml = abs(float(np.linalg.det(mask.affine[:3, :3]))) / 1000.0
        sums = {name: ml * voxel_ml for name, ml in _sums(region, points[:, 0] < 0, gm, wm).items()}
        return case.plus(images={"dseg": Volume(array=dseg, affine=mask.affine)}, numbers=sums)


def six_labels(region: Array, csf: Array, gm: Array, wm: Array) -> Array:
    """Return the codes of ``Label``, uint8.

    Voxels that are mostly CSF are CSF wherever they lie. In the lobes the rest is cortical GM or WM, by
    the larger fraction; deep GM, brainstem and cerebellum take GM and WM alike, as manual labels do. The
    brainstem is bright throughout, so what looks grey at its rim is half stem, half CSF: there a voxel
    is CSF where it has more CSF than WM.

    Args:
        region: codes of ``Region``, any shape.
        csf, gm, wm: fractions, of the same shape, with sum 1.
    """
    out = np.where(gm >= wm, np.uint8(Label.CORTICAL_GM), np.uint8(Label.WM))
    out[region == Region.DEEP_GM] = Label.DEEP_GM
    out[region == Region.BRAINSTEM] = Label.BRAINSTEM
    out[region == Region.CEREBELLUM] = Label.CEREBELLUM
    bar = np.where(region == Region.BRAINSTEM, wm, np.maximum(gm, wm))
    out[csf > bar] = Label.CSF
    return out


def template_points(warp: Warp, affine: Affine, inside: Array) -> Array:
    """Return where the voxels of a mask lie in the template: shape (n, 3), RAS+ mm.

    Args:
        warp: template → scan.
        affine: voxel of the mask → scan RAS+ mm.
        inside: the mask, bool, shape (x, y, z).
    """
    corners = np.stack(np.meshgrid(*[(0, n - 1) for n in inside.shape]), -1).reshape(-1, 3)
    world = corners @ affine[:3, :3].T + affine[:3, 3]
    low, high = world.min(axis=0) - INVERSE_SPACING_MM, world.max(axis=0) + INVERSE_SPACING_MM
    coarse = Grid.box(low.tolist(), (high - low).tolist(), INVERSE_SPACING_MM)
    found = inverse(warp, coarse.points(), iterations=INVERSE_ROUNDS)
    indices = np.argwhere(inside)
    points = (indices @ affine[:3, :3].T + affine[:3, 3]).astype(np.float32)
    parts = sample([found[..., k] for k in range(3)], coarse.affine, points, edge=True)
    return np.stack(parts, axis=-1)


def region_at(points: Array) -> Array:
    """Return the region of template points, shape (..., 3): codes of ``Region``; the nearest voxel's."""
    known = regions()
    index = np.rint(points @ np.linalg.inv(known.affine)[:3, :3].T + np.linalg.inv(known.affine)[:3, 3])
    places = [np.clip(index[..., k].astype(int), 0, known.array.shape[k] - 1) for k in range(3)]
    found: Array = known.array[places[0], places[1], places[2]]
    return found


def _sums(region: Array, left: Array, gm: Array, wm: Array) -> dict[str, float]:
    """Return sums of fractions, in voxels, by what they will be called."""
    tissue = gm + wm
    lobes = np.isin(region, LOBES) | (region == 0)
    sums = {
        "cortical_gm_ml": gm[lobes],
        "cerebral_wm_ml": wm[lobes],
        "deep_gm_ml": tissue[region == Region.DEEP_GM],
        "brainstem_ml": tissue[region == Region.BRAINSTEM],
        "cerebellum_ml": tissue[region == Region.CEREBELLUM],
    }
    for lobe in LOBES:
        for side, here in (("left", left), ("right", ~left)):
            chosen = (region == lobe) & here
            sums[f"{lobe.name.lower()}_{side}_gm_ml"] = gm[chosen]
            sums[f"{lobe.name.lower()}_{side}_wm_ml"] = wm[chosen]
    return {name: float(values.sum(dtype=np.float64)) for name, values in sums.items()}
