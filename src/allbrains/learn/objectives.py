"""Losses of the tasks: age, sex, contrastive embedding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from allbrains.records import Array


class Objective(Protocol):
    """A loss over one batch."""

    def __call__(self, outputs: Tensor, targets: Array, people: Array) -> Tensor:
        """Return the mean loss.

        Args:
            outputs: of the network, shape (sample, output), float32.
            targets: shape (sample,), NaN where unknown.
            people: shape (sample,), the person of each sample.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeObjective:
    """Smooth L1 on ages in units of their spread over the training side.

    Attributes:
        mean: years.
        spread: standard deviation, years.
    """

    mean: float
    spread: float

    def __call__(self, outputs: Tensor, targets: Array, people: Array) -> Tensor:
        """Return the loss; one unit is one standard deviation of age."""
        wanted = torch.from_numpy((targets - self.mean) / self.spread).to(outputs)
        return functional.smooth_l1_loss(outputs[:, 0], wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sex:
    """Binary cross-entropy; 1 is male."""

    def __call__(self, outputs: Tensor, targets: Array, people: Array) -> Tensor:
        """Return the loss, nats."""
        return functional.binary_cross_entropy_with_logits(
            outputs[:, 0], torch.from_numpy(targets).to(outputs)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrastive:
    """Supervised InfoNCE: positives are a person's other views and scans; y-aware: like ages in part.

    Attributes:
        temperature: of the softmax.
        y_sigma_years: of the kernel over differences of age; 0 where age plays no part.

    References:
        Khosla et al. 2020 (supervised contrastive, eq. 2); Dufumier et al. 2021, MICCAI (y-aware, eq. 3).
    """

    temperature: float
    y_sigma_years: float = 0.0

    def __call__(self, outputs: Tensor, targets: Array, people: Array) -> Tensor:
        """Return the supervised InfoNCE loss (Khosla eq. 2), averaged over views, nats."""
        views = functional.normalize(outputs, dim=1)
        alone = torch.eye(len(views), dtype=torch.bool, device=views.device)
        logits = (views @ views.T / self.temperature).masked_fill(alone, float("-inf"))
        chances = functional.log_softmax(logits, dim=1).masked_fill(alone, 0.0)
        weights = torch.from_numpy(self.weights(targets, people)).to(views)
        sums = weights.sum(dim=1)
        asked = sums > 0  # a view without a positive adds no loss
        losses = (weights * chances).sum(dim=1)[asked] / sums[asked]
        return -losses.sum() / max(1, len(losses))

    def weights(self, targets: Array, people: Array) -> Array:
        """Return each pair's weight as a positive, shape (view, view), 0 to 1; 0 for a view with itself."""
        same: Array = (people[:, None] == people[None, :]).astype(np.float64)
        if self.y_sigma_years:
            gap = (targets[:, None] - targets[None, :]) / self.y_sigma_years
            same = np.maximum(same, np.nan_to_num(np.exp(-0.5 * gap**2), nan=0.0))
        np.fill_diagonal(same, 0.0)
        return same
