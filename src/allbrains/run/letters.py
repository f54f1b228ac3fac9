"""The letters of directions in a picture, drawn by hand, so that no version of Pillow changes them. Pure."""

from __future__ import annotations

import numpy as np

from allbrains.records import Array

_SHAPES = {
    "L": "10000 10000 10000 10000 10000 10000 11111",
    "R": "11110 10001 10001 11110 10100 10010 10001",
    "A": "01110 10001 10001 11111 10001 10001 10001",
    "P": "11110 10001 10001 11110 10000 10000 10000",
    "S": "01111 10000 10000 01110 00001 00001 11110",
    "I": "11111 00100 00100 00100 00100 00100 11111",
}
_COLOUR = 235
_EDGE = 2  # pixels between a letter and the picture's edge, times its scale
# of a sagittal, coronal and axial plane as we show them: what is left, right, above and below in the picture
SIDES = (("P", "A", "S", "I"), ("L", "R", "S", "I"), ("L", "R", "A", "P"))


def lettered(plane: Array, axis: int, scale: int = 1) -> Array:
    """Return a plane with the letters of its four directions in the middle of its edges.

    Args:
        plane: shape (row, column) or (row, column, 3), uint8; the head's top or front upwards, the person's
            left on the left.
        axis: 0 sagittal, 1 coronal, 2 axial.
        scale: pixels of the picture a pixel of a letter; a letter has 5 × 7 of them.
    """
    out = plane.copy()
    height, width = out.shape[:2]
    for place, letter in enumerate(SIDES[axis]):
        shape = np.kron(_bits(letter), np.ones((scale, scale), bool))
        rows, columns = shape.shape
        edge = _EDGE * scale
        if rows + 2 * edge > height or columns + 2 * edge > width:
            continue
        top = ((height - rows) // 2,) * 2 + (edge, height - edge - rows)
        left = (edge, width - edge - columns) + ((width - columns) // 2,) * 2
        part = out[top[place] : top[place] + rows, left[place] : left[place] + columns]
        part //= 3  # a letter on bright skin is read, too
        part[shape] = _COLOUR
    return out


def _bits(letter: str) -> Array:
    return np.array([[mark == "1" for mark in row] for row in _SHAPES[letter].split()])
