"""One process, or several that ``torchrun`` started."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import distributed, nn

from allbrains.errors import ConfigurationError
from allbrains.load.order import Share


def device_for(wanted: str) -> str:
    """Return torch's name of the device that this process computes on.

    Raises:
        ConfigurationError: a GPU is wanted and there is none.
    """
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise ConfigurationError("device cuda: torch finds no GPU here; `allbrains doctor` says more")
    if wanted == "cpu" or not there:
        return "cpu"
    return f"cuda:{int(os.environ.get('LOCAL_RANK', '0'))}"


@contextmanager
def together(device: str) -> Iterator[Share]:
    """Give this process's share; processes that ``torchrun`` started find each other, and part at the end."""
    if "WORLD_SIZE" not in os.environ:
        yield Share()
        return
    if device.startswith("cuda"):
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield Share(rank=distributed.get_rank(), world=distributed.get_world_size())
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


def shared(network: nn.Module, share: Share) -> nn.Module:
    """Return the network, its gradients averaged over all processes."""
    if share.world == 1:
        return network
    return nn.parallel.DistributedDataParallel(network)
