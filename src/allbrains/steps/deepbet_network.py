"""What deepbet's two networks see of an image: a small look for the brain's box, a sharp one inside it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from allbrains.errors import Reason, ScanUnusable
from allbrains.records import Array
from allbrains.steps.linknet import LinkNet
from allbrains.steps.pieces import largest_filled, largest_piece

if TYPE_CHECKING:
    from torch import Tensor

Box = tuple[slice, slice, slice]

# deepbet's own: edges of the two looks, quantiles that become black and white, share of the box added at
# each end, mean of a plane above which it belongs to the box, and the mean and spread of a network's input
_SMALL, _SHARP = 128, 256
_DARK, _BRIGHT = 0.005, 0.995
_MARGIN = 0.1
_PLANE = 0.02
_MEAN, _SPREAD = 0.449, 0.226
_ALL_NEIGHBOURS = 26  # faces, edges and corners join voxels


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainLook:
    """What the networks found in one image.

    Attributes:
        mask: bool, one piece without holes, on the image's grid.
        box: where the sharp look was taken.
    """

    mask: Array
    box: Box


@cache
def networks(device: str) -> tuple[LinkNet, LinkNet]:
    """Return the networks of the small and of the sharp look, with the weights of deepbet's wheel."""
    spec = find_spec("deepbet")
    assert spec is not None  # a dependency of the extra `build`
    assert spec.origin is not None
    folder = Path(spec.origin).parents[1] / "data" / "models"  # its wheel puts them beside the package
    return LinkNet.read(folder / "bbox_model.pt", device), LinkNet.read(folder / "model.pt", device)


def look(array: Array, threshold: float, device: str = "cpu") -> BrainLook:
    """Return where the networks see a brain.

    Args:
        array: shape (x, y, z), axes closest to RAS+, finite.
        threshold: of the probability, above 0 and below 1.
        device: ``cpu`` or ``cuda``.

    Raises:
        ScanUnusable: they see no brain at all.
    """
    import torch

    small, sharp = networks(device)
    image = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).to(device)
    glance = _picked(image, (_SMALL,) * 3)
    dark, bright = np.quantile(glance.cpu().numpy(), [_DARK, _BRIGHT]).tolist()
    rough = small.logit(_normalised(glance, dark, bright)) > 0
    if not bool(rough.any()):
        raise ScanUnusable(Reason.NO_BRAIN_FOUND, "deepbet's network sees no brain in the small look")
    box = _box(largest_piece(rough.cpu().numpy(), _ALL_NEIGHBOURS), array.shape)
    inside = image[box]
    seen = sharp.logit(_normalised(_picked(inside, (_SHARP,) * 3), dark, bright)) > _logit(threshold)
    found = _picked(seen.byte(), inside.shape).bool().cpu().numpy()
    if not found.any():
        raise ScanUnusable(Reason.NO_BRAIN_FOUND, "deepbet's network sees no brain in the sharp look")
    mask = np.zeros(array.shape, bool)
    mask[box] = largest_filled(found, _ALL_NEIGHBOURS)
    return BrainLook(mask=mask, box=box)


def _logit(probability: float) -> float:
    return float(np.log(probability / (1 - probability)))


def _picked(image: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return an image on as many voxels as ``shape`` says, each the nearest one of the image."""
    from torch.nn import functional

    return functional.interpolate(image[None, None], shape, mode="nearest-exact")[0, 0]


def _normalised(image: Tensor, dark: float, bright: float) -> Tensor:
    """Return an image as the networks were taught on it: clipped, then of their mean and spread.

    Raises:
        ScanUnusable: it has one brightness only.
    """
    scaled = ((image - dark) / max(bright - dark, 1e-30)).clamp_(0, 1)
    spread = float(scaled.std())
    if not spread > 0:
        raise ScanUnusable(Reason.NO_BRAIN_FOUND, "all voxels of the brain's box are equally bright")
    return scaled.sub_(scaled.mean()).mul_(_SPREAD / spread).add_(_MEAN)


def _box(rough: Array, shape: tuple[int, ...]) -> Box:
    """Return the box of the small look's mask, with deepbet's margin, in an image of that shape.

    Raises:
        ScanUnusable: what it sees is too thin for a box.
    """
    ends = []
    for axis, size in enumerate(shape):
        line = rough.mean(axis=tuple(k for k in range(3) if k != axis), dtype=np.float64)
        on = np.flatnonzero(line > _PLANE)
        if not on.size:
            raise ScanUnusable(Reason.NO_BRAIN_FOUND, "what deepbet's network sees is too thin for a box")
        scale = size / rough.shape[axis]
        centre = np.rint(scale * (on[-1] + 1 + on[0]) / 2)
        reach = np.rint((1 + 2 * _MARGIN) * scale * (on[-1] + 1 - on[0]))
        ends.append(slice(max(0, int(centre - reach / 2)), min(size, int(centre + reach / 2))))
    return (ends[0], ends[1], ends[2])
