"""The person of a phantom: the random draw of one head. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from allbrains.errors import ConfigurationError
from allbrains.testing.anatomy import HEAD_HIGH, HEAD_LOW, template_brain, template_head
from allbrains.testing.fields import Lattice, Triple, box, sample, smooth_field

if TYPE_CHECKING:
    from allbrains.records import Array

FIELD_STEP_MM = 4.0  # of all fields of a person; none varies over less than 6 mm
LIMIT_SD = 2.2  # draws are clipped here, so that no phantom is a monster


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """How people differ.

    Attributes:
        brain_ml: mean and standard deviation of the volume of the brain with its CSF.
        stretch: standard deviation of the three axes' proportions, relative.
        deformation_mm: standard deviation of the displacement along each axis; 0 for the template's shape.
        deformation_length_mm: over which the displacement changes.
        csf_mm, skull_mm, scalp_mm: mean and standard deviation of the layers' thickness over the head.
    """

    brain_ml: tuple[float, float] = (1450.0, 110.0)
    stretch: float = 0.025
    deformation_mm: float = 3.0
    deformation_length_mm: float = 35.0
    csf_mm: tuple[float, float] = (0.9, 0.3)
    skull_mm: tuple[float, float] = (5.5, 1.0)
    scalp_mm: tuple[float, float] = (6.0, 1.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One head, in template space but for its size.

    Attributes:
        scale: factors from template mm to the person's own, along x, y, z.
        lattice: of the fields below, in template space.
        displacement: shape (x, y, z, 3), mm, applied before the scale.
        csf, skull, scalp: thickness, mm, shape (x, y, z).
        texture: mean 0, standard deviation 1, of soft tissue, shape (x, y, z).
        temple: template mm; a point on the skin of the right temple, where a capsule can be taped.
    """

    scale: Triple
    lattice: Lattice
    displacement: Array
    csf: Array
    skull: Array
    scalp: Array
    texture: Array
    temple: Triple


def draw_person(rng: np.random.Generator, variation: Variation) -> Person:
    """Return a random person.

    Raises:
        ConfigurationError: the deformation is so strong that the head folds into itself.
    """
    lattice = box(HEAD_LOW, HEAD_HIGH, FIELD_STEP_MM)
    length = variation.deformation_length_mm
    fields = [smooth_field(rng, lattice, length) for _ in range(3)]
    displacement = variation.deformation_mm * np.stack(fields, axis=-1)
    stretch = 1 + variation.stretch * clipped(rng, 3)
    mean, sd = variation.brain_ml
    wanted_ml = mean + sd * clipped(rng, 1)[0]
    # the volumes of brains are what people differ by most: the scale makes up for what the rest does to it
    volume_ml = _brain_ml(displacement, lattice, variation) * np.prod(stretch)
    x, y, z = (stretch * (wanted_ml / volume_ml) ** (1 / 3)).tolist()
    csf, skull, scalp = (
        np.maximum(mean_mm + sd_mm * smooth_field(rng, lattice, 28.0), 0.3)
        for mean_mm, sd_mm in (variation.csf_mm, variation.skull_mm, variation.scalp_mm)
    )
    return Person(
        scale=(x, y, z),
        lattice=lattice,
        displacement=displacement,
        csf=csf,
        skull=skull,
        scalp=scalp,
        texture=smooth_field(rng, lattice, 6.0),
        temple=_temple(lattice, csf + skull + scalp),
    )


def clipped(rng: np.random.Generator, count: int) -> Array:
    """Return standard normal draws within ``LIMIT_SD``."""
    return np.clip(rng.standard_normal(count), -LIMIT_SD, LIMIT_SD)


def _temple(lattice: Lattice, thickness: Array) -> Triple:
    """Return where a line through the forebrain to the right leaves the skin."""
    line = np.stack([np.arange(40.0, 110.0, 0.5), np.full(140, 30.0), np.full(140, 12.0)], axis=-1)
    head = template_head()
    above = sample(head.hull, head.lattice.affine, line) - sample(thickness, lattice.affine, line)
    x, y, z = line[int(np.argmax(above > 0))].tolist()
    return (x, y, z)


def _brain_ml(displacement: Array, lattice: Lattice, variation: Variation) -> float:
    """Return the volume of the template brain after the displacement, ml."""
    slopes = np.stack([np.stack(np.gradient(displacement[..., i], FIELD_STEP_MM), -1) for i in range(3)], -2)
    determinant = np.linalg.det(np.eye(3) + slopes)
    if determinant.min() <= 0.05:
        raise ConfigurationError(
            f"a deformation of {variation.deformation_mm} mm over {variation.deformation_length_mm} mm "
            "folds the head: take less, or a longer length"
        )
    brain = template_brain()
    inside = sample(brain.mask, brain.affine, lattice.points(), outside=0.0) / 255
    return float((inside * determinant).sum()) * FIELD_STEP_MM**3 / 1000
