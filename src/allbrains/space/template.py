"""The template that everything is registered to: MNI152NLin2009aSym, which comes with the package.

Skull-stripped T1w, GM and WM at 1 mm, 8 bit. Source, licence and notice: ``data/README.md``.

References:
    Fonov et al. 2011, NeuroImage 54:313-327.
"""

from __future__ import annotations

import lzma
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from allbrains.records import Affine, Array, Volume
from allbrains.space.grid import Grid, coarsen_all

SPACE = "MNI152NLin2009aSym"  # TemplateFlow's name
SHAPE = (197, 233, 189)  # of the maps as published
AFFINE = np.array([[1.0, 0, 0, -98], [0, 1, 0, -134], [0, 0, 1, -72], [0, 0, 0, 1]])  # voxel → RAS+ mm
# The box that every map is stored in: 160×192×160 mm around the template's brain, so that 1, 1.5 and
# 2 mm grids cover the same anatomy. The brain lies 5 mm or more inside it on every side but below,
# where the template itself ends.
BOX_CORNER = (-80.5, -112.5, -74.5)
BOX_EXTENT = (160.0, 192.0, 160.0)
REGISTRATION_SPACING = 2.0  # mm; measured: 1 mm costs eight times as much and gains nothing


def output_grid(spacing: float) -> Grid:
    """Return the corpus grid at ``spacing`` mm; at 1 mm its shape is (160, 192, 160)."""
    return Grid.box(BOX_CORNER, BOX_EXTENT, spacing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The template on one grid.

    Attributes:
        t1w, gm, wm: shape (x, y, z), float32, 0 to 1; the T1w is skull-stripped.
        mask: filled brain mask, bool.
        affine: voxel → RAS+ mm.
        brain_ml: volume of the mask.
    """

    t1w: Array
    gm: Array
    wm: Array
    mask: Array
    affine: Affine
    brain_ml: float


@cache
def template(spacing: float) -> Template:
    """Return the template on the corpus grid at ``spacing`` mm; kept for the life of the process."""
    grid = output_grid(spacing)
    maps = [template_map(name).astype(np.float32) / 255.0 for name in ("t1w", "gm", "wm")]
    t1w, gm, wm = coarsen_all(maps, AFFINE, grid)
    mask = brain_mask(spacing).array
    brain_ml = float(_bits("mask", SHAPE).sum()) / 1000.0
    return Template(t1w=t1w, gm=gm, wm=wm, mask=mask, affine=grid.affine, brain_ml=brain_ml)


@cache
def brain_mask(spacing: float) -> Volume:
    """Return the template's filled brain mask, bool, on the corpus grid at ``spacing`` mm.

    It is ``template(spacing).mask`` for a quarter of the time, where nothing else is needed.
    """
    grid = output_grid(spacing)
    (share,) = coarsen_all([_bits("mask", SHAPE)], AFFINE, grid)
    return Volume(array=share > 0.5, affine=grid.affine)


@cache
def deep_csf() -> Array:
    """Return points where the template has CSF deep in the brain, which is the ventricles: 11 ml of them.

    Found once by ``tools/make_template.py``: more than 80 % CSF, 12 mm or more inside the brain's mask.

    Returns:
        Shape (n, 3), float32, template RAS+ mm, 1 mm apart.
    """
    grid = output_grid(1.0)
    points: Array = grid.points()[_bits("deep_csf", grid.shape)]
    return points


@cache
def near_ventricles() -> Volume:
    """Return the share of CSF deep in the template's brain within 1 to 2 mm: 0-1, on the 2 mm grid."""
    from scipy.ndimage import binary_erosion, gaussian_filter

    fixed = template(REGISTRATION_SPACING)
    inner = binary_erosion(fixed.mask, iterations=6)  # 12 mm below the surface
    fluid = np.where(inner, np.clip(1 - fixed.gm - fixed.wm, 0, 1), 0)
    near = gaussian_filter(fluid, 3 / 2.355 / REGISTRATION_SPACING)
    return Volume(array=near.astype(np.float32), affine=fixed.affine)


def template_map(name: str) -> Array:
    """Return a map of the template as it was published, on the grid of ``SHAPE`` and ``AFFINE``.

    Args:
        name: ``t1w`` (skull-stripped), ``gm`` or ``wm``.

    Returns:
        Shape ``SHAPE``, uint8, 0 to 255.
    """
    return _read(name)


def _bits(name: str, shape: tuple[int, int, int]) -> Array:
    return np.unpackbits(_read(name), count=int(np.prod(shape))).reshape(shape).astype(bool)


def _read(name: str) -> Array:
    packed = files("allbrains.space") / "data" / f"mni_{name}.npy.xz"
    with packed.open("rb") as file, lzma.open(file) as unpacked:
        array: Array = np.load(unpacked, allow_pickle=False)
    return array
