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
from allbrains.space.structure_priors import BESIDE, MAPPED, SPACING_MM, Structure, structure_maps
from allbrains.space.template import template
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
_SURELY_WM = 0.8  # of the template's fraction
_LEAST_MM3 = 15.0  # smaller pieces are noise, or single perivascular spaces
_IN_MIDST = 0.7  # share of a piece's shell that is WM: a gyrus that the warp missed is open to its cortex
_NOT_WM = (
    *(Structure.LEFT_CEREBRAL_CORTEX, Structure.RIGHT_CEREBRAL_CORTEX, Structure.CSF),
    *(Structure.LEFT_UNDETERMINED, Structure.RIGHT_UNDETERMINED),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Structures:
    """Label structures in the scan and on the corpus grid, and sum their volumes.

    Dark voxels deep in WM, which brightness alone would call cortex, are ``WM_HYPOINTENSITY``: pieces in the
    template's WM whose surroundings are WM. A lesion, an infarct and a wide perivascular space look so; which
    it is nobody can tell from a T1w, and it is no diagnosis.

    Gives the images ``structures`` (scan) and ``template_structures``, codes of ``Structure``, which are
    FreeSurfer's; ``wm_hypointensity_count``, pieces; and for each structure but the brainstem and CSF, whose
    volumes the step ``labels`` gives, ``<name>_ml`` and ``<name>_per_icv``, its share of ``icv_ml``.
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
        native, count = _labelled(case, "", mask, points)
        at = affine_points(whole.affine, whole.array.shape)[whole.array]
        on_template, _ = _labelled(case, "template_", whole, at)
        voxel_ml = abs(float(np.linalg.det(mask.affine[:3, :3]))) / 1000.0
        counts = np.bincount(native.array.ravel(), minlength=max(Structure) + 1)
        numbers = {"wm_hypointensity_count": float(count)}
        for structure in Structure:
            if structure not in (Structure.BRAINSTEM, Structure.CSF):
                ml = float(counts[structure]) * voxel_ml
                numbers[f"{structure.name.lower()}_ml"] = ml
                numbers[f"{structure.name.lower()}_per_icv"] = ml / case.numbers["icv_ml"]
        return case.plus(images={"structures": native, "template_structures": on_template}, numbers=numbers)


def _labelled(case: Case, prefix: str, mask: Volume, points: Array) -> tuple[Volume, int]:
    """Return the labels on the grid of a mask with voxels at these template points; and dark pieces."""
    inside = mask.array
    csf, gm, wm = (case.images[f"{prefix}{name}"].array[inside] for name in ("csf", "gm", "wm"))
    out = np.zeros(inside.shape, np.uint8)
    out[inside] = structure_labels(points, csf, gm, wm)
    fixed = template(SPACING_MM)
    (white,) = sample([fixed.wm], fixed.affine, points)
    deep = np.zeros(inside.shape, bool)
    deep[inside] = white > _SURELY_WM
    dark, count = dark_pieces(out, deep, float(np.prod(mask.spacing)))
    out[dark] = Structure.WM_HYPOINTENSITY
    return Volume(array=out, affine=mask.affine), count


def dark_pieces(labels: Array, deep: Array, voxel_mm3: float) -> tuple[Array, int]:
    """Return where cortex, CSF or unnamed grey lies in the midst of WM, bool; and how many pieces there are.

    Args:
        labels: codes of ``Structure``, shape (x, y, z).
        deep: where the template is surely WM, same shape, bool.
        voxel_mm3: volume of a voxel.
    """
    import cc3d
    from scipy.ndimage import binary_dilation, find_objects

    white = np.isin(labels, (Structure.LEFT_CEREBRAL_WM, Structure.RIGHT_CEREBRAL_WM))
    found = np.zeros(labels.shape, bool)
    pieces = cc3d.connected_components(deep & np.isin(labels, _NOT_WM), connectivity=26)
    sizes, count = np.bincount(pieces.ravel()), 0
    for code, box in enumerate(find_objects(pieces), 1):
        if sizes[code] * voxel_mm3 < _LEAST_MM3:
            continue
        wide = tuple(slice(max(s.start - 1, 0), s.stop + 1) for s in box)
        piece = pieces[wide] == code
        shell = binary_dilation(piece, np.ones((3, 3, 3))) & ~piece
        if white[wide][shell].mean() >= _IN_MIDST:
            found[wide] |= piece
            count += 1
    return found, count


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
