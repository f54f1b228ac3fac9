"""From distances to intensities: what a T1-weighted scan shows in each place around the brain. Pure.

Intensities are relative to white matter = 1. Edges are soft over 1 mm, so that no voxel size shows steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from allbrains.records import Array

# what a magnetisation-prepared T1w shows, white matter = 1; chosen by eye
CSF, GREY, WHITE = 0.28, 0.66, 1.0
BONE, MARROW, FAT, SKIN, MUSCLE = 0.10, 0.55, 1.15, 0.75, 0.50
EYE, CORD, CAPSULE = 0.22, 0.75, 1.3

SKIN_MM, FAT_MM, ORBIT_MM = 2.2, 4.5, 6.0
CORD_MM, CANAL_MM, VERTEBRA_MM = 5.5, 9.0, 24.0
CAPSULE_MM = 5.0  # radius, as of a fish-oil capsule
DIPLOE_FROM_MM = 4.5  # a thinner skull is all compact bone


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where voxels are, in mm of the template: arrays of one shape, float32.

    Attributes:
        hull, body, air, eyes, canal: as in ``anatomy.Head``.
        csf, skull, scalp: thickness of the layers here.
        capsule: distance from the centre of the capsule.
        texture: a random field of mean 0 and standard deviation 1.
    """

    hull: Array
    body: Array
    air: Array
    eyes: Array
    canal: Array
    csf: Array
    skull: Array
    scalp: Array
    capsule: Array
    texture: Array


def paint(at: Places) -> Array:
    """Return the intensities of everything but the brain; air is 0."""
    bone = at.hull - at.csf  # from the inner table outwards
    outside = bone - at.skull
    surface = np.minimum(outside - at.scalp, at.body)
    value = MUSCLE * (1 + 0.12 * at.texture)
    value = _over(value, MARROW, np.maximum(at.canal - VERTEBRA_MM, surface + 20))
    value = _over(value, BONE, at.canal - CANAL_MM - 3)
    value = _over(value, FAT, -(surface + SKIN_MM + FAT_MM))
    value = _over(value, 0.9 * FAT, at.eyes - ORBIT_MM)
    value = _over(value, EYE, at.eyes)
    value = _over(value, 0.0, at.air)
    value = _over(value, SKIN, -(surface + SKIN_MM))
    value = _over(value, 0.0, -surface)
    value = _over(value, BONE, outside)
    diploe = np.abs(bone - at.skull / 2) - 0.175 * at.skull  # the middle third, and a little more
    value = _over(value, MARROW, np.maximum(diploe, DIPLOE_FROM_MM - at.skull))
    value = _over(value, CSF, np.minimum(bone, at.canal - CANAL_MM))
    value = _over(value, CORD, at.canal - CORD_MM)
    return _over(value, CAPSULE, at.capsule - CAPSULE_MM)


def _over(below: Array, level: float, distance: Array) -> Array:
    """Return ``below`` with ``level`` laid over it where ``distance`` is negative."""
    return below + (level - below) * np.clip(0.5 - distance, 0, 1)
