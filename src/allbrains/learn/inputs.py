"""From a batch of stored integers to what the network sees."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from allbrains.errors import ConfigurationError
from allbrains.load import Brains
from allbrains.load.batch import Batch
from allbrains.load.derived import parts_of


def images_of(batch: Batch, maps: Sequence[str], pool: int, device: str) -> Tensor:
    """Return a batch's maps as channels, shape (sample, map, x, y, z), averaged over cubes of ``pool``.

    Units stay: fractions 0 to 1, white matter 1, logarithms of volume. Integers travel to the device.
    """
    found = batch.to(device)
    stacked = torch.stack([found[name] for name in maps], dim=1)
    return functional.avg_pool3d(stacked, pool) if pool > 1 else stacked


def shape_of(brains: Brains, pool: int) -> tuple[int, int, int]:
    """Return the grid that the network sees.

    Raises:
        ConfigurationError: the maps are not of one grid, or it is smaller than the pooling.
    """
    shapes = {brains.specs[part].shape for name in brains.maps for part in parts_of(name, brains.specs)}
    if len(shapes) > 1 or len(shape := next(iter(shapes))) != 3:
        raise ConfigurationError(f"maps {', '.join(brains.maps)}: expected one grid, found {sorted(shapes)}")
    x, y, z = (edge // pool for edge in shape)
    if min(x, y, z) < 4:
        raise ConfigurationError(
            f"pool {pool} leaves {x}×{y}×{z} voxels of {shape}: expected 4 along each axis"
        )
    return x, y, z
