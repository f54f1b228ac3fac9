"""The brain's surface: for the page, and for a printer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allbrains.case import Warp
from allbrains.records import Affine, Array, Volume
from allbrains.space.grid import through

PAGE_MM = 2.0  # about 80,000 triangles: turns smoothly in a browser without a graphics card
_LEVEL = 0.5  # half of a voxel is grey or white matter
_SMOOTH = 0.6  # voxels; partial volume is noisy, a printer's nozzle is 0.4 mm


@dataclass(frozen=True, slots=True, kw_only=True)
class Mesh:
    """A closed surface.

    Attributes:
        vertices: shape (n, 3), float32, mm RAS+ of the scan: the brain's true size.
        faces: shape (m, 3), int32, counter-clockwise from outside.
    """

    vertices: Array
    faces: Array

    @property
    def volume_ml(self) -> float:
        """What it encloses."""
        a, b, c = (self.vertices[self.faces[:, k]].astype(float) for k in range(3))
        return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6000)


def surface(tissue: Volume, warp: Warp, *, spacing_mm: float = 0.0) -> Mesh:
    """Return the outer surface of grey and white matter, in one piece, cavities filled.

    Args:
        tissue: fraction of grey and white matter together, in template space.
        warp: template → scan.
        spacing_mm: of the grid that it is made on; 0 for the tissue's own.
    """
    from skimage.measure import marching_cubes

    solid, affine = _solid(tissue, spacing_mm)
    vertices, faces, _, _ = marching_cubes(np.pad(solid, 1), _LEVEL, allow_degenerate=False)
    points = ((vertices - 1) @ affine[:3, :3].T + affine[:3, 3]).astype(np.float32)
    mesh = Mesh(vertices=through(warp, points), faces=faces.astype(np.int32))
    return mesh if mesh.volume_ml > 0 else Mesh(vertices=mesh.vertices, faces=mesh.faces[:, ::-1].copy())


def stl(mesh: Mesh) -> bytes:
    """Return a binary STL in mm; the same mesh gives the same bytes."""
    corners = mesh.vertices[mesh.faces].astype("<f4")
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    records = np.zeros(
        len(corners), dtype=[("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("extra", "<u2")]
    )
    records["normal"] = normals / np.where(lengths > 0, lengths, 1)
    records["corners"] = corners
    header = b"brain surface, millimetres, by allbrains".ljust(80)
    return header + len(corners).to_bytes(4, "little") + bytes(records.tobytes())


def _solid(tissue: Volume, spacing_mm: float) -> tuple[Array, Affine]:
    """Return a field that is above ``_LEVEL`` in one solid piece, and its affine."""
    from scipy.ndimage import binary_fill_holes, gaussian_filter, label

    step = max(1, round(spacing_mm / tissue.spacing[0]))
    field = gaussian_filter(np.asarray(tissue.array, np.float32), _SMOOTH * step)[::step, ::step, ::step]
    affine = tissue.affine @ np.diag([step, step, step, 1.0])
    pieces, count = label(field > _LEVEL)
    if count > 1:
        largest = int(np.argmax(np.bincount(pieces.ravel())[1:])) + 1
        field = np.where((pieces == largest) | (field <= _LEVEL), field, 0)
        pieces = np.where(pieces == largest, 1, 0)
    cavities = binary_fill_holes(pieces > 0) & (pieces == 0)
    return np.where(cavities, 1.0, field).astype(np.float32), affine
