"""Non-linear registration by ANTs' SyN, at 2 mm: for recipes that are ANTs alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import numpy as np

from allbrains.case import Case, Warp
from allbrains.records import Affine
from allbrains.space.template import REGISTRATION_SPACING, template
from allbrains.steps.ants_bridge import ants, displacement_of, to_ants
from allbrains.steps.register import metric_mask, template_correlation


@dataclass(frozen=True, slots=True, kw_only=True)
class SynToTemplate:
    """Find the smooth non-linear rest by SyN, inside the template's dilated mask.

    Attributes:
        iterations: on the grids of 8, 4 and 2 mm; one on the last costs as much as many on the others.
        gradient_step: of SyN. 3 rounds of 0.5 fit better than 5 of 0.3 and cost a quarter less.
        mask_margin_mm: how far the metric looks beyond the template's brain.

    References:
        Avants et al. 2008, Medical Image Analysis 12:26-41.
    """

    name: ClassVar[str] = "syn_to_template"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("affine", "t1w_coarse")
    gives: ClassVar[tuple[str, ...]] = ("warp",)

    iterations: tuple[int, ...] = (30, 20, 3)
    gradient_step: float = 0.5
    mask_margin_mm: float = 4.0

    def __call__(self, case: Case) -> Case:
        """Return the case with ``warp``, with the affine part of ``affine``; ``t1w_coarse`` is let go."""
        brain, affine = case.images["t1w_coarse"], case.warps["affine"].affine
        fixed = template(REGISTRATION_SPACING)
        with TemporaryDirectory() as folder:
            start = str(Path(folder) / "start.mat")
            _write_affine(affine, start)
            result = ants().registration(
                to_ants(fixed.t1w, fixed.affine),
                to_ants(brain.array, brain.affine),
                "SyNOnly",
                initial_transform=start,
                reg_iterations=self.iterations,
                grad_step=self.gradient_step,
                mask=to_ants(metric_mask(self.mask_margin_mm), fixed.affine),
                outprefix=str(Path(folder) / "syn"),
            )
            field = displacement_of(result["fwdtransforms"][0])
        warp = Warp(affine=affine, displacement=field, grid_affine=fixed.affine)
        return case.plus(
            warps={"warp": warp},
            numbers={"template_correlation": template_correlation(brain, warp)},
        ).without("t1w_coarse")


def _write_affine(affine: Affine, path: str) -> None:
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    lps = flip @ affine @ flip
    transform = ants().create_ants_transform(
        transform_type="AffineTransform", dimension=3, matrix=lps[:3, :3], offset=lps[:3, 3]
    )
    ants().write_transform(transform, path)
