"""Brain mask by deepmriprep's models of deepbet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.errors import Reason, ScanUnusable
from allbrains.recipe import WHERE, Lack
from allbrains.records import Volume
from allbrains.steps.brain_mask import mask_numbers, signal_outside
from allbrains.steps.deepmriprep_bridge import deepmriprep, lacking


@dataclass(frozen=True, slots=True, kw_only=True)
class DeepmriprepMask:
    """Find the brain as deepmriprep does; the image stays whole.

    Attributes:
        threshold: of the network's probability, 0-1.
        cache: folder of the models; empty: ``$ALLBRAINS_DEEPMRIPREP_CACHE``, else deepmriprep's own.
        device: ``cpu`` or ``cuda``.
    """

    name: ClassVar[str] = "deepmriprep_mask"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = ("t1w",)
    gives: ClassVar[tuple[str, ...]] = ("mask",)

    threshold: float = 0.5
    cache: str = field(default="", metadata=WHERE)
    device: str = field(default="cpu", metadata=WHERE)

    def missing(self) -> list[Lack]:
        """Return packages, files and the device that aren't there."""
        return lacking(self.cache, self.device)

    def __call__(self, case: Case) -> Case:
        """Return the case with ``mask``: bool, the grid of ``t1w``, one piece, no holes.

        Raises:
            ScanUnusable: the network sees no brain.
        """
        volume = case.images["t1w"]
        network = deepmriprep(self.cache, self.device).brain_extract
        try:
            shares = network.run_model(np.array(volume.array, np.float32, order="C"))
            mask = np.asarray(network.postprocess(shares > self.threshold), bool)
        except (ValueError, AssertionError) as error:  # its arg-max over an empty mask, its own assertion
            raise ScanUnusable(Reason.NO_BRAIN_FOUND, f"deepmriprep finds no brain ({error})") from error
        return case.plus(
            images={"mask": Volume(array=mask, affine=volume.affine)},
            numbers={
                **mask_numbers(volume, mask),
                "signal_outside_mask": signal_outside(volume.array, mask),
            },
        )
