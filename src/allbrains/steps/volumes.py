"""Volumes in ml, in the scan's own space, each named as what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.space.template import REGISTRATION_SPACING, template

# The whole-head mask over the affine's scale: 1.028 to 1.044 on the five heads of ds000011, so that stripped
# scans, whose masks end where somebody's program cut, are not smaller than whole ones.
_MASK_PER_SCALE = 1.035


@dataclass(frozen=True, slots=True, kw_only=True)
class Volumes:
    """Sum the tissue fractions; say how large the head is, and by what.

    Gives the numbers ``csf_ml``, ``gm_ml``, ``wm_ml``; ``icv_ml``, the intracranial volume; ``gm_per_icv``
    and its like; ``brain_scale_ml``, the template's brain-mask volume × the determinant of the affine
    (template → scan). The text ``icv_source`` is ``mask`` for whole heads: on synthetic heads of known
    intracranial volume the mask has .989 of it (spread 2.5 %), the affine's scale .932 (3.1 %) and .871 in an
    atrophic one, because an affine follows the brain. It is ``affine`` where the input was stripped: then the
    mask is somebody else's, and ICV is the scale brought to the mask's level.

    References:
        Buckner et al. 2004, NeuroImage 23:724-738 (scaling by the affine's determinant).
    """

    name: ClassVar[str] = "volumes"
    version: ClassVar[int] = 2
    needs: ClassVar[tuple[str, ...]] = ("mask", "csf", "gm", "wm", "affine")
    gives: ClassVar[tuple[str, ...]] = ()

    def __call__(self, case: Case) -> Case:
        """Return the case with the numbers added."""
        scale = template(REGISTRATION_SPACING).brain_ml * case.numbers["affine_determinant"]
        stripped = case.texts.get("input_stripped") == "yes"
        icv = _MASK_PER_SCALE * scale if stripped else case.numbers["brain_mask_ml"]
        numbers = {"brain_scale_ml": scale, "icv_ml": icv}
        for name in ("csf", "gm", "wm"):
            volume = case.images[name]
            voxel_ml = abs(float(np.linalg.det(volume.affine[:3, :3]))) / 1000.0
            numbers[f"{name}_ml"] = float(volume.array.sum(dtype=np.float64)) * voxel_ml
            numbers[f"{name}_per_icv"] = numbers[f"{name}_ml"] / icv
        return case.plus(numbers=numbers, texts={"icv_source": "affine" if stripped else "mask"})
