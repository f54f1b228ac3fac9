"""The anatomy that phantoms start from: the template's brain, and a head modelled around it.

The brain is real: the T1w, grey and white matter of MNI152NLin2009aSym, an average of 152 people. All
around it are crude shapes, given as distances in mm from their surfaces, negative inside: what a brain
extraction needs to see, and no more. All in template space, RAS+ mm; read once a process.

References:
    Fonov et al. 2011, NeuroImage 54(1): the template.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from allbrains.space.template import AFFINE, template_map
from allbrains.testing.fields import Lattice, Triple, box, sample

if TYPE_CHECKING:
    from allbrains.records import Affine, Array

# template mm; holds the head from vertex to chin with room for the deformation
HEAD_LOW: Triple = (-112.0, -148.0, -168.0)
HEAD_HIGH: Triple = (112.0, 132.0, 128.0)

STEP_MM = 3.0  # distances interpolate well: finer makes no difference at 1 mm
WHITE_LEVEL = 0.875  # median of the template's T1w where white matter is certain, of its maximum


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelBrain:
    """The template brain on its own 1 mm grid, shape (197, 233, 189).

    Attributes:
        t1w: 0–255, uint8; zero outside the brain.
        gm: probability of grey matter, 0–255, uint8.
        wm: probability of white matter, 0–255, uint8.
        mask: 0 and 255, uint8, so that all four interpolate alike.
        affine: voxel → template RAS+ mm.
    """

    t1w: Array
    gm: Array
    wm: Array
    mask: Array
    affine: Affine


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelHead:
    """Distances in mm from surfaces, negative inside, float32, all on one lattice.

    Attributes:
        lattice: 3 mm apart, in template space.
        hull: the brain with its sulci closed.
        body: face, jaw, neck and ears.
        air: nose, pharynx and sinuses.
        eyes: the eyeballs.
        canal: distance from the axis of the spinal cord; never negative.
    """

    lattice: Lattice
    hull: Array
    body: Array
    air: Array
    eyes: Array
    canal: Array


@cache
def template_brain() -> ModelBrain:
    """Return the template brain."""
    t1w, gm, wm = (template_map(name) for name in ("t1w", "gm", "wm"))
    mask = np.asarray((t1w > 0) * 255, np.uint8)  # the T1w is stripped, and has no holes
    return ModelBrain(t1w=t1w, gm=gm, wm=wm, mask=mask, affine=AFFINE)


@cache
def template_head() -> ModelHead:
    """Return what is around the template brain."""
    lattice = box(HEAD_LOW, HEAD_HIGH, STEP_MM)
    x, y, z = lattice.axes()
    side = np.abs(x)
    body = _union(
        _ellipsoid((x, y, z), (0, 60, -62), (52, 42, 66)),  # face
        _ellipsoid((x, y, z), (0, 40, -98), (48, 50, 38)),  # jaw
        _ellipsoid((x, y, z), (0, 101, -52), (13, 14, 22)),  # nose
        _ellipsoid((side, y, z), (40, 26, -36), (36, 48, 40)),  # muscle behind the cheekbones
        _ellipsoid((x, y, z), (0, -22, -56), (70, 58, 34)),  # below the base of the skull
        _ellipsoid((side, y, z), (78, -24, -40), (8, 16, 26)),  # ears
        np.maximum(_ellipsoid((x, y, 0 * z), (0, -28, 0), (58, 62, 1e3)), z + 30),  # neck
    )
    air = _union(
        _ellipsoid((side, y, z), (7, 66, -58), (5, 28, 18)),  # nasal cavity
        _ellipsoid((side, y, z), (27, 62, -70), (12, 14, 15)),  # maxillary sinuses
        _ellipsoid((x, y, z), (0, 22, -88), (13, 9, 34)),  # pharynx
        np.maximum(_ellipsoid((x, y, 0 * z), (0, 14, 0), (9, 9, 1e3)), z + 112),  # windpipe
    )
    axis = np.sqrt(x**2 + (y + 44) ** 2 + np.maximum(z + 68, 0) ** 2)
    return ModelHead(
        lattice=lattice,
        hull=_hull_distance(lattice),
        body=np.asarray(ndimage.gaussian_filter(body, 6.0 / STEP_MM)),  # the shapes run into each other
        air=air,
        eyes=_ellipsoid((side, y, z), (33, 68, -37), (12, 12, 12)),
        canal=axis,
    )


def _hull_distance(lattice: Lattice) -> Array:
    """Return the distance from the brain with its sulci closed; beyond 24 mm only that it is more."""
    brain = template_brain()
    # the brain and 24 mm around it, in whole steps of the lattice
    near = box((-97.0, -133.0, -99.0), (97.0, 98.0, 108.0), STEP_MM)
    inside = sample(brain.mask, brain.affine, near.points(), outside=0.0) > 127
    # 4 mm of smoothing and a closing by a ball of 8 mm bridge the sulci and fissures, as bone does
    smooth = ndimage.gaussian_filter(np.asarray(inside, np.float32), 4.0 / STEP_MM) > 0.45
    grown = ndimage.distance_transform_edt(~smooth, STEP_MM) <= 8.0
    closed = (ndimage.distance_transform_edt(grown, STEP_MM) > 8.0) | inside
    outer, inner = (ndimage.distance_transform_edt(part, STEP_MM) for part in (~closed, closed))
    signed = outer - inner
    # the surface runs half a step from the centres on either side; smoothed so that shells show no steps
    distance = np.asarray(signed - 0.5 * STEP_MM * np.sign(signed), np.float32)
    low = np.rint((near.affine[:3, 3] - lattice.affine[:3, 3]) / STEP_MM).astype(int)
    pads = [(i, n - i - m) for i, n, m in zip(low, lattice.shape, near.shape, strict=True)]
    return np.pad(ndimage.gaussian_filter(distance, 2.0 / STEP_MM), pads, mode="edge")


def _ellipsoid(at: tuple[Array, Array, Array], centre: Triple, radii: Triple) -> Array:
    """Return the distance from an ellipsoid's surface, to first order."""
    squares = [((a - c) / r) ** 2 for a, c, r in zip(at, centre, radii, strict=True)]
    norm = np.sqrt(squares[0] + squares[1] + squares[2])
    slope = np.sqrt(sum(square / r**2 for square, r in zip(squares, radii, strict=True)))
    # a lattice point on the very centre would divide zero by zero
    return np.asarray(norm * (norm - 1) / np.maximum(slope, 1e-6) - (norm < 1e-6) * min(radii), np.float32)


def _union(*shapes: Array) -> Array:
    return np.asarray(np.minimum.reduce(shapes), np.float32)
