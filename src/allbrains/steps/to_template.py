"""Maps in template space, each resampled once from the scan's own grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.records import Array, Volume
from allbrains.space.grid import jacobian, sample, through
from allbrains.space.template import output_grid
from allbrains.steps.labels import region_at, six_labels

_SAMPLED = ("t1w", "mask", "csf", "gm", "wm")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToTemplate:
    """Carry T1w, mask and tissues onto the corpus grid, with labels and the log-Jacobian.

    Only voxels within 8 mm of the template's brain are filled; the rest of the box is 0.

    Attributes:
        spacing_mm: of the corpus grid.
    """

    name: ClassVar[str] = "to_template"
    version: ClassVar[int] = 3
    needs: ClassVar[tuple[str, ...]] = (*_SAMPLED, "warp")
    gives: ClassVar[tuple[str, ...]] = tuple(f"template_{name}" for name in (*_SAMPLED, "labels", "logjac"))

    spacing_mm: float = 1.0

    def __call__(self, case: Case) -> Case:
        """Return the case with the ``template_*`` images.

        ``template_t1w`` is in units of the WM centre; tissues are fractions; ``template_labels`` has the
        codes of ``steps.labels.Label``; ``template_logjac`` is the natural log of the non-linear part's
        determinant (template → scan, without the affine).
        """
        grid, warp = output_grid(self.spacing_mm), case.warps["warp"]
        everywhere = grid.points()
        region = region_at(everywhere)
        near = region > 0
        points = everywhere[near]
        native = [case.images[name].array for name in _SAMPLED]
        t1w, mask, csf, gm, wm = sample(native, case.images["t1w"].affine, through(warp, points))
        (logjac,) = sample([np.log(np.maximum(jacobian(warp), 1e-3))], warp.grid_affine, points, edge=True)
        inside = mask >= 0.5
        found = {
            "t1w": np.where(inside, t1w / np.float32(case.numbers["wm_centre_raw"]), np.float32(0)),
            "mask": inside,
            "csf": csf,
            "gm": gm,
            "wm": wm,
            "labels": np.where(inside, six_labels(region[near], csf, gm, wm), np.uint8(0)),
            "logjac": logjac,
        }
        return case.plus(
            images={
                f"template_{name}": Volume(array=_filled(near, values), affine=grid.affine)
                for name, values in found.items()
            }
        )


def _filled(near: Array, values: Array) -> Array:
    """Return an array on the grid of ``near`` with the values where it is true and 0 elsewhere."""
    array = np.zeros(near.shape, values.dtype)
    array[near] = values
    return array
