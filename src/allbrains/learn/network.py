"""The network: SFCN-like, a plain stack of 3×3×3 convolutions, each halving the grid.

References:
    Peng et al. 2021, Medical Image Analysis 68:101871 (SFCN). Different here: group instead of batch
    normalisation, which does not depend on the rest of the batch, so that one process and several learn
    the same; and one number instead of a distribution over ages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn

_GROUPS = 8
_SMALLEST = 2  # voxels: a shorter edge is not halved


class Encoder(nn.Module):
    """Blocks of convolution, normalisation, pooling; the last is 1×1×1; then the mean over the grid.

    Args:
        channels: of the input.
        shape: of the input's grid, voxels.
        widths: channels of each block.
    """

    def __init__(self, channels: int, shape: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        edges = list(shape)
        for at, width in enumerate(widths):
            last = at + 1 == len(widths)
            kernel = 1 if last else 3
            # how much tissue there is would be gone if the first block normalised; its bias carries it on
            first = at == 0
            blocks.append(nn.Conv3d(channels, width, kernel, padding=kernel // 2, bias=first))
            if not first:
                blocks.append(nn.GroupNorm(_groups(width), width))
            strides = [1 if last or edge < 2 * _SMALLEST else 2 for edge in edges]
            if max(strides) > 1:
                blocks.append(nn.MaxPool3d((strides[0], strides[1], strides[2])))
                edges = [edge // stride for edge, stride in zip(edges, strides, strict=True)]
            blocks.append(nn.ReLU(inplace=True))
            channels = width
        self.blocks = nn.Sequential(*blocks)
        self.width = channels

    def forward(self, images: Tensor) -> Tensor:
        """Return features, shape (sample, width), of images of shape (sample, channel, x, y, z)."""
        return cast(Tensor, self.blocks(images).mean(dim=(2, 3, 4)))


class BrainNetwork(nn.Module):
    """An encoder with a head: one number, or a projection for the contrastive loss.

    Args:
        encoder: the body.
        outputs: of the head.
        dropout: share of the features that are left out in training.
        hidden: width of a layer in between; 0 for a linear head.
    """

    def __init__(self, encoder: Encoder, outputs: int, *, dropout: float = 0.0, hidden: int = 0) -> None:
        super().__init__()
        self.encoder = encoder
        layers: list[nn.Module] = [nn.Dropout(dropout)]
        if hidden:
            layers += [nn.Linear(encoder.width, hidden), nn.ReLU(inplace=True)]
        layers.append(nn.Linear(hidden or encoder.width, outputs))
        self.head = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        """Return the head's outputs, shape (sample, output)."""
        return cast(Tensor, self.head(self.encoder(images)))


def _groups(width: int) -> int:
    return next(count for count in range(min(_GROUPS, width), 0, -1) if width % count == 0)
