"""One small picture of a finished case: what came out, on the template."""

from __future__ import annotations

import io

import numpy as np

from allbrains.case import Case
from allbrains.records import Array
from allbrains.run.letters import lettered
from allbrains.space.template import brain_mask

MAX_BYTES = 40_000
# CSF blue, GM green, WM red: told apart by people who don't see red or green by their brightness too
_COLOURS = {"csf": (70, 110, 255), "gm": (60, 190, 90), "wm": (255, 225, 210)}
FINE_MM = 1.25  # on finer grids a picture has room for larger letters
_OUTLINE = (255, 190, 0)
_SLICES_MM = ((-42, 10), (-20, 22), (-8, 30))  # sagittal x, coronal y, axial z


def montage(case: Case) -> bytes:
    """Return a JPEG of at most 40 kB: above the T1w with the template's outline, below the tissues.

    Two sagittal, two coronal, two axial slices; the viewer's left is the person's left, as in RAS+
    arrays and unlike a radiologist's film.
    """
    from PIL import Image

    t1w = case.images["template_t1w"]
    brain = brain_mask(t1w.spacing[0])
    top, bottom = [], []
    for axis, places in enumerate(_SLICES_MM):
        for place in places:
            index = round((place - brain.affine[axis, 3]) / brain.affine[axis, axis])
            grey = (np.clip(_slice(t1w.array, axis, index) / 1.25, 0, 1) * 255).astype(np.uint8)
            outlined = _outlined(np.repeat(grey[..., None], 3, axis=-1), _slice(brain.array, axis, index))
            top.append(lettered(outlined, axis, 2 if t1w.spacing[0] < FINE_MM else 1))
            bottom.append(_painted(case, axis, index))
    picture = np.concatenate([_row(top), _row(bottom)])
    image = Image.fromarray(picture)
    for quality in (85, 75, 65, 50, 30, 10):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= MAX_BYTES:
            break
    return buffer.getvalue()


def _painted(case: Case, axis: int, index: int) -> Array:
    """Return a plane of the tissues in their colours."""
    mixed = sum(
        _slice(case.images[f"template_{name}"].array, axis, index)[..., None] * np.asarray(colour, np.float32)
        for name, colour in _COLOURS.items()
    )
    painted: Array = np.clip(mixed, 0, 255).astype(np.uint8)
    return painted


def _slice(volume: Array, axis: int, index: int) -> Array:
    """Return a plane with the head's top, or its front, upwards."""
    plane = np.take(volume, min(max(index, 0), volume.shape[axis] - 1), axis=axis)
    return np.flip(np.swapaxes(plane, 0, 1), axis=0)


def _outlined(plane: Array, mask: Array) -> Array:
    from scipy.ndimage import binary_erosion

    out = plane.copy()
    out[mask & ~binary_erosion(mask)] = _OUTLINE
    return out


def _row(planes: list[Array]) -> Array:
    height = max(p.shape[0] for p in planes)
    padded = [np.pad(p, ((height - p.shape[0], 0), (0, 2), (0, 0))) for p in planes]
    return np.concatenate(padded, axis=1)
