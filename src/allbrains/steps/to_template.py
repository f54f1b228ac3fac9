"""Maps in template space, each resampled once from the scan's own grid."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.records import Array, Volume
from allbrains.space.grid import Grid, jacobian, sample, spread, transform
from allbrains.space.template import output_grid
from allbrains.steps.labels import region_at, six_labels

_SAMPLED = ("t1w", "mask", "gm", "wm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """The voxels of the corpus grid that are filled: those within 8 mm of the template's brain.

    Attributes:
        grid: the corpus grid.
        inside: bool, its shape.
        points: shape (n, 3), float32, template RAS+ mm.
        region: shape (n,), codes of ``Region``.
    """

    grid: Grid
    inside: Array
    points: Array
    region: Array


@cache
def near(spacing: float) -> Near:
    """Return what is the same in every scan; kept for the life of the process."""
    grid = output_grid(spacing)
    everywhere = grid.points()
    region = region_at(everywhere)
    inside = region > 0
    return Near(grid=grid, inside=inside, points=everywhere[inside], region=region[inside])


@dataclass(frozen=True, slots=True, kw_only=True)
class ToTemplate:
    """Carry T1w, mask and tissues onto the corpus grid, with labels and the log-Jacobian.

    Only voxels within 8 mm of the template's brain are filled; the rest of the box is 0.

    Attributes:
        spacing_mm: of the corpus grid.
    """

    name: ClassVar[str] = "to_template"
    version: ClassVar[int] = 4
    needs: ClassVar[tuple[str, ...]] = (*_SAMPLED, "csf", "warp")
    gives: ClassVar[tuple[str, ...]] = tuple(
        f"template_{name}" for name in (*_SAMPLED, "csf", "labels", "logjac")
    )

    spacing_mm: float = 1.0

    def __call__(self, case: Case) -> Case:
        """Return the case with the ``template_*`` images.

        ``template_t1w`` is in units of the WM centre; tissues are fractions; ``template_labels`` has the
        codes of ``steps.labels.Label``; ``template_logjac`` is the natural log of the non-linear part's
        determinant (template → scan, without the affine).
        """
        here, warp = near(self.spacing_mm), case.warps["warp"]
        fields = [warp.displacement[..., k] for k in range(3)]
        fields.append(np.log(np.maximum(jacobian(warp), 1e-3)))
        *moves, logjac = (field[here.inside] for field in spread(fields, warp.grid_affine, here.grid))
        moved = transform(warp.affine, here.points + np.stack(moves, axis=-1))
        native = [case.images[name].array for name in _SAMPLED]
        t1w, mask, gm, wm = sample(native, case.images["t1w"].affine, moved)
        csf = np.maximum(mask - gm - wm, 0)  # the three sum to the mask, resampled too
        inside = mask >= 0.5
        found = {
            "t1w": np.where(inside, t1w / np.float32(case.numbers["wm_centre_raw"]), np.float32(0)),
            "mask": inside,
            "csf": csf,
            "gm": gm,
            "wm": wm,
            "labels": np.where(inside, six_labels(here.region, csf, gm, wm), np.uint8(0)),
            "logjac": logjac,
        }
        return case.plus(
            images={
                f"template_{name}": Volume(array=_filled(here.inside, values), affine=here.grid.affine)
                for name, values in found.items()
            }
        )


def _filled(inside: Array, values: Array) -> Array:
    """Return an array on the grid of ``inside`` with the values where it is true and 0 elsewhere."""
    array = np.zeros(inside.shape, values.dtype)
    array[inside] = values
    return array
