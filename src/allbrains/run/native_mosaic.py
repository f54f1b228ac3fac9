"""The whole head in its own space, three rows of seven slices, with what the mask took for brain. Pure.

A picture on the template can't show what a mask cut away; this one does. Its lines are a picture of their
own, so that a rater can take them off and see the edge beneath.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from allbrains.case import Case
from allbrains.records import Affine, Array, Volume
from allbrains.run.letters import lettered
from allbrains.space.grid import sample, transform
from allbrains.steps.pieces import bounding_box

MAX_BYTES = 120_000  # of the heads; their lines take some 15 kB more
ACROSS = 7  # slices of each direction
_WIDEST_PX, _HIGHEST_PX = 200, 260  # of a slice: a head of 240 mm at 0.9 to 1.2 mm a pixel
_MARGIN_MM = 6.0  # of air around the head
_AIR = 0.08  # of the brain's brightness: below it is air, or a defaced head's nothing
# The lower front of the head is left grey: nobody is to be known by the picture of a corpus that somebody
# builds of own scans. Where front and below are, the registration says: the scan's own axes are those of the
# scanner, and a head that looks up in it has its eyes above the middle of its brain. What a mask may have
# missed lies nearer to it than this.
_NEAR_MM = 15.0
_FACE_BEHIND_FRONT_MM = 40.0
_FACE_GREY = 46
_COARSE_MM = 3.0
_TOP_SHARE = 1.25  # of the brain's 98th percentile is white: fat is brighter than any brain
_LINES = ((255, 190, 0), (60, 220, 255))  # the mask's border; the white matter's


@dataclass(frozen=True, slots=True, kw_only=True)
class Mosaic:
    """A picture of a head and the lines that lie over it, of the same size.

    Attributes:
        heads: JPEG, grey; empty where a recipe makes no mask on the scan's own grid.
        lines: PNG with a transparent ground: the mask's border, and the white matter's.
    """

    heads: bytes
    lines: bytes


NO_MOSAIC = Mosaic(heads=b"", lines=b"")


def kept_head(t1w: Volume) -> Volume:
    """Return a scan in half the memory, to be kept until its mask and tissues are known: uint16."""
    top = float(t1w.array.max()) or 1.0
    array = np.clip(t1w.array * np.float32(65535.0 / top), 0, 65535).astype(np.uint16)
    return Volume(array=array, affine=t1w.affine)


def native_mosaic(head: Volume, case: Case) -> Mosaic:
    """Return the picture of a whole head.

    Seven sagittal, seven coronal and seven axial slices, evenly through the mask, along the scan's own axes.
    The viewer's left is the person's left.

    Args:
        head: the scan before it was cropped, RAS+ axes.
        case: with ``mask``, and ``wm`` and the warp ``affine`` where there are, in the same world.
    """
    mask = case.images["mask"]
    head = Volume(array=head.array.astype(np.float32), affine=head.affine)  # once, not for each row of slices
    frame = _Frame.of(head, mask)
    wm = case.images.get("wm")
    near = _distance(mask)
    warp = case.warps.get("affine")
    face = _Face.of(mask, frame.axes if warp is None else warp.affine)
    heads, lines = [], []
    top = _white(head, mask)
    for axis in range(3):
        points = frame.points(axis)
        (grey,) = sample([head.array], head.affine, points)
        (inside,) = sample([mask.array], mask.affine, points)
        white = sample([wm.array], wm.affine, points)[0] if wm is not None else np.zeros_like(inside)
        (far,) = sample([near.array], near.affine, points, edge=True)
        shown = (np.clip(grey / top, 0, 1) * 255).astype(np.uint8)
        shown[face.holds(points) & (far > _NEAR_MM)] = _FACE_GREY
        marks = np.where(_border(white > 0.5), 2, 0)
        marks = np.where(_border(inside > 0.5), 1, marks).astype(np.uint8)
        heads.append(np.concatenate([lettered(one, axis, 2) for one in shown], axis=1))
        lines.append(np.concatenate(list(marks), axis=1))
    return Mosaic(heads=_jpeg(_stacked(heads)), lines=_png(_stacked(lines)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """The scan's own axes in millimetres, and what of them is shown.

    Attributes:
        axes: shape (4, 4), mm along the axes → RAS+ mm; a rotation and a shift.
        low, high: shape (3,), the box of the head, mm along the axes.
        brain_low, brain_high: the mask's box.
    """

    axes: Affine
    low: Array
    high: Array
    brain_low: Array
    brain_high: Array

    @classmethod
    def of(cls, head: Volume, mask: Volume) -> _Frame:
        axes = head.affine.copy()
        axes[:3, :3] /= np.asarray(head.spacing)
        ends = transform(np.linalg.inv(axes) @ mask.affine, _corners(mask.array))
        brain_low, brain_high = ends.min(0), ends.max(0)
        edges = _corners(head.array > _AIR * _white(head, mask)) * np.asarray(head.spacing)
        limit = (np.asarray(head.array.shape) - 1) * np.asarray(head.spacing)
        low = np.maximum(np.minimum(edges[0], brain_low) - _MARGIN_MM, 0)
        high = np.minimum(np.maximum(edges[1], brain_high) + _MARGIN_MM, limit)
        return cls(axes=axes, low=low, high=high, brain_low=brain_low, brain_high=brain_high)

    def points(self, axis: int) -> Array:
        """Return the pixels of the slices across an axis: (slice, row, column, 3), RAS+ mm."""
        across, up = [k for k in range(3) if k != axis]
        length = self.brain_high[axis] - self.brain_low[axis]
        places = self.brain_low[axis] + length * (np.arange(ACROSS) + 0.5) / ACROSS
        edges = self.high - self.low
        step = float(max(edges[across] / _WIDEST_PX, edges[up] / _HIGHEST_PX))  # mm a pixel
        columns = np.arange(self.low[across], self.high[across], step)
        rows = np.arange(self.high[up], self.low[up], -step)
        points = np.empty((ACROSS, len(rows), len(columns), 3), np.float32)
        points[..., axis] = places[:, None, None]
        points[..., across] = columns[None, None, :]
        points[..., up] = rows[None, :, None]
        return transform(self.axes, points)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Face:
    """Where a face may be: below the brain's middle and not far behind its front.

    Attributes:
        upright: shape (4, 4), RAS+ mm → the axes of an upright head, mm.
        behind: along the second of these axes, above which it begins.
        below: along the third, under which it lies.
    """

    upright: Affine
    behind: float
    below: float

    @classmethod
    def of(cls, mask: Volume, axes: Affine) -> _Face:
        """Return the face of the head whose brain the mask is; ``axes``: upright mm → RAS+ mm."""
        upright: Affine = np.asarray(np.linalg.inv(axes), np.float64)
        brain = transform(upright @ mask.affine, np.argwhere(mask.array)[::7].astype(np.float32))
        low, high = brain.min(axis=0), brain.max(axis=0)
        return cls(
            upright=upright, behind=float(high[1]) - _FACE_BEHIND_FRONT_MM, below=float(low[2] + high[2]) / 2
        )

    def holds(self, points: Array) -> Array:
        """Return whether points, RAS+ mm, lie in it."""
        here = transform(self.upright, points)
        out: Array = (here[..., 1] > self.behind) & (here[..., 2] < self.below)
        return out


def _corners(mask: Array) -> Array:
    """Return the first and the last voxel of a mask along each axis: shape (2, 3), float32."""
    box = bounding_box(mask, [0, 0, 0])
    return np.array([[one.start for one in box], [one.stop - 1 for one in box]], np.float32)


def _white(head: Volume, mask: Volume) -> float:
    """Return the value that is shown white."""
    inside = np.argwhere(mask.array)[::7].astype(np.float32)
    (values,) = sample([head.array], head.affine, transform(mask.affine, inside))
    return max(_TOP_SHARE * float(np.percentile(values, 98)), 1e-6)


def _distance(mask: Volume) -> Volume:
    """Return the distance from the mask, mm, on a coarse grid with a border beyond what counts as near."""
    from scipy.ndimage import distance_transform_edt

    stride = [max(1, round(_COARSE_MM / one)) for one in mask.spacing]
    coarse = mask.array[tuple(slice(None, None, one) for one in stride)]
    edges = np.asarray(mask.spacing) * stride
    border = [int(np.ceil(2 * _NEAR_MM / one)) for one in edges]
    padded = np.pad(coarse, [(one, one) for one in border])
    affine = mask.affine @ np.diag([*map(float, stride), 1.0])
    affine[:3, 3] -= affine[:3, :3] @ np.asarray(border, float)
    return Volume(array=distance_transform_edt(~padded, sampling=edges).astype(np.float32), affine=affine)


def _border(planes: Array) -> Array:
    """Return the inner border, one pixel wide, of each plane: (slice, row, column), bool."""
    inner = planes.copy()
    for axis in (1, 2):
        for step in (1, -1):
            inner &= np.roll(planes, step, axis=axis)
    out: Array = planes & ~inner
    return out


def _stacked(rows: list[Array]) -> Array:
    """Return rows under each other, each in the middle."""
    width = max(row.shape[1] for row in rows)
    sides = [(width - row.shape[1]) // 2 for row in rows]
    padded = [
        np.pad(row, ((0, 2), (side, width - row.shape[1] - side)))
        for row, side in zip(rows, sides, strict=True)
    ]
    return np.concatenate(padded)


def _jpeg(picture: Array) -> bytes:
    from PIL import Image

    image = Image.fromarray(picture)
    for quality in (80, 70, 60, 45, 30, 15):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= MAX_BYTES:
            break
    return buffer.getvalue()


def _png(marks: Array) -> bytes:
    from PIL import Image

    image = Image.fromarray(marks, mode="P")
    image.putpalette([0, 0, 0, *_LINES[0], *_LINES[1]])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=0, optimize=True, bits=2)
    return buffer.getvalue()
