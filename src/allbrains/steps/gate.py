"""Plausibility gate: refuse early a mask that can't be of a human brain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.errors import Reason, ScanUnusable


@dataclass(frozen=True, slots=True, kw_only=True)
class BrainGate:
    """Refuse a mask that no human brain has.

    Attributes:
        min_ml, max_ml: volume of the brain mask. Newborns have about 350 ml; the largest adult
            masks measured are 2300 ml, noise gives 2900 and more.
        max_extent_mm: longest edge of the mask's box; adults reach 200 mm.
        max_non_finite: share of the mask's voxels that may be NaN or infinite in the file, 0-1. Programs
            that blank what is dark leave fluid out, a fifth of a mask; above that, tissue is missing.
        max_faces: faces of the field of view that the mask may touch: noise touches all six, a
            tightly cropped scan of a head touches some.
    """

    name: ClassVar[str] = "brain_gate"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("mask",)
    gives: ClassVar[tuple[str, ...]] = ()

    min_ml: float = 300.0
    max_ml: float = 2600.0
    max_extent_mm: float = 230.0
    max_faces: int = 4
    max_non_finite: float = 0.3

    def __call__(self, case: Case) -> Case:
        """Return the case without ``non_finite``, and with its share of the mask, or refuse it."""
        ml = case.numbers["brain_mask_ml"]
        extent = case.numbers["brain_extent_max_mm"]
        faces = case.numbers["mask_faces_at_fov"]
        if not self.min_ml <= ml <= self.max_ml:
            self._refuse(f"the brain mask has {ml:.0f} ml; expected {self.min_ml:.0f} to {self.max_ml:.0f}")
        if extent > self.max_extent_mm:
            self._refuse(f"the brain mask is {extent:.0f} mm long; expected at most {self.max_extent_mm:.0f}")
        if faces > self.max_faces and case.texts.get("input_stripped") != "yes":
            self._refuse(f"the brain mask touches {faces:.0f} faces of the field of view")
        if (share := _share_lost(case)) > self.max_non_finite:
            raise ScanUnusable(Reason.NON_FINITE, f"{share:.1%} of the brain's voxels are NaN or infinite")
        return case.plus(numbers={"non_finite_in_brain": share}).without("non_finite")

    @staticmethod
    def _refuse(detail: str) -> None:
        raise ScanUnusable(Reason.IMPLAUSIBLE_BRAIN, detail)


def _share_lost(case: Case) -> float:
    """Return which share of the brain mask the file had no finite value for."""
    if "non_finite" not in case.images:
        return 0.0
    mask, lost = case.images["mask"], case.images["non_finite"]
    corner = np.rint(np.linalg.inv(lost.affine) @ mask.affine[:, 3])[:3].astype(int)
    x, y, z = (slice(start, start + side) for start, side in zip(corner, mask.array.shape, strict=True))
    return float(lost.array[x, y, z][mask.array > 0].mean())
