"""A finished case as the sample that is stored."""

from __future__ import annotations

import numpy as np

from allbrains.build.montage import montage
from allbrains.recipe import Case
from allbrains.records import Array, Sample, StoredMap
from allbrains.space.grid import Grid, sample
from allbrains.space.template import BOX_CORNER, BOX_EXTENT
from allbrains.store import quantise
from allbrains.version import VERSION

# How far around the brain the log-Jacobian is kept: a map without this limit is the largest of all.
LOGJAC_MARGIN_MM = 4.0
# A SyN field is smooth over 6 mm, so 4 mm keep it to a tenth of a voxel at an eighth of the bytes.
DISPLACEMENT_SPACING_MM = 4.0


def sample_of(case: Case) -> Sample:
    """Return what goes to disk: quantised maps, numbers, texts, montage.

    Maps on the corpus grid: ``t1w`` (stripped, bias-corrected, WM centre = 1), ``csf``, ``gm``, ``wm``
    (fractions), ``mask``, ``labels`` (six structures, codes of ``steps.labels.Label``) and ``logjac``
    (natural log of the non-linear Jacobian determinant, template → scan). On a 4 mm grid:
    ``displacement`` (mm, shape (x, y, z, 3)). Modulated maps are not stored: a reader makes them as
    ``gm · exp(logjac) · affine_determinant``.
    """
    image = {name.removeprefix("template_"): v.array for name, v in case.images.items()}
    spacing = case.images["template_mask"].spacing[0]
    maps = {
        "t1w": quantise.intensity(image["t1w"]),
        **{name: quantise.probability(image[name]) for name in ("csf", "gm", "wm")},
        "mask": quantise.labels(image["mask"]),
        "labels": quantise.labels(image["labels"]),
        "logjac": quantise.log_jacobian(image["logjac"], _around(image["mask"], spacing)),
        "displacement": _displacement(case),
    }
    matrix = case.warps["warp"].affine[:3]
    numbers = {f"affine_{r}{c}": float(matrix[r, c]) for r in range(3) for c in range(4)}
    return Sample(
        maps=maps,
        numbers={**case.numbers, **numbers},
        texts={**case.texts, "allbrains_version": VERSION},
        montage=montage(case),
    )


def _around(mask: Array, spacing: float) -> Array:
    from scipy.ndimage import binary_dilation

    out: Array = binary_dilation(mask, iterations=max(1, round(LOGJAC_MARGIN_MM / spacing)))
    return out


def _displacement(case: Case) -> StoredMap:
    warp = case.warps["warp"]
    grid = Grid.box(BOX_CORNER, BOX_EXTENT, DISPLACEMENT_SPACING_MM)
    parts = sample([warp.displacement[..., k] for k in range(3)], warp.grid_affine, grid.points(), edge=True)
    return quantise.displacement(np.stack(parts, axis=-1), grid.affine)
