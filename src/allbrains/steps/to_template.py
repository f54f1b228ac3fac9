"""Maps in template space, each resampled once from the scan's own grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.recipe import Case
from allbrains.records import Volume
from allbrains.space.grid import jacobian, sample, through
from allbrains.space.template import output_grid


@dataclass(frozen=True, slots=True, kw_only=True)
class ToTemplate:
    """Carry T1w, mask and tissues onto the corpus grid, with the log-Jacobian.

    Attributes:
        spacing_mm: of the corpus grid.
    """

    name: ClassVar[str] = "to_template"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("t1w", "mask", "csf", "gm", "wm", "warp")
    gives: ClassVar[tuple[str, ...]] = tuple(
        f"template_{name}" for name in ("t1w", "mask", "csf", "gm", "wm", "logjac")
    )

    spacing_mm: float = 1.0

    def __call__(self, case: Case) -> Case:
        """Return the case with the ``template_*`` images.

        ``template_t1w`` is in units of the WM centre; tissues are fractions; ``template_logjac`` is
        the natural log of the non-linear part's determinant (template → scan, without the affine).
        """
        grid, warp = output_grid(self.spacing_mm), case.warps["warp"]
        points = grid.points()
        names = ("t1w", "mask", "csf", "gm", "wm")
        arrays = [case.images[name].array for name in names]
        warped = sample(arrays, case.images["t1w"].affine, through(warp, points))
        (log_jacobian,) = sample(
            [np.log(np.maximum(jacobian(warp), 1e-3))], warp.grid_affine, points, edge=True
        )
        t1w, mask, *tissues = warped
        inside = mask >= 0.5
        images = {
            "t1w": np.where(inside, t1w / np.float32(case.numbers["wm_centre_raw"]), np.float32(0)),
            "mask": inside,
            **dict(zip(("csf", "gm", "wm"), tissues, strict=True)),
            "logjac": log_jacobian,
        }
        return case.plus(
            images={f"template_{k}": Volume(array=v, affine=grid.affine) for k, v in images.items()}
        )
