"""Random augmentations that keep a brain's label: MONAI's transforms, seeded by scan and epoch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, cast

import torch
from torch import Tensor


def augmented(images: Tensor, seeds: Iterable[int], strength: float) -> Tensor:
    """Return images changed at random, the same for the same seed; on the device where they are.

    Args:
        images: shape (sample, channel, x, y, z).
        seeds: of each sample.
        strength: 0 returns the images.
    """
    if not strength:
        return images
    change = _change(strength, tuple(images.shape[2:]))
    out = []
    for image, seed in zip(images, seeds, strict=True):
        change.set_random_state(seed=seed)
        out.append(torch.as_tensor(change(image)).as_subclass(torch.Tensor))
    return torch.stack(out)


def seeds_for(scan_ids: Sequence[str], *what: int) -> list[int]:
    """Return a seed of 32 bit for each scan, from its name and whatever else it is to depend on."""
    tail = " ".join(map(str, what))
    texts = (f"{one} {at} {tail}" for one, at in zip(scan_ids, _occurrences(scan_ids), strict=True))
    return [int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") for text in texts]


def _occurrences(names: Sequence[str]) -> list[int]:
    """Return, for each name, how often it occurred before: a scan's second view is another one."""
    seen: dict[str, int] = {}
    out = []
    for name in names:
        out.append(seen.get(name, 0))
        seen[name] = out[-1] + 1
    return out


@lru_cache(maxsize=4)
def _change(strength: float, shape: tuple[int, ...]) -> Any:
    """Return MONAI's transform.

    Ranges at strength 1: 3° and 2 % of size, for the brains are registered and larger ones would be seen;
    2 % of the grid shift; mirrored half the time; gain ±5 %, gamma 0.9 to 1.1, noise 0.02 of a map's unit;
    now and then a box of a fifth of each edge is blanked.
    """
    from monai.transforms import (
        Compose,
        RandAffine,
        RandCoarseDropout,
        RandFlip,
        RandGaussianNoise,
        RandScaleIntensity,
    )

    s = strength
    return cast(
        Any,
        Compose(
            [
                RandFlip(prob=0.5, spatial_axis=0),
                RandAffine(
                    prob=0.8,
                    rotate_range=[0.05 * s] * 3,
                    scale_range=[0.02 * s] * 3,
                    translate_range=[0.02 * s * edge for edge in shape],
                    padding_mode="zeros",
                ),
                RandScaleIntensity(prob=0.5, factors=0.05 * s),
                RandGaussianNoise(prob=0.5, std=0.02 * s),
                RandCoarseDropout(
                    holes=1,
                    spatial_size=[max(1, edge // 5) for edge in shape],
                    fill_value=0.0,
                    prob=0.2 * min(s, 1),
                ),
            ]
        ),
    )
