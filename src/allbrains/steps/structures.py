"""Structures by name, left and right: warped maps say where one may be, the tissues where it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.records import Array, Volume
from allbrains.space.grid import affine_points, sample
from allbrains.space.regions import Region
from allbrains.space.structures import BESIDE, MAPPED, Structure, structure_maps
from allbrains.steps.labels import region_at, template_points

_LEAST = 0.2  # of a tissue that a structure is not made of: where brightness misleads, the map decides
# What a structure is made of, as weights of CSF, GM and WM. The thalamus is half way to WM and the pallidum
# all but WM: the tissue model calls them so (part five of its measurements: GM .40 and .08 of them).
_MADE_OF: Mapping[str, tuple[float, float, float]] = {
    "VENTRICLE": (0.8, 0.0, 0.0),
    "THALAMUS": (0.0, 1.0, 0.4),
    "PALLIDUM": (0.0, 0.6, 1.0),
    "gm": (0.0, 1.0, 0.0),
    "wm": (0.0, 0.1, 1.0),
    "csf": (1.3, 0.0, 0.0),
    "stem": (0.0, 0.5, 1.0),
}
_NUCLEUS = (0.0, 1.0, 0.25)
# The maps are wide averages: small structures come out too large by them. Factors of the maps that bring the
# volumes of five people (two labelled by hand, three label maps of synthetic heads) near to the truth.
_HOLD: Mapping[str, float] = {
    "AMYGDALA": 0.8,
    "HIPPOCAMPUS": 0.83,
    "PALLIDUM": 0.95,
    "CAUDATE": 0.85,
    "THALAMUS": 0.9,
    "PUTAMEN": 0.9,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Structures:
    """Label structures in the scan and on the corpus grid, and sum their volumes.

    Gives the images ``structures`` (scan) and ``template_structures`` (codes of ``Structure``, FreeSurfer's);
    and for each but the brainstem and CSF, whose volumes the step ``labels`` gives, ``<name>_ml`` and
    ``<name>_per_icv``, its share of ``icv_ml``.
    """

    name: ClassVar[str] = "structures"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = (
        *("mask", "csf", "gm", "wm", "warp"),
        *(f"template_{name}" for name in ("mask", "csf", "gm", "wm")),
    )
    gives: ClassVar[tuple[str, ...]] = ("structures", "template_structures")

    def __call__(self, case: Case) -> Case:
        """Return the case with both images and the numbers."""
        mask, whole = case.images["mask"], case.images["template_mask"]
        points = template_points(case.warps["warp"], mask.affine, mask.array)
        native = _labelled(case, "", mask, points)
        at = affine_points(whole.affine, whole.array.shape)[whole.array]
        template = _labelled(case, "template_", whole, at)
        voxel_ml = abs(float(np.linalg.det(mask.affine[:3, :3]))) / 1000.0
        counts = np.bincount(native.array.ravel(), minlength=max(Structure) + 1)
        numbers = {}
        for structure in Structure:
            if structure not in (Structure.BRAINSTEM, Structure.CSF):
                ml = float(counts[structure]) * voxel_ml
                numbers[f"{structure.name.lower()}_ml"] = ml
                numbers[f"{structure.name.lower()}_per_icv"] = ml / case.numbers["icv_ml"]
        return case.plus(images={"structures": native, "template_structures": template}, numbers=numbers)


def _labelled(case: Case, prefix: str, mask: Volume, points: Array) -> Volume:
    """Return the labels on the grid of a mask, whose voxels lie at these template points."""
    inside = mask.array
    csf, gm, wm = (case.images[f"{prefix}{name}"].array[inside] for name in ("csf", "gm", "wm"))
    out = np.zeros(inside.shape, np.uint8)
    out[inside] = structure_labels(points, csf, gm, wm)
    return Volume(array=out, affine=mask.affine)


def structure_labels(points: Array, csf: Array, gm: Array, wm: Array) -> Array:
    """Return the codes of ``Structure`` of voxels, shape (n,), uint8.

    Each map is weighted by how much of the voxel is what the structure is made of; the largest wins. What no
    structure takes is cortex or WM of its side, cerebellum, brainstem or CSF, by its region and tissue.

    Args:
        points: shape (n, 3), template RAS+ mm.
        csf, gm, wm: fractions, shape (n,).
    """
    out = _beside(points, csf, gm, wm)
    maps = structure_maps()
    (possible,) = sample([maps.shares[: len(MAPPED)].max(axis=0)], maps.affine, points)
    asked = possible > 0.02
    tissues = np.stack([part[asked] for part in (csf, gm, wm)])
    best, code = np.zeros(int(asked.sum()), np.float32), np.zeros(int(asked.sum()), np.uint8)
    names = [*(s.name for s in MAPPED), *BESIDE]
    shares = sample(list(maps.shares), maps.affine, points[asked])
    for n, (name, share) in enumerate(zip(names, shares, strict=True)):
        kind = name.rsplit("_", 1)[-1]
        likely = _LEAST + np.asarray(_MADE_OF.get(kind, _NUCLEUS), np.float32) @ tissues
        score = share * _HOLD.get(kind, 1.0) * likely
        wins = score > best
        best[wins] = score[wins]
        code[wins] = MAPPED[n] if n < len(MAPPED) else 0
    found = np.zeros_like(out)
    found[asked] = code
    return np.where(found > 0, found, out)


def _beside(points: Array, csf: Array, gm: Array, wm: Array) -> Array:
    """Return what a voxel is where no structure of its own lies."""
    region, left, grey = region_at(points), points[:, 0] < 0, gm >= wm
    cortex = np.where(left, Structure.LEFT_CEREBRAL_CORTEX, Structure.RIGHT_CEREBRAL_CORTEX)
    white = np.where(left, Structure.LEFT_CEREBRAL_WM, Structure.RIGHT_CEREBRAL_WM)
    out = np.where(grey, cortex, white)
    # grey that no map names between the nuclei: accumbens, claustrum, parts of the ventral diencephalon
    unnamed = np.where(left, Structure.LEFT_UNDETERMINED, Structure.RIGHT_UNDETERMINED)
    out = np.where(grey & (region == Region.DEEP_GM), unnamed, out)
    folia = np.where(left, Structure.LEFT_CEREBELLAR_CORTEX, Structure.RIGHT_CEREBELLAR_CORTEX)
    core = np.where(left, Structure.LEFT_CEREBELLAR_WM, Structure.RIGHT_CEREBELLAR_WM)
    out = np.where(region == Region.CEREBELLUM, np.where(grey, folia, core), out)
    out = np.where(region == Region.BRAINSTEM, Structure.BRAINSTEM, out)
    bar = np.where(region == Region.BRAINSTEM, wm, np.maximum(gm, wm))
    return np.where(csf > bar, Structure.CSF, out).astype(np.uint8)
