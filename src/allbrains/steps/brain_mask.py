"""Brain mask by deepbet's networks, whose weights are in its wheel; stripped input is noticed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.recipe import WHERE, Lack
from allbrains.records import Array, Volume
from allbrains.steps.deepbet_network import look
from allbrains.steps.device import device_lack
from allbrains.steps.pieces import bounding_box, largest_filled

_TIPPED_DEG = 25.0  # real heads differ by this much from one that lies tipped back
_TIPPED_STEP_MM = 1.25  # the network's own grid is as coarse


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainMask:
    """Find the brain, and crop the image to it.

    A scan whose voxels outside the network's mask are all but empty was stripped before: then the
    largest filled piece of its non-zero voxels is the mask, because the network, taught on heads,
    draws it up to 8 % too wide.

    A head that is tipped far back has its orbits before the frontal lobes, and the network, taught on upright
    ones, takes them for brain. It shows in a box around the brain that is taller than long; such a head is
    tipped forward and looked at again.

    Attributes:
        threshold: of the network's probability, 0-1.
        stripped_below: share of non-zero voxels outside the mask under which an image counts as
            already stripped; measured 0-0.013 on stripped images and 0.43-0.81 on heads.
        margin_mm: kept around the brain when cropping.
        device: ``cpu`` or ``cuda``, where the network runs.

    References:
        Fisch et al. 2024, deepbet, arXiv 2308.07003.
    """

    name: ClassVar[str] = "brain_mask"
    version: ClassVar[int] = 5
    needs: ClassVar[tuple[str, ...]] = ("t1w",)
    gives: ClassVar[tuple[str, ...]] = ("t1w", "mask")

    threshold: float = 0.5
    stripped_below: float = 0.05
    margin_mm: float = 8.0
    device: str = field(default="cpu", metadata=WHERE)

    def missing(self) -> list[Lack]:
        """Return the device, where there is none of that name."""
        return device_lack(self.device)

    def __call__(self, case: Case) -> Case:
        """Return the case with ``t1w`` cropped to the brain and ``mask`` (bool) on the same grid."""
        volume = case.images["t1w"]
        mask = network_mask(volume, self.threshold, self.device)
        outside = signal_outside(volume.array, mask)
        stripped = outside < self.stripped_below
        if stripped:
            mask = largest_filled(volume.array > 0)
        return case.plus(
            images=cropped(volume, mask, self.margin_mm),
            numbers={**mask_numbers(volume, mask), "signal_outside_mask": outside},
            texts={"input_stripped": "yes" if stripped else "no"},
        )


def cropped(volume: Volume, mask: Array, margin_mm: float) -> dict[str, Volume]:
    """Return ``t1w`` and ``mask`` in the mask's box and a margin around it."""
    brain = Volume(array=mask, affine=volume.affine)
    box = box_of(brain, margin_mm)
    return {"t1w": crop(volume, box), "mask": crop(brain, box)}


def box_of(mask: Volume, margin_mm: float) -> tuple[slice, slice, slice]:
    """Return the box of a mask plus a margin, cut at the image's edge."""
    return bounding_box(mask.array, [int(np.ceil(margin_mm / s)) for s in mask.spacing])


def mask_numbers(volume: Volume, mask: Array) -> dict[str, float]:
    """Return what the gate judges a mask by.

    Args:
        volume: the whole image.
        mask: bool, not empty, on its grid.
    """
    box = bounding_box(mask, [0, 0, 0])
    extent = [(s.stop - s.start) * step for s, step in zip(box, volume.spacing, strict=True)]
    touched = sum(int(np.moveaxis(mask, k, 0)[i].any()) for k in range(3) for i in (0, -1))
    return {
        "brain_mask_ml": float(mask.sum()) * float(np.prod(volume.spacing)) / 1000.0,
        "brain_extent_max_mm": max(extent),
        "mask_faces_at_fov": float(touched),
    }


def signal_outside(array: Array, mask: Array) -> float:
    """Return the share of voxels outside the mask that are above zero; 1 where nothing is outside."""
    return float((array[~mask] > 0).mean()) if not mask.all() else 1.0


def network_mask(volume: Volume, threshold: float, device: str = "cpu") -> Array:
    """Return deepbet's mask of a RAS+ image: bool, one piece, no holes.

    Raises:
        ScanUnusable: the network sees no brain at all.
    """
    seen = look(volume.array, threshold, device)
    if taller_than_long(seen.box, volume.spacing):
        return tipped_mask(volume, threshold, device)
    return seen.mask


def taller_than_long(box: tuple[slice, ...], spacing: tuple[float, float, float]) -> bool:
    """Return whether a box in a RAS+ image reaches further along z than along y.

    Measured, height over length of the network's box: 0.74 to 0.91 in ten real heads, 0.75 to 0.99 in
    thirteen made from labels; 1.03 and 1.35 in the two whose masks ran into the orbits.

    Args:
        box: where the network sees the brain, with its margin.
        spacing: along x, y, z, mm.
    """
    length, height = ((box[k].stop - box[k].start) * spacing[k] for k in (1, 2))
    return bool(height > length)


def tipped_mask(volume: Volume, threshold: float, device: str = "cpu") -> Array:
    """Return the network's mask of a head that is tipped forward about its own centre, on the head's grid.

    Raises:
        ScanUnusable: the network sees no brain.
    """
    from scipy.ndimage import affine_transform

    spacing, shape = np.asarray(volume.spacing), np.asarray(volume.array.shape)
    width, depth, height = shape * spacing
    large = np.ceil(np.array([width, max(depth, height), max(depth, height)]) / _TIPPED_STEP_MM).astype(int)
    there = _about_x(_TIPPED_DEG) * _TIPPED_STEP_MM / spacing[:, None]  # from the tipped grid's voxels
    back = np.linalg.inv(there)
    middle, tipped_middle = (shape - 1) / 2, (large - 1) / 2
    tipped = affine_transform(volume.array, there, middle - there @ tipped_middle, tuple(large), order=1)
    mask = look(tipped, threshold, device).mask
    share = affine_transform(
        mask.astype(np.float32), back, tipped_middle - back @ middle, tuple(shape), order=1
    )
    return largest_filled(share > 0.5)


def _about_x(degrees: float) -> Array:
    """Return the rotation, 3 × 3, that takes points of a RAS+ frame nose up."""
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])


def crop(volume: Volume, box: tuple[slice, slice, slice]) -> Volume:
    """Return a box of a volume, copied; world positions stay."""
    affine = volume.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ np.asarray([s.start for s in box], float)
    return Volume(array=volume.array[box].copy(), affine=affine)
