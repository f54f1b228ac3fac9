"""The network of deepbet on a CPU, with its own weights, for half the time and memory of the traced module.

The arithmetic is that of the traced network, rearranged:

* Only the difference of its two logits is kept: ``softmax(...)[1] > p`` is ``difference > log(p / (1 - p))``.
* The first convolution makes 16 channels of 128³. It is done in slabs and pooled before the norm: an
  instance norm and a ReLU rise with their input, so they may follow the maximum.
* A transposed convolution of stride 2 is an ordinary one to eight times the channels, interleaved.
* oneDNN's convolution is called by its name: PyTorch takes a slow path for one image on one thread.

References:
    Chaurasia & Culurciello 2017, LinkNet, arXiv 1707.03718; Fisch et al. 2024, deepbet, arXiv 2308.07003.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

_EPSILON = 1e-5  # of the traced network's instance norms
_SLAB = 16  # planes of the first convolution at once: 16 MB a slab of a 256³ image
# inside: what an output voxel of even and of odd index takes from input voxels i and i + 1, by the index of
# a kernel of 3 with padding 1; None: nothing
_TAPS = ((1, None), (2, 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkNet:
    """A LinkNet with a ResNet-18 encoder, as deepbet's two networks are.

    Attributes:
        weights: by the traced module's names; those of transposed convolutions as ``interleaved`` gives them.
        bias: of the difference of the two logits.
    """

    weights: Mapping[str, Tensor]
    bias: Tensor

    @classmethod
    def read(cls, path: Path, device: str) -> LinkNet:
        """Return the network of a TorchScript file, on a device (``cpu`` or ``cuda``)."""
        import torch

        given: dict[str, Tensor] = torch.jit.load(str(path), map_location=device).state_dict()  # type: ignore[no-untyped-call]
        weights = {name: value.detach() for name, value in given.items() if name.endswith("weight")}
        for name in ("up0.tp_conv.0", "up1.tp_conv.0", "up2.tp_conv.0", "tp_conv1.0"):
            weights[f"{name}.weight"] = interleaved(weights[f"{name}.weight"])
        weights["up3.tp_conv.0.weight"] = weights["up3.tp_conv.0.weight"].flip(2, 3, 4).transpose(0, 1)
        last = weights.pop("tp_conv2.weight")
        # (8, 2, 2, 2, 2) → one logit, its eight voxels as channels
        weights["difference"] = (last[:, 1] - last[:, 0]).flatten(1).T
        bias = given["tp_conv2.bias"].detach()
        return cls(weights={n: w.contiguous() for n, w in weights.items()}, bias=bias[1] - bias[0])

    def logit(self, image: Tensor) -> Tensor:
        """Return the log-odds of brain in each voxel, shape (x, y, z), float32.

        Args:
            image: shape (x, y, z), float32, edges multiples of 32, normalised as deepbet does.
        """
        import torch

        with torch.inference_mode():
            first = self._first(image[None, None])
            down0 = self._down(first, "down0", 1)
            down1 = self._down(down0, "down1", 2)
            down2 = self._down(down1, "down2", 2)
            x = self._up(self._down(down2, "down3", 2), "up0").add_(down2)
            x = self._up(x, "up1").add_(down1)
            x = self._up(x, "up2").add_(down0)
            x = self._up(x, "up3").add_(first)
            del first, down0, down1, down2
            x = self._doubled(x, "tp_conv1.0")
            x = _normed(_convolved(x, self.weights["conv.0.weight"], 1)).relu_()
            eight = (self.weights["difference"] @ x[0].flatten(1)).add_(self.bias)
            return _spread(eight.reshape(1, 8, *x.shape[2:]))[0, 0]

    def _first(self, image: Tensor) -> Tensor:
        """Return the first convolution, of stride 2, pooled by 2 and normed: shape (1, 16, x/4, y/4, z/4)."""
        import torch
        from torch.nn import functional

        weight = self.weights["init.0.weight"]
        padded = functional.pad(image, (3,) * 6)
        planes = image.shape[2] // 2
        sums, pooled = torch.zeros(2, weight.shape[0], dtype=torch.float64, device=image.device), []
        before = None  # the plane before a slab: the pooling reaches one back
        for begin in range(0, planes, _SLAB):
            part = _convolved(padded[:, :, 2 * begin : 2 * (begin + _SLAB) + 5], weight, 0, 2)
            sums += _sums(part)
            rows = _pooled(_pooled(part, 4), 3)
            kept = _pooled(rows, 2)
            if before is not None:
                kept[:, :, :1] = torch.maximum(kept[:, :, :1], before)
            before = rows[:, :, -1:]
            pooled.append(kept)
        voxels = planes * (image.shape[3] // 2) * (image.shape[4] // 2)
        return _scaled(torch.cat(pooled, 2), sums / voxels).relu_()

    def _down(self, x: Tensor, name: str, stride: int) -> Tensor:
        """Return the output of two residual blocks, the first of which may halve the edges."""
        same = x
        if stride > 1:
            same = _normed(_convolved(x, self.weights[f"{name}.block1.downsample.0.weight"], 0, stride))
        for block, step in (("block1", stride), ("block2", 1)):
            one, other = (self.weights[f"{name}.{block}.double_conv.{k}.weight"] for k in (0, 3))
            y = _normed(_convolved(x, one, 1, step)).relu_()
            x = _normed(_convolved(y, other, 1)).add_(same).relu_()
            same = x
        return x

    def _up(self, x: Tensor, name: str) -> Tensor:
        """Return a decoder's output: fewer channels, edges doubled (but for the last), channels again."""
        x = _normed(_convolved(x, self.weights[f"{name}.conv1.0.weight"], 0)).relu_()
        if name == "up3":
            x = _normed(_convolved(x, self.weights["up3.tp_conv.0.weight"], 1)).relu_()
        else:
            x = self._doubled(x, f"{name}.tp_conv.0")
        return _normed(_convolved(x, self.weights[f"{name}.conv2.0.weight"], 0)).relu_()

    def _doubled(self, x: Tensor, name: str) -> Tensor:
        """Return a transposed convolution of stride 2, normed, negative values cut off."""
        from torch.nn import functional

        return _normed(
            _spread(_convolved(functional.pad(x, (0, 1) * 3), self.weights[f"{name}.weight"], 0))
        ).relu_()


def interleaved(weight: Tensor) -> Tensor:
    """Return the weights of a transposed convolution (kernel 3, stride 2, padding 1) as an ordinary one's.

    Its output, ``_spread``, is that of the transposed one with an output padding of 1.

    Args:
        weight: shape (in, out, 3, 3, 3).

    Returns:
        Shape (8 · out, in, 2, 2, 2); the eight voxels of an output channel follow each other.
    """
    import torch

    channels_in, channels_out = weight.shape[:2]
    out = torch.zeros(channels_out, 8, channels_in, 2, 2, 2, dtype=weight.dtype, device=weight.device)
    for n, (i, j, k) in enumerate(product((0, 1), repeat=3)):
        for a, b, c in product((0, 1), repeat=3):
            x, y, z = _TAPS[i][a], _TAPS[j][b], _TAPS[k][c]
            if x is not None and y is not None and z is not None:
                out[:, n, :, a, b, c] = weight[:, :, x, y, z].T
    return out.reshape(8 * channels_out, channels_in, 2, 2, 2)


def _spread(x: Tensor) -> Tensor:
    """Return (1, 8 c, x, y, z) as (1, c, 2 x, 2 y, 2 z): each voxel's eight channels side by side."""
    _, channels, a, b, c = x.shape
    return (
        x.reshape(channels // 8, 2, 2, 2, a, b, c)
        .permute(0, 4, 1, 5, 2, 6, 3)
        .reshape(1, channels // 8, 2 * a, 2 * b, 2 * c)
    )


def _convolved(x: Tensor, weight: Tensor, padding: int, stride: int = 1) -> Tensor:
    """Return a convolution without bias: an instance norm follows, which takes a bias out again."""
    import torch

    if x.device.type == "cpu":
        mkldnn: Any = torch.ops.aten.mkldnn_convolution
        out: Tensor = mkldnn(x, weight, None, [padding] * 3, [stride] * 3, [1] * 3, 1)
        return out
    return torch.conv3d(x, weight, None, stride, padding)


def _pooled(x: Tensor, axis: int) -> Tensor:
    """Return the maximum over windows of 3, one voxel beyond the edge, in steps of 2, along one axis."""
    import torch

    pairs = x.view(*x.shape[:axis], x.shape[axis] // 2, 2, *x.shape[axis + 1 :])
    odd = pairs.select(axis + 1, 1)
    out = torch.maximum(pairs.select(axis + 1, 0), odd)
    rest = out.narrow(axis, 1, out.shape[axis] - 1)
    torch.maximum(rest, odd.narrow(axis, 0, out.shape[axis] - 1), out=rest)
    return out


def _sums(x: Tensor) -> Tensor:
    """Return each channel's sum and sum of squares: shape (2, channels), float64."""
    import torch

    flat = x[0].flatten(1)
    return torch.stack([flat.sum(1).double(), torch.linalg.vector_norm(flat, dim=1).double().square()])


def _normed(x: Tensor) -> Tensor:
    """Return each channel with mean 0 and variance 1, in place."""
    return _scaled(x, _sums(x) / x[0, 0].numel())


def _scaled(x: Tensor, means: Tensor) -> Tensor:
    """Return (x - mean) / standard deviation, in place; ``means``: of x and of its squares, by channel."""
    scale = (means[1] - means[0].square() + _EPSILON).rsqrt()
    shape = (-1, 1, 1, 1)
    return x.mul_(scale.float().view(shape)).sub_((means[0] * scale).float().view(shape))
