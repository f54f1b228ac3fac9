"""Whole heads with known truth: ``phantom(seed)``.

A person is drawn once: size, proportions, deformation, thickness of the layers (``person.py``). An
acquisition then lays that person into a scanner: pose, grid, bias field, noise. The same seed gives the
same person, another ``session`` the same person scanned again.

Limits: the brain is an average of 152 people, so its cortex is blurred and every phantom has the same gyri;
it fits the template better than a real head does. Good for plumbing and for recovering known volumes, not
for claims about accuracy on people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from allbrains.case import Warp
from allbrains.errors import ConfigurationError
from allbrains.records import Volume
from allbrains.testing.fields import Lattice, Triple, box, sample, sample_vectors, smooth_field, stretch
from allbrains.testing.person import LIMIT_SD, Person, Variation, clipped, draw_person
from allbrains.testing.rendering import render

if TYPE_CHECKING:
    from allbrains.records import Affine, Array

AXIS_OF = {"L": 0, "R": 0, "P": 1, "A": 1, "I": 2, "S": 2}
FOV_CENTRE: Triple = (0.0, -8.0, -14.0)  # scan mm; between vertex and chin


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """How a head is scanned.

    Attributes:
        spacing: voxel size along the stored axes, mm.
        orientation: where the stored axes run to: ``RAS``, ``LIA``, ``PSR`` and so on.
        fov_mm: extent left to right, back to front, feet to head.
        oblique_deg: by how much the grid is tilted about the left-right axis.
        rotation_deg: standard deviation of the head's rotation about each axis.
        shift_mm: standard deviation of the head's place along each axis.
        bias: standard deviation, over the head, of the logarithm of the receive field; 0.45 is strong.
        noise: standard deviation of the noise in each of two channels, white matter = 1.
        gain: intensity of white matter.
        stripped: everything outside the brain is 0, as in defaced and stripped datasets.
        capsule: a fish-oil capsule is taped to the right temple.
    """

    spacing: Triple = (1.0, 1.0, 1.0)
    orientation: str = "RAS"
    fov_mm: Triple = (192.0, 240.0, 240.0)
    oblique_deg: float = 0.0
    rotation_deg: float = 5.0
    shift_mm: float = 3.0
    bias: float = 0.2
    noise: float = 0.02
    gain: float = 600.0
    stripped: bool = False
    capsule: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Phantom:
    """A scan and its truth, all images on one grid.

    Attributes:
        t1w: float32, 0 upwards.
        brain_mask: 0 and 1, uint8: voxels that are at least half brain (with its sulcal CSF).
        gm, wm, csf: fraction of the voxel, float32; sum to 1 in the mask, 0 outside.
        warp: template MNI152NLin2009aSym → scan.
        volumes_ml: ``brain``, ``gm``, ``wm``, ``csf``: sums over the mask.
        capsule_mm: scan RAS+ mm; the centre of the capsule's place, whether or not there is one.
    """

    t1w: Volume
    brain_mask: Volume
    gm: Volume
    wm: Volume
    csf: Volume
    warp: Warp
    volumes_ml: Mapping[str, float]
    capsule_mm: Triple


USUAL = Acquisition()
PEOPLE = Variation()


def phantom(
    seed: int, acquisition: Acquisition = USUAL, *, session: int = 0, variation: Variation = PEOPLE
) -> Phantom:
    """Return the scan of the person that ``seed`` stands for.

    Args:
        seed: which person; any integer from 0.
        acquisition: how they are scanned.
        session: which visit: the same person with another pose, bias field and noise.
        variation: how people differ.

    Raises:
        ConfigurationError: no such orientation, or a deformation that folds the head.
    """
    return acquire(draw_person(_stream(seed, 0), variation), acquisition, _stream(seed, 1 + session))


def _stream(*key: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(key)))


def acquire(person: Person, acquisition: Acquisition, rng: np.random.Generator) -> Phantom:
    """Return a scan of this person; pose, bias field and noise are drawn from ``rng``."""
    grid = scan_grid(acquisition)
    warp = Warp(
        affine=_pose(person, acquisition, rng),
        displacement=person.displacement,
        grid_affine=person.lattice.affine,
    )
    seen = render(person, warp, grid, capsule=acquisition.capsule)
    brain = seen.gm + seen.wm + seen.csf
    mask = brain > 0.5
    share = np.where(mask, 1 / np.maximum(brain, 0.5), 0)
    tissues = {"gm": seen.gm * share, "wm": seen.wm * share, "csf": seen.csf * share}
    t1w = _measured(seen.image, grid, acquisition, rng)
    voxel_ml = float(np.prod(grid.spacing)) / 1000
    sums = {"brain": float(mask.sum())} | {name: float(t.sum(dtype=float)) for name, t in tissues.items()}
    x, y, z = _moved(warp, person.temple).tolist()
    return Phantom(
        t1w=Volume(array=t1w * mask if acquisition.stripped else t1w, affine=grid.affine),
        brain_mask=Volume(array=mask.astype(np.uint8), affine=grid.affine),
        **{name: Volume(array=t, affine=grid.affine) for name, t in tissues.items()},
        warp=warp,
        volumes_ml={name: total * voxel_ml for name, total in sums.items()},
        capsule_mm=(x, y, z),
    )


def scan_grid(acquisition: Acquisition) -> Lattice:
    """Return the voxels of an acquisition: centred on the head, in the orientation that it names.

    Raises:
        ConfigurationError: three letters of which no two lie on one axis were expected.
    """
    code = acquisition.orientation
    axes = [AXIS_OF.get(letter, -1) for letter in code]
    if sorted(axes) != [0, 1, 2]:
        raise ConfigurationError(f"no such orientation: {code!r} (expected such as 'RAS', 'LIA')")
    signs = [1 if letter in "RAS" else -1 for letter in code]
    ends = zip(axes, acquisition.spacing, strict=True)
    x, y, z = (max(1, round(acquisition.fov_mm[axis] / size)) for axis, size in ends)
    tilt = Rotation.from_euler("x", acquisition.oblique_deg, degrees=True).as_matrix()
    affine = np.eye(4)
    affine[:3, :3] = tilt @ np.eye(3)[:, axes] * signs * acquisition.spacing
    affine[:3, 3] = FOV_CENTRE - affine[:3, :3] @ (np.array([x, y, z]) - 1) / 2
    return Lattice(shape=(x, y, z), affine=affine)


def _pose(person: Person, acquisition: Acquisition, rng: np.random.Generator) -> Affine:
    """Return the affine template → scan: the person's size, then how they lie."""
    angles = acquisition.rotation_deg * clipped(rng, 3)
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() * person.scale
    pose[:3, 3] = acquisition.shift_mm * clipped(rng, 3)
    return pose


def _moved(warp: Warp, point: Triple) -> Array:
    """Return where a template point lies in the scan."""
    at = np.array([point])
    moved = at + sample_vectors(warp.displacement, warp.grid_affine, at)
    return np.asarray(warp.affine[:3, :3] @ moved[0] + warp.affine[:3, 3])


def _measured(image: Array, grid: Lattice, acquisition: Acquisition, rng: np.random.Generator) -> Array:
    """Return the image with receive field and Rician noise, in the scanner's units."""
    around = box((-128.0, -144.0, -152.0), (128.0, 128.0, 128.0), 8.0)  # the bore, in scan mm
    # 90 mm, of the logarithm: what a receive field leaves after the vendor's own correction
    field = smooth_field(rng, around, 90.0)
    head = (np.abs(around.points() - FOV_CENTRE) < (80.0, 100.0, 90.0)).all(axis=-1)
    field = LIMIT_SD * np.tanh((field - field[head].mean()) / field[head].std() / LIMIT_SD)
    field = sample(field, around.affine, grid.nodes(8.0).points())
    at = [(np.arange(n) + 0.5) * (count - 1) / n for n, count in zip(grid.shape, field.shape, strict=True)]
    signal = image * np.exp(acquisition.bias * stretch(field, at))
    real, imaginary = (acquisition.noise * rng.standard_normal(image.shape, np.float32) for _ in range(2))
    return np.asarray(acquisition.gain * np.hypot(signal + real, imaginary), np.float32)
