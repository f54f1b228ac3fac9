"""Six probabilities in template space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from allbrains.case import Case
from allbrains.records import Volume
from allbrains.space.grid import affine_points, sample, through
from allbrains.steps.six import SIX, labels_of_six


@dataclass(frozen=True, slots=True, kw_only=True)
class SixToTemplate:
    """Carry the six probabilities onto the corpus grid, and label it by the most probable.

    Replaces ``template_labels``: the labels are then the segmentation's own, not the template's regions.
    """

    name: ClassVar[str] = "six_to_template"
    version: ClassVar[int] = 1
    needs: ClassVar[tuple[str, ...]] = (*SIX, "warp", "template_mask")
    gives: ClassVar[tuple[str, ...]] = (*(f"template_{name}" for name in SIX), "template_labels")

    def __call__(self, case: Case) -> Case:
        """Return the case with ``template_prob_*`` and ``template_labels`` (codes of ``Label``)."""
        mask = case.images["template_mask"]
        near = mask.array > 0
        points = through(case.warps["warp"], affine_points(mask.affine, mask.array.shape)[near])
        native = [case.images[name] for name in SIX]
        images = {}
        for name, values in zip(
            SIX, sample([v.array for v in native], native[0].affine, points), strict=True
        ):
            array = np.zeros(near.shape, np.float32)
            array[near] = values
            images[name] = array
        labels = labels_of_six(images, near)
        return case.plus(
            images={f"template_{n}": Volume(array=a, affine=mask.affine) for n, a in images.items()}
            | {"template_labels": Volume(array=labels, affine=mask.affine)}
        )
