"""Six tissues by ANTsPyNet's ``deep_atropos``, brought back to the scan's grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.recipe import WHERE, Lack
from allbrains.records import Affine, Array, Volume
from allbrains.space.grid import Grid, sample, transform
from allbrains.steps.antspynet_bridge import FILES, antspynet, array_of, folder_of, image_of, lacking
from allbrains.steps.centres import centres
from allbrains.steps.six import SIX, three_of_six, volumes_of_six
from allbrains.steps.weights import digest_of


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepAtropos:
    """Segment with ``deep_atropos(do_preprocessing=False)``: eight patches of 112³ in one batch.

    Attributes:
        cache: folder of the weights, as for ``antspynet_mask``.
    """

    name: ClassVar[str] = "deep_atropos"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("t1w", "mask", "preprocessed", "cropped_mni")
    gives: ClassVar[tuple[str, ...]] = (*SIX, "csf", "gm", "wm")

    cache: str = field(default="", metadata=WHERE)

    def missing(self) -> list[Lack]:
        """Return packages and files that aren't there."""
        return lacking("deep_atropos", self.cache)

    def __call__(self, case: Case) -> Case:
        """Return the case with six probabilities, and CSF, GM and WM summed from them; see ``steps.six``.

        Raises:
            ScanUnusable: the network found no GM or no WM.
        """
        given = case.images["preprocessed"]
        found = antspynet("deep_atropos", self.cache).deep_atropos(
            image_of(given), do_preprocessing=False, use_spatial_priors=1, verbose=False
        )
        maps = [array_of(image) for image in found["probability_images"][1:]]  # the first is background
        t1w = case.images["t1w"]
        six = on_scan(maps, given.affine, case.warps["cropped_mni"].affine, case.images["mask"])
        three = three_of_six(six)
        images: dict[str, Array] = {**six, **three}
        return case.plus(
            images={name: Volume(array=array, affine=t1w.affine) for name, array in images.items()},
            numbers={
                **volumes_of_six(six, voxel_ml=float(np.prod(t1w.spacing)) / 1000),
                **centres(t1w.array, three["gm"], three["wm"]),
            },
            texts={"deep_atropos_weights": digest_of(folder_of(self.cache), FILES["deep_atropos"])},
        ).without("preprocessed")


def on_scan(maps: Sequence[Array], affine: Affine, to_scan: Affine, mask: Volume) -> dict[str, Array]:
    """Return the six maps on the scan's grid, by name: float32, 0 outside the mask.

    Args:
        maps: in the order of ``SIX``, 0-1.
        affine: voxel of the maps → their world, RAS+ mm.
        to_scan: shape (4, 4), their world → the scan's, RAS+ mm.
        mask: bool, on the scan's grid.
    """
    inside = mask.array
    points = Grid(shape=inside.shape, affine=mask.affine).points()[inside]
    found = sample(maps, affine, transform(np.asarray(np.linalg.inv(to_scan), np.float64), points))
    six = {}
    for name, values in zip(SIX, found, strict=True):
        six[name] = np.zeros(inside.shape, np.float32)
        six[name][inside] = np.clip(values, 0, 1)
    return six
