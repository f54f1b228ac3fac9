"""A step of another package that takes no time: a made-up brain, for tests of engines.

It stands in for the mask, the affine and the tissues of a real recipe, so that what is left is native code
(SyN), resampling and packing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case, Warp
from allbrains.records import Volume
from allbrains.steps.register import coarse_brain

_TISSUES = ("csf", "gm", "wm")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheapHead:
    """Call the middle of the image a brain, and its thirds by brightness the tissues.

    Attributes:
        radius_mm: of that brain.
    """

    name: ClassVar[str] = "cheap_head"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("t1w",)
    gives: ClassVar[tuple[str, ...]] = ("mask", *_TISSUES, "affine", "t1w_coarse")

    radius_mm: float = 60.0

    def __call__(self, case: Case) -> Case:
        """Return the case with a mask, tissues (fractions, 0-1) and an affine that moves and doesn't turn."""
        t1w = case.images["t1w"]
        middle = (np.array(t1w.array.shape) - 1) / 2
        voxels = np.moveaxis(np.indices(t1w.array.shape), 0, -1) - middle
        mask = np.linalg.norm(voxels @ t1w.affine[:3, :3].T, axis=-1) < self.radius_mm
        steps = np.digitize(t1w.array, np.quantile(t1w.array[mask], (1 / 3, 2 / 3)))
        images = {name: ((steps == place) & mask).astype(np.float32) for place, name in enumerate(_TISSUES)}
        brain = Volume(array=np.where(mask, t1w.array, 0), affine=t1w.affine)
        affine = np.eye(4)
        affine[:3, 3] = t1w.affine[:3, :3] @ middle + t1w.affine[:3, 3]
        warp = Warp(affine=affine, displacement=np.zeros((2, 2, 2, 3), np.float32), grid_affine=np.eye(4))
        return case.plus(
            images={
                "mask": Volume(array=mask, affine=t1w.affine),
                **{name: Volume(array=array, affine=t1w.affine) for name, array in images.items()},
                "t1w_coarse": coarse_brain(brain),
            },
            warps={"affine": warp},
            numbers={"wm_centre_raw": float(t1w.array[mask & (steps == len(_TISSUES) - 1)].mean())},
        )
