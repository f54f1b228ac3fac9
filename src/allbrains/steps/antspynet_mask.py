"""Brain mask by ANTsPyNet's network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.recipe import WHERE, Lack
from allbrains.records import Volume
from allbrains.steps.antspynet_bridge import FILES, antspynet, array_of, folder_of, image_of, lacking
from allbrains.steps.brain_mask import mask_numbers, signal_outside
from allbrains.steps.pieces import largest_filled
from allbrains.steps.weights import digest_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AntspynetMask:
    """Find the brain with ``brain_extraction("t1")``; the image stays whole.

    Its volume, ``brain_mask_ml``, is what the recipe's pattern takes for total intracranial volume.

    Attributes:
        threshold: of the network's probability, 0-1.
        cache: folder of the weights; empty: ``$ALLBRAINS_ANTSPYNET_CACHE``, else ``~/.keras/ANTsXNet``.

    References:
        Tustison et al. 2021, Scientific Reports 11:9068.
    """

    name: ClassVar[str] = "antspynet_mask"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("t1w",)
    gives: ClassVar[tuple[str, ...]] = ("mask",)

    threshold: float = 0.5
    cache: str = field(default="", metadata=WHERE)

    def missing(self) -> list[Lack]:
        """Return packages and files that aren't there."""
        return lacking("brain_extraction", self.cache)

    def __call__(self, case: Case) -> Case:
        """Return the case with ``mask``: bool, the grid of ``t1w``, one piece, no holes.

        Raises:
            ScanUnusable: the network sees no brain.
        """
        volume = case.images["t1w"]
        found = antspynet("brain_extraction", self.cache).brain_extraction(image_of(volume), "t1")
        mask = largest_filled(np.asarray(array_of(found) > self.threshold))
        return case.plus(
            images={"mask": Volume(array=mask, affine=volume.affine)},
            numbers={
                **mask_numbers(volume, mask),
                "signal_outside_mask": signal_outside(volume.array, mask),
            },
            texts={"brain_extraction_weights": digest_of(folder_of(self.cache), FILES["brain_extraction"])},
        )
