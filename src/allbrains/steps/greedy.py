"""Non-linear registration by greedy, at 2 mm: a sixth of SyN's time for a better fit."""

from __future__ import annotations

from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import nibabel
import numpy as np

from allbrains.case import Case, Warp
from allbrains.records import Affine, Array, Volume
from allbrains.space.template import REGISTRATION_SPACING, template
from allbrains.steps.register import metric_mask, template_correlation


@dataclass(frozen=True, slots=True, kw_only=True)
class GreedyToTemplate:
    """Find the smooth non-linear rest by greedy diffeomorphic registration, with local correlation.

    Like SyN it composes small smooth steps; unlike SyN it moves one image only and finds no inverse on the
    way (``space.grid.inverse`` does, where one is wanted). Measured beside SyN with mutual information: 3.4
    against 20 CPU-s; on phantoms with a known warp 0.6 to 0.8 mm from the truth against 2.5 (the affine
    alone: 3.2); on real heads r with the template .86-.90 against .85-.88, as smooth, and no folds.

    Attributes:
        iterations: on the grids of 8, 4 and 2 mm.
        patch_radius: voxels around each in which the correlation is taken.
        update_sigma, warp_sigma: smoothing of each step and of the whole warp, voxels; SyN's own.
        mask_margin_mm: how far the metric looks beyond the template's brain.

    References:
        Yushkevich et al. 2016, Alzheimer's & Dementia 12:P126-P127.
    """

    name: ClassVar[str] = "greedy_to_template"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("affine", "t1w_coarse")
    gives: ClassVar[tuple[str, ...]] = ("warp",)

    iterations: tuple[int, ...] = (60, 40, 10)
    patch_radius: int = 2
    update_sigma: float = 1.7321
    warp_sigma: float = 0.5
    mask_margin_mm: float = 4.0

    def __call__(self, case: Case) -> Case:
        """Return the case with ``warp``, with the affine part of ``affine``; ``t1w_coarse`` is let go."""
        brain, affine = case.images["t1w_coarse"], case.warps["affine"].affine
        warp = Warp(
            affine=affine,
            displacement=self._displacement(brain, affine),
            grid_affine=template(REGISTRATION_SPACING).affine,
        )
        return case.plus(
            warps={"warp": warp},
            numbers={"template_correlation": template_correlation(brain, warp)},
        ).without("t1w_coarse")

    def _displacement(self, brain: Volume, affine: Affine) -> Array:
        """Return the displacement on the template's grid, (x, y, z, 3), float32, RAS+ mm."""
        from picsl_greedy import Greedy3D

        fixed = template(REGISTRATION_SPACING)
        with TemporaryDirectory() as name:
            folder = Path(name)
            _save(fixed.t1w, fixed.affine, folder / "fixed.nii")
            _save(metric_mask(self.mask_margin_mm), fixed.affine, folder / "mask.nii")
            _save(brain.array, brain.affine, folder / "moving.nii")
            np.savetxt(folder / "affine.mat", affine)
            # `out`: greedy's own words, which must not get between a worker and its driver
            Greedy3D().execute(self._command(folder), out=StringIO())
            return _displacement_in(folder / "warp.nii")

    def _command(self, folder: Path) -> str:
        radius = "x".join([str(self.patch_radius)] * 3)
        return " ".join(
            [
                # one thread and a seed for the noise that it adds to flat patches: the same bytes every time
                "-V 0 -threads 1 -seed 1",
                f'-i "{folder}/fixed.nii" "{folder}/moving.nii" -gm "{folder}/mask.nii"',
                f'-it "{folder}/affine.mat" -o "{folder}/warp.nii" -wp 0',
                f"-m NCC {radius} -n {'x'.join(map(str, self.iterations))}",
                f"-s {self.update_sigma}vox {self.warp_sigma}vox",
            ]
        )


def _save(array: Array, affine: Affine, path: Path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.asarray(array, np.float32), affine), path)


def _displacement_in(path: Path) -> Array:
    """Return greedy's warp (vectors in LPS+ mm, as ITK's are) in RAS+ mm."""
    field = np.asarray(nibabel.load(path).dataobj, np.float32)
    ras: Array = field.reshape(*field.shape[:3], 3) * np.asarray([-1, -1, 1], np.float32)
    return ras
