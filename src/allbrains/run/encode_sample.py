"""A finished case as the sample that is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from allbrains.case import Case
from allbrains.errors import ConfigurationError
from allbrains.records import Array, Sample, StoredMap, Volume
from allbrains.run.montage import montage
from allbrains.run.native_mosaic import NO_MOSAIC, native_mosaic
from allbrains.space.grid import Grid, sample
from allbrains.space.template import BOX_CORNER, BOX_EXTENT
from allbrains.store import quantise
from allbrains.version import VERSION

# How far around the brain the log-Jacobian is kept: a map without this limit is the largest of all.
LOGJAC_MARGIN_MM = 4.0
# A warp is smooth over 4 to 6 mm, so 4 mm keep it to 0.2 mm (mean; 99 of 100 voxels: 0.65) at an eighth of
# the bytes.
DISPLACEMENT_SPACING_MM = 4.0

# How the images `template_<name>` are stored; a recipe's further ones are fractions, 0-1, or labels.
ENCODINGS: Mapping[str, Callable[[Array], StoredMap]] = {
    "t1w": quantise.intensity,
    "csf": quantise.probability,
    "gm": quantise.probability,
    "wm": quantise.probability,
    "mask": quantise.labels,
    "labels": quantise.labels,
    "mwp1": quantise.density,
    "mwp2": quantise.density,
}
_PREFIX = "template_"


def sample_of(case: Case, head: Volume | None = None) -> Sample:
    """Return what goes to disk: quantised maps, numbers, texts, pictures.

    Maps on the corpus grid: ``t1w`` (stripped, bias-corrected, WM centre = 1), ``csf``, ``gm``, ``wm``
    (fractions), ``mask``, ``labels`` (six structures, codes of ``steps.labels.Label``) and ``logjac``
    (natural log of the non-linear Jacobian determinant, template → scan). On a 4 mm grid:
    ``displacement`` (mm, shape (x, y, z, 3)). Modulated maps are not stored: a reader makes them as
    ``gm · exp(logjac) · affine_determinant``. Every further image ``template_<name>`` of the case is
    stored too, as ``<name>``; one with a grid of its own keeps it.

    Args:
        case: after the last step.
        head: the scan before its mask was applied (``kept_head``); None where the recipe makes no mask.

    Raises:
        ConfigurationError: an image is neither labels nor within 0 to 1, and no encoding is known for it.
    """
    found = {n.removeprefix(_PREFIX): v for n, v in case.images.items() if n.startswith(_PREFIX)}
    mask, logjac = found["mask"], found.pop("logjac")
    maps = {name: _stored(name, image, mask) for name, image in found.items()}
    maps["logjac"] = quantise.log_jacobian(logjac.array, _around(mask.array, mask.spacing[0]))
    maps["displacement"] = _displacement(case)
    matrix = case.warps["warp"].affine[:3]
    numbers = {f"affine_{r}{c}": float(matrix[r, c]) for r in range(3) for c in range(4)}
    mosaic = NO_MOSAIC if head is None else native_mosaic(head, case)
    return Sample(
        maps=maps,
        numbers={**case.numbers, **numbers},
        texts={**case.texts, "allbrains_version": VERSION},
        montage=montage(case),
        mosaic=mosaic.heads,
        outlines=mosaic.lines,
    )


def _stored(name: str, image: Volume, mask: Volume) -> StoredMap:
    """Return an image in integers: by its name, else whole numbers as labels and the rest as fractions."""
    encode = ENCODINGS.get(name)
    if encode is None:
        whole = image.array.dtype.kind in "bui"
        encode = quantise.labels if whole else quantise.probability
        if not whole and not (image.array.min() >= -1e-3 and image.array.max() <= 1 + 1e-3):
            raise ConfigurationError(
                f"image {_PREFIX}{name} goes from {image.array.min():g} to {image.array.max():g}; "
                "expected fractions from 0 to 1, or whole numbers of an integer type"
            )
    stored = encode(image.array)
    own_grid = image.array.shape != mask.array.shape or not np.array_equal(image.affine, mask.affine)
    return replace(stored, affine=image.affine) if own_grid else stored


def _around(mask: Array, spacing: float) -> Array:
    from scipy.ndimage import binary_dilation

    out: Array = binary_dilation(mask, iterations=max(1, round(LOGJAC_MARGIN_MM / spacing)))
    return out


def _displacement(case: Case) -> StoredMap:
    warp = case.warps["warp"]
    grid = Grid.box(BOX_CORNER, BOX_EXTENT, DISPLACEMENT_SPACING_MM)
    parts = sample([warp.displacement[..., k] for k in range(3)], warp.grid_affine, grid.points(), edge=True)
    return quantise.displacement(np.stack(parts, axis=-1), grid.affine)
