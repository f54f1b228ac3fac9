"""A scan of something that is not a head: the bottle that scanners are tested with. Pure."""

from __future__ import annotations

import numpy as np

from allbrains.records import Volume
from allbrains.testing.fields import Triple, box

SIZE_MM: Triple = (190.0, 190.0, 220.0)


def bottle(seed: int, *, spacing_mm: float = 2.0, noise: float = 0.02, gain: float = 600.0) -> Volume:
    """Return a noisy scan of a lying bottle of water with a bubble of air and a grid of plastic inside.

    Args:
        seed: of the noise.
        spacing_mm: voxel size on all axes.
        noise: standard deviation in each of two channels, water = 1.
        gain: intensity of water.

    Returns:
        float32, 0 upwards.
    """
    rng = np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, 0))))
    low: Triple = (-SIZE_MM[0] / 2, -SIZE_MM[1] / 2, -SIZE_MM[2] / 2)
    high: Triple = (-low[0], -low[1], -low[2])
    grid = box(low, high, spacing_mm)
    x, y, z = grid.axes()
    # radius 66 mm, 180 mm long: 2.4 l, as much as a large head
    water = np.maximum(np.hypot(x, y) - 66, np.abs(z) - 90)
    bubble = 52 - y + 0 * (x + z)  # on top of a bottle that lies in the scanner
    plastic = np.minimum(np.abs((x + 200) % 24 - 12), np.abs((y + 200) % 24 - 12)) - 1.5 + 0 * z
    plastic = np.maximum(plastic, np.abs(z - 40) - 12)
    inside = np.maximum.reduce([water, -bubble, -plastic])
    image = np.clip(0.5 - inside, 0, 1)
    real, imaginary = (noise * rng.standard_normal(grid.shape, np.float32) for _ in range(2))
    return Volume(array=np.asarray(gain * np.hypot(image + real, imaginary), np.float32), affine=grid.affine)
