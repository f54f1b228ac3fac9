"""Volumes in ml, in the scan's own space, each named as what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.space.template import REGISTRATION_SPACING, template


@dataclass(frozen=True, slots=True, kw_only=True)
class Volumes:
    """Sum the tissue fractions; scale the template's brain by the affine.

    Gives the numbers ``csf_ml``, ``gm_ml``, ``wm_ml``; ``etiv_affine_ml``, the template's brain-mask
    volume × the determinant of the affine (template → scan), which stands for head size as
    FreeSurfer's eTIV does and is no measured intracranial volume; and ``gm_per_etiv`` and its like.

    References:
        Buckner et al. 2004, NeuroImage 23:724-738 (scaling by the affine's determinant).
    """

    name: ClassVar[str] = "volumes"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("csf", "gm", "wm", "affine")
    gives: ClassVar[tuple[str, ...]] = ()

    def __call__(self, case: Case) -> Case:
        """Return the case with the numbers added."""
        etiv = template(REGISTRATION_SPACING).brain_ml * case.numbers["affine_determinant"]
        numbers = {"etiv_affine_ml": etiv}
        for name in ("csf", "gm", "wm"):
            volume = case.images[name]
            voxel_ml = abs(float(np.linalg.det(volume.affine[:3, :3]))) / 1000.0
            numbers[f"{name}_ml"] = float(volume.array.sum(dtype=np.float64)) * voxel_ml
            numbers[f"{name}_per_etiv"] = numbers[f"{name}_ml"] / etiv
        return case.plus(numbers=numbers)
