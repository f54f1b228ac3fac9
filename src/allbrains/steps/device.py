"""The device that a torch network runs on."""

from __future__ import annotations

from allbrains.recipe import Lack


def device_lack(device: str) -> list[Lack]:
    """Return what is missing for ``device``: nothing for ``cpu``, CUDA where torch sees none."""
    if device == "cpu":
        return []
    if device != "cuda":
        return [Lack(what=f"device {device!r}", remedy="there are cpu and cuda")]
    import torch

    if torch.cuda.is_available():
        return []
    return [
        Lack(
            what="device 'cuda': torch sees no NVIDIA GPU",
            remedy="install a CUDA build of torch and a driver that fits, or use --device cpu",
        )
    ]
