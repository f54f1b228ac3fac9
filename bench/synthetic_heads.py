"""Whole heads with exactly known brain masks, made from label maps: for ``bench/processing.py``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from scipy.ndimage import affine_transform, gaussian_filter, label, zoom

from allbrains.records import Array, Volume
from allbrains.steps.canonical import reorient

# T1w-like means of FreeSurfer labels, white matter = 1; what is not named is soft tissue
MEANS = {
    **dict.fromkeys((2, 41, 7, 46, 85), 1.0),
    **dict.fromkeys((3, 42, 8, 47, 17, 18, 53, 54), 0.68),
    **dict.fromkeys((10, 49), 0.86),
    **dict.fromkeys((11, 12, 26, 50, 51, 58), 0.74),
    **dict.fromkeys((13, 52, 16, 28, 60), 0.93),
    **dict.fromkeys((4, 5, 14, 15, 24, 25, 43, 44, 57, 72, 136, 137, 163, 164), 0.22),
    0: 0.0,
    502: 1.2,
    506: 0.25,
    507: 0.6,
    508: 0.6,
    509: 0.7,
    511: 0.8,
    512: 0.8,
    514: 0.7,
    515: 0.08,
    516: 1.1,
}


@dataclass(frozen=True)
class Look:
    """How a synthetic head is seen: pose, spacing, noise, bias."""

    degrees: tuple[float, float, float]
    shift_mm: tuple[float, float, float]
    spacing: tuple[float, float, float]
    noise: float
    bias: float


def looks(seed: int) -> list[Look]:
    """Return five ways to look at a head, drawn from the seed."""
    rng = np.random.default_rng(seed)
    spacings = [(1, 1, 1), (1.2, 1.0, 1.0), (0.9, 0.9, 1.5), (1, 1, 3), (1.5, 1.5, 1.5)]
    return [
        Look(
            tuple(rng.normal(0, 8, 3)),
            tuple(rng.normal(0, 4, 3)),
            s,
            rng.uniform(0.02, 0.07),
            rng.uniform(0.1, 0.4),
        )
        for s in spacings
    ]


def head(labels: Array, look: Look, seed: int) -> tuple[Volume, Array]:
    """Return a T1w-like image of a label map and its true brain mask, on a 256 mm field of view."""
    rng = np.random.default_rng(seed)
    a, b, c = np.deg2rad(look.degrees)
    rx = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    ry = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    rz = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    matrix = rx @ ry @ rz @ np.diag(look.spacing)
    shape = tuple(int(256 / s) for s in look.spacing)
    centre = np.array(labels.shape) / 2
    offset = centre - matrix @ (np.array(shape) / 2) + look.shift_mm
    seen = affine_transform(labels, matrix, offset, shape, order=0)
    levels = np.full(int(labels.max()) + 1, 0.6, np.float32)
    for code, mean in MEANS.items():
        if code < len(levels):
            levels[code] = mean
    levels[1:] *= rng.normal(1, 0.04, len(levels) - 1).astype(np.float32)
    image = gaussian_filter(levels[seen], 0.7 / np.array(look.spacing))
    field = gaussian_filter(rng.normal(size=(24, 24, 24)), 4)
    field = zoom(field / field.std(), np.array(shape) / 24, order=1)
    image = image * np.exp(look.bias * field / 2)
    noisy = np.hypot(image + rng.normal(0, look.noise, shape), rng.normal(0, look.noise, shape))
    pieces, _ = label((seen > 0) & (seen <= 164))
    true = pieces == np.bincount(pieces.ravel())[1:].argmax() + 1
    return Volume(array=(noisy * 700).astype(np.float32), affine=np.diag([*look.spacing, 1.0])), true


def heads(data: Path) -> Iterator[tuple[int, Look, Volume, Array]]:
    """Yield each label map's number, how it is seen, the image and the true brain mask."""
    for number, path in enumerate(sorted((data / "labels/synthseg").glob("*_seg_*.nii.gz")), 1):
        image = nibabel.load(path)
        turned = reorient(Volume(array=np.asarray(image.dataobj, np.int16), affine=image.affine))
        for n, look in enumerate(looks(number)):
            yield number, look, *head(turned.array, look, 100 * number + n)
