"""Fill a folder with stand-ins for deepmriprep's 23 models, so that the recipe can be run off-line.

``python tools/make_deepmriprep_standins.py FOLDER``; needs the extra ``deepmriprep``. **No result made
with them means anything, and neither does the networks' time**: deepmriprep publishes its networks as
TorchScript files only, so their architecture is not in its wheel. The stand-ins take and give what
deepmriprep's code hands over and expects, which is enough to run every line of it:

* brain extraction: the two models of deepbet's wheel, which is the same program;
* segmentation: brightness as the label (0 background, 1 CSF, 2 GM, 3 WM), so that maps have tissue in
  them; nothing is "no GM"; the warp is the identity.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import torch
from deepbet.utils import DATA_PATH
from torch import Tensor, nn

from allbrains.steps.deepmriprep_bridge import FILES


class Segmentation(nn.Module):
    """Scaled brightness, shape (1, 1, x, y, z) → label 0 to 3, same shape."""

    def forward(self, x: Tensor) -> Tensor:
        """Return 1 at 0.25, 2 at 0.6, 3 at 0.9, linear between, 0 at 0."""
        dark = 4 * x.clamp(0, 0.25)
        grey = (x.clamp(0.25, 0.6) - 0.25) / 0.35
        white = (x.clamp(0.6, 0.9) - 0.6) / 0.3
        return dark + grey + white


class Patch(Segmentation):
    """Brightness and label, shape (1, 2, …) → label, shape (1, 1, …)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the label that was given."""
        return x[:, 1:]


class NoGm(nn.Module):
    """Label → two logits, shape (1, 2, …)."""

    def forward(self, x: Tensor) -> Tensor:
        """Say no everywhere."""
        return torch.cat([torch.zeros_like(x), torch.full_like(x, -20.0)], dim=1)


class Warp(nn.Module):
    """Two images of two channels → two velocities, each (1, 3, x, y, z)."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Stand still."""
        still = torch.zeros_like(x[:, :3])
        return still, still


def main(folder: Path) -> None:
    """Write the files."""
    folder.mkdir(parents=True, exist_ok=True)
    for ours, theirs in (("brain_extraction_model", "model"), ("brain_extraction_bbox_model", "bbox_model")):
        shutil.copyfile(Path(DATA_PATH) / "models" / f"{theirs}.pt", folder / f"{ours}.pt")
    for name in FILES:
        if name.startswith("segmentation_patch"):
            module: nn.Module = Patch()
        elif name.startswith("segmentation_nogm"):
            module = NoGm()
        elif name.startswith("segmentation"):
            module = Segmentation()
        elif name.startswith("warp"):
            module = Warp()
        else:
            continue
        torch.jit.script(module).save(str(folder / name))
    print(f"{len(FILES)} files in {folder}: stand-ins, for trying only")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
