"""Affine registration of the stripped brain to the template by ANTs, at 2 mm."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

from allbrains.case import Case
from allbrains.records import Affine, Volume
from allbrains.space.template import REGISTRATION_SPACING, template
from allbrains.steps.ants_bridge import affine_of, ants, to_ants
from allbrains.steps.register import coarse_brain, matched, refuse_mismatch


@dataclass(frozen=True, slots=True, kw_only=True)
class AntsAffine:
    """Find the affine by ANTs with mutual information: what ``affine_to_template`` is compared with.

    Attributes:
        min_correlation, min_scale, max_scale: as of ``affine_to_template``.
    """

    name: ClassVar[str] = "ants_affine"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("t1w", "mask")
    gives: ClassVar[tuple[str, ...]] = ("affine", "t1w_coarse")

    min_correlation: float = 0.35
    min_scale: float = 0.4
    max_scale: float = 1.6

    def __call__(self, case: Case) -> Case:
        """Return the case with the warp ``affine`` and ``t1w_coarse``, the brain at 2 mm.

        Raises:
            ScanUnusable: the match is worse than ``min_correlation``, or no head has that size.
        """
        brain = coarse_brain(case.images["t1w"])
        numbers, warp = matched(brain, ants_pose(brain))
        refuse_mismatch(numbers, self.min_correlation, self.min_scale, self.max_scale)
        return case.plus(images={"t1w_coarse": brain}, warps={"affine": warp}, numbers=numbers)


def ants_pose(brain: Volume) -> Affine:
    """Return ANTs' affine, template → scan, RAS+ mm, of a stripped brain at 2 mm."""
    fixed = template(REGISTRATION_SPACING)
    with TemporaryDirectory() as folder:
        result = ants().registration(
            to_ants(fixed.t1w, fixed.affine),
            to_ants(brain.array, brain.affine),
            "Affine",
            aff_metric="mattes",
            outprefix=str(Path(folder) / "affine"),
        )
        return affine_of(result["fwdtransforms"][0])
