"""Pictures of the page: the own brain on the template, beside the template."""

from __future__ import annotations

import io

import numpy as np

from allbrains.records import Array, Volume
from allbrains.run.letters import lettered
from allbrains.run.montage import FINE_MM
from allbrains.space.template import template

PLACES_MM = ((-42, -8, 24), (-50, -18, 22), (-12, 12, 36))  # sagittal x, coronal y, axial z
_OUTLINE = (255, 190, 0)
_ZOOM_TO_MM = 1.0


def registered(t1w: Volume) -> tuple[bytes, bytes]:
    """Return two JPEGs of the same slices: the own T1w with the template's outline, and the template.

    The viewer's left is the person's left.
    """
    spacing = t1w.spacing[0]
    fixed = template(spacing)
    own = _grey(t1w.array / 1.25)
    other = _grey(fixed.t1w / max(float(np.percentile(fixed.t1w, 99.8)), 1e-6))
    scale = 2 if spacing < FINE_MM else 1
    upper, lower = [], []
    for axis, places in enumerate(PLACES_MM):
        for place in places:
            index = round((place - fixed.affine[axis, 3]) / fixed.affine[axis, axis])
            outlined = _outlined(_plane(own, axis, index), _plane(fixed.mask, axis, index))
            upper.append(lettered(outlined, axis, scale))
            lower.append(lettered(_plane(other, axis, index), axis, scale))
    return _jpeg(upper, spacing), _jpeg(lower, spacing)


def _grey(array: Array) -> Array:
    return np.repeat((np.clip(array, 0, 1) * 255).astype(np.uint8)[..., None], 3, axis=-1)


def _plane(volume: Array, axis: int, index: int) -> Array:
    plane = np.take(volume, min(max(index, 0), volume.shape[axis] - 1), axis=axis)
    return np.flip(np.swapaxes(plane, 0, 1), axis=0)


def _outlined(plane: Array, mask: Array) -> Array:
    from scipy.ndimage import binary_erosion

    out = plane.copy()
    out[mask & ~binary_erosion(mask)] = _OUTLINE
    return out


def _jpeg(planes: list[Array], spacing: float) -> bytes:
    from PIL import Image

    height = max(p.shape[0] for p in planes)
    padded = [np.pad(p, ((height - p.shape[0], 0), (0, 2), (0, 0))) for p in planes]
    image = Image.fromarray(np.concatenate(padded, axis=1))
    times = spacing / _ZOOM_TO_MM
    if times != 1:
        image = image.resize((round(image.width * times), round(image.height * times)))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=82, optimize=True)
    return buffer.getvalue()
