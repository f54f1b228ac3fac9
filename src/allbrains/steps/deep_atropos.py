"""Six tissues by ANTsPyNet's ``deep_atropos``, brought back to the scan's grid."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from allbrains.recipe import WHERE, Case, Lack
from allbrains.records import Array, Volume
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
        t1w, mask = case.images["t1w"], case.images["mask"].array
        to_mni = np.asarray(np.linalg.inv(case.warps["cropped_mni"].affine), np.float64)
        points = transform(to_mni, Grid(shape=t1w.array.shape, affine=t1w.affine).points()[mask])
        six = {}
        for name, values in zip(SIX, sample(maps, given.affine, points), strict=True):
            array = np.zeros(mask.shape, np.float32)
            array[mask] = np.clip(values, 0, 1)
            six[name] = array
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
