"""The template that everything is registered to: MNI152NLin2009aSym, from nilearn's wheel.

Skull-stripped T1w, GM and WM at 1 mm, 8 bit. Licence: the ICBM terms allow use, copying and
redistribution with the notice (McConnell Brain Imaging Centre, Montreal Neurological Institute).

References:
    Fonov et al. 2011, NeuroImage 54:313-327.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from allbrains.records import Affine, Array, Volume
from allbrains.space.grid import Grid, coarsen

SPACE = "MNI152NLin2009aSym"  # TemplateFlow's name
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
    t1w, gm, wm = (coarsen(_bundled(name), grid).array for name in ("t1", "gm", "wm"))
    full = _brain_mask(_bundled("t1").array)
    mask = coarsen(Volume(array=full.astype(np.float32), affine=_bundled("t1").affine), grid).array > 0.5
    return Template(t1w=t1w, gm=gm, wm=wm, mask=mask, affine=grid.affine, brain_ml=float(full.sum()) / 1000.0)


@cache
def deep_csf() -> Array:
    """Return points where the template has CSF deep in the brain, which is the ventricles: 11 ml of them.

    Returns:
        Shape (n, 3), float32, template RAS+ mm, 1 mm apart.
    """
    from scipy.ndimage import binary_erosion

    fixed = template(1.0)
    deep = binary_erosion(_inner_csf() > 0.8)
    points: Array = Grid(shape=fixed.mask.shape, affine=fixed.affine).points()[deep]
    return points


@cache
def near_ventricles() -> Array:
    """Return how much CSF the template has deep in the brain within 1 to 2 mm: 0-1, on the 1 mm grid."""
    from scipy.ndimage import gaussian_filter

    out: Array = gaussian_filter(_inner_csf(), 3 / 2.355)
    return out


def _inner_csf() -> Array:
    """Return what GM and WM leave of the template's brain, 12 mm and more below its surface."""
    from scipy.ndimage import binary_erosion

    fixed = template(1.0)
    inner = binary_erosion(fixed.mask, iterations=12)
    return np.where(inner, np.clip(1 - fixed.gm - fixed.wm, 0, 1), 0).astype(np.float32)


def _bundled(name: str) -> Volume:
    import nibabel
    import nilearn

    folder = Path(nilearn.__file__).parent / "datasets" / "data"
    image = nibabel.load(folder / f"mni_icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz")
    return Volume(array=np.asarray(image.dataobj, np.float32) / 255.0, affine=image.affine)


def _brain_mask(t1w: Array) -> Array:
    """Return the filled mask of a stripped image: one piece, no holes."""
    from scipy.ndimage import binary_closing, binary_fill_holes

    closed = binary_closing(np.pad(t1w > 0.02, 4), iterations=3)[4:-4, 4:-4, 4:-4]
    filled: Array = binary_fill_holes(closed)
    return filled
