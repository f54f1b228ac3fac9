"""The image as ``deep_atropos`` was taught on: stripped, in cropped MNI space, N4, denoised."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from allbrains.case import Case, Warp
from allbrains.recipe import WHERE, Lack
from allbrains.records import Volume
from allbrains.steps.ants_bridge import affine_of, grid_of
from allbrains.steps.antspynet_bridge import antspynet, array_of, image_of, lacking


@dataclass(frozen=True, slots=True, kw_only=True)
class AntspynetPreprocess:
    """Call ``preprocess_brain_image`` as ``deep_atropos`` itself would.

    It truncates intensities to the 1st to 99th percentile, extracts the brain of the image and of the
    template, registers them (affine), applies N4, and denoises. Extraction and N4 repeat what the steps
    before did; they stay, so that the results are those of the pattern.

    Attributes:
        denoise: whether to denoise, which takes a fifth of the recipe's time.
        cache: folder of the weights, as for ``antspynet_mask``.
    """

    name: ClassVar[str] = "antspynet_preprocess"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("t1w",)
    gives: ClassVar[tuple[str, ...]] = ("preprocessed", "cropped_mni")

    denoise: bool = True
    cache: str = field(default="", metadata=WHERE)

    def missing(self) -> list[Lack]:
        """Return packages and files that aren't there."""
        return lacking("preprocess_brain_image", self.cache)

    def __call__(self, case: Case) -> Case:
        """Return the case with the image ``preprocessed`` and the affine warp ``cropped_mni``.

        ``preprocessed`` is on the grid of ANTsPyNet's cropped MNI template, 0 outside the brain;
        ``cropped_mni`` maps that template's RAS+ mm to the scan's.
        """
        found = antspynet("preprocess_brain_image", self.cache).preprocess_brain_image(
            image_of(case.images["t1w"]),
            truncate_intensity=(0.01, 0.99),
            brain_extraction_modality="t1",
            template="croppedMni152",
            template_transform_type="antsRegistrationSyNQuickRepro[a]",
            do_bias_correction=True,
            do_denoising=self.denoise,
            verbose=False,
        )
        stripped = found["preprocessed_image"] * found["brain_mask"]
        affine = grid_of(stripped)
        return case.plus(
            images={"preprocessed": Volume(array=array_of(stripped), affine=affine)},
            warps={
                "cropped_mni": Warp(
                    affine=affine_of(found["template_transforms"]["fwdtransforms"][0]),
                    displacement=np.zeros((2, 2, 2, 3), np.float32),
                    grid_affine=affine,
                )
            },
        )
