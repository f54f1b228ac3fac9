"""A second look at a head that lies askew: upright, as the network of the brain mask was taught."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allbrains.errors import ScanUnusable
from allbrains.records import Affine, Array, Volume
from allbrains.space.grid import Grid, sample, transform
from allbrains.space.template import REGISTRATION_SPACING, template
from allbrains.steps.deepbet_network import look
from allbrains.steps.pieces import bounding_box, largest_filled
from allbrains.steps.pose import affine_pose
from allbrains.steps.register import coarse_brain

_POSE_MM = 4.0  # the affine's last grid here: a pose to a degree is enough
_STEP_MM, _EDGE = 1.25, 216  # of the upright image: the network's own grid is as coarse; 270 mm hold a head
_MARGIN_MM = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PosedMask:
    """How a mask lies against the template.

    Attributes:
        matrix: template → scan, RAS+ mm, of the brain in the mask.
        overlap: Dice of the mask, carried there, with the template's.
        turn_deg: by how much the head is turned from upright, about whatever axis.
    """

    matrix: Affine
    overlap: float
    turn_deg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """What two looks agree on.

    Attributes:
        mask: the look's that overlaps the template more.
        agreement: Dice of the two; 0 where the second found nothing.
    """

    mask: Array
    agreement: float


def posed(volume: Volume, mask: Array) -> PosedMask:
    """Return how the brain in a mask lies; for half a second.

    Args:
        volume: the whole image.
        mask: bool, not empty, on its grid.
    """
    box = bounding_box(mask, [int(np.ceil(_MARGIN_MM / s)) for s in volume.spacing])
    affine = volume.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ np.asarray([s.start for s in box], float)
    brain = Volume(array=np.where(mask[box], volume.array[box], np.float32(0)), affine=affine)
    matrix = affine_pose(coarse_brain(brain), finest=_POSE_MM)
    turn = _rotation(matrix)
    return PosedMask(
        matrix=matrix,
        overlap=_overlap(volume, mask, matrix),
        turn_deg=float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1)))),
    )


def second_look(volume: Volume, first: Array, pose: PosedMask, threshold: float, device: str) -> Looks:
    """Return the better of a mask and one that the network finds in the head turned upright.

    Args:
        volume: the whole image, axes closest to RAS+.
        first: the first mask, bool, on its grid.
        pose: of the first mask.
        threshold, device: as of the step ``brain_mask``.
    """
    try:
        second = _upright_mask(volume, pose.matrix, threshold, device)
    except ScanUnusable:  # the first look is what there is; that nothing else was seen is said
        return Looks(mask=first, agreement=0.0)
    agreement = float(2 * (first & second).sum() / (first.sum() + second.sum()))
    better = _overlap(volume, second, pose.matrix) >= pose.overlap
    return Looks(mask=second if better else first, agreement=agreement)


def _upright_mask(volume: Volume, matrix: Affine, threshold: float, device: str) -> Array:
    """Return the network's mask of the head in the template's pose, on the head's grid."""
    from scipy.ndimage import affine_transform

    fixed = template(REGISTRATION_SPACING)
    middle = (np.asarray(fixed.mask.shape) - 1) / 2
    centre = (matrix @ fixed.affine @ np.append(middle, 1.0))[:3]
    upright = np.eye(4)
    upright[:3, :3] = _rotation(matrix) * _STEP_MM
    upright[:3, 3] = centre - upright[:3, :3] @ np.full(3, (_EDGE - 1) / 2)
    there = np.linalg.inv(volume.affine) @ upright
    turned = affine_transform(volume.array, there[:3, :3], there[:3, 3], (_EDGE,) * 3, order=1)
    found = look(turned, threshold, device).mask.astype(np.float32)
    back = np.linalg.inv(there)
    share = affine_transform(found, back[:3, :3], back[:3, 3], volume.array.shape, order=1)
    return largest_filled(share > 0.5)


def _rotation(matrix: Affine) -> Array:
    """Return the rotation nearest to an affine's linear part."""
    left, _, right = np.linalg.svd(matrix[:3, :3])
    out: Array = left @ right
    return out


def _overlap(volume: Volume, mask: Array, matrix: Affine) -> float:
    fixed = template(REGISTRATION_SPACING)
    shape = (fixed.mask.shape[0], fixed.mask.shape[1], fixed.mask.shape[2])
    points = transform(matrix, Grid(shape=shape, affine=fixed.affine).points())
    (share,) = sample([mask.astype(np.float32)], volume.affine, points)
    here = share > 0.5
    return float(2 * (here & fixed.mask).sum() / (here.sum() + fixed.mask.sum()))
