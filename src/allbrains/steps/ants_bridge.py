"""Between our volumes (RAS+) and ANTs' images (LPS+), and ANTs made repeatable."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from allbrains.records import Affine, Array

_RAS_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@cache
def ants() -> Any:
    """Return the ``ants`` module in deterministic mode.

    ANTs ignores ``random_seed=``; only this switch gives the same bytes in every process, and it
    takes one thread, which is also the efficient choice with a process a slot.
    """
    import ants as module

    module.config.set_ants_deterministic(True, 1)
    return module


def to_ants(array: Array, affine: Affine) -> Any:
    """Return an ANTs image of an array on a grid without shear."""
    lps = _RAS_LPS @ affine
    spacing = np.sqrt((lps[:3, :3] ** 2).sum(axis=0))
    return ants().from_numpy(
        np.ascontiguousarray(array, dtype=np.float32),
        origin=lps[:3, 3].tolist(),
        spacing=spacing.tolist(),
        direction=lps[:3, :3] / spacing,
    )


def grid_of(image: Any) -> Affine:
    """Return an ANTs image's voxel → RAS+ mm."""
    lps = np.eye(4)
    lps[:3, :3] = np.asarray(image.direction) * np.asarray(image.spacing)
    lps[:3, 3] = image.origin
    out: Affine = _RAS_LPS @ lps
    return out


def affine_of(transform_file: str) -> Affine:
    """Return an ANTs affine file as a 4×4 in RAS+ mm: fixed (template) point → moving (scan) point."""
    transform = ants().read_transform(transform_file)
    parameters = np.asarray(transform.parameters, np.float64)
    centre = np.asarray(transform.fixed_parameters, np.float64)
    matrix = np.eye(4)
    matrix[:3, :3] = parameters[:9].reshape(3, 3)
    matrix[:3, 3] = parameters[9:] + centre - matrix[:3, :3] @ centre
    out: Affine = _RAS_LPS @ matrix @ _RAS_LPS
    return out


def displacement_of(warp_file: str) -> Array:
    """Return an ANTs displacement file as (x, y, z, 3), float32, RAS+ mm."""
    field: Array = ants().image_read(warp_file).numpy()
    ras: Array = (field * np.asarray([-1, -1, 1])).astype(np.float32)
    return ras
