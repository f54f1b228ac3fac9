"""N4 as ANTs calls it by default, on the whole image, fitted in the mask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from allbrains.case import Case
from allbrains.records import Volume
from allbrains.steps.ants_bridge import ants
from allbrains.steps.antspynet_bridge import array_of, image_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AntspynetBias:
    """Correct the bias field with ``ants.n4_bias_field_correction``, all settings its own.

    Unlike the step ``bias`` it leaves the head outside the mask: the next step extracts the brain anew.
    """

    name: ClassVar[str] = "antspynet_bias"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("t1w", "mask")
    gives: ClassVar[tuple[str, ...]] = ("t1w",)

    def __call__(self, case: Case) -> Case:
        """Return the case with ``t1w`` divided by the field."""
        t1w, mask = case.images["t1w"], case.images["mask"]
        found = ants().n4_bias_field_correction(image_of(t1w), mask=image_of(mask))
        return case.plus(images={"t1w": Volume(array=array_of(found), affine=t1w.affine)})
