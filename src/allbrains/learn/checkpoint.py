"""A run's state on disk: safetensors, which can hold numbers and nothing that runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from allbrains.errors import ConfigurationError, CorpusError
from allbrains.files import publishing

_NET, _MOMENTS = "network/", "optimiser/"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingProgress:
    """Where a run stands.

    Attributes:
        of: fingerprint of the settings, the people and the sides.
        step: steps done in all.
        epoch: that is under way, from 0.
        batches: of it that are done.
        loss: sum over its steps.
        best_loss: lowest validation loss so far.
        best_epoch: the epoch of that loss.
        scale: of the loss in float16; 0 elsewhere.
        history: a line each epoch.
    """

    of: str
    step: int = 0
    epoch: int = 0
    batches: int = 0
    loss: float = 0.0
    best_loss: float = float("inf")
    best_epoch: int = -1
    scale: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)


def save(
    path: Path, network: nn.Module, optimiser: torch.optim.Optimizer, progress: TrainingProgress
) -> None:
    """Write a run's state; it appears whole or not at all.

    Raises:
        NoSpace: the disk is full.
    """
    tensors = {f"{_NET}{name}": value for name, value in network.state_dict().items()}
    for number, moments in optimiser.state_dict()["state"].items():
        tensors |= {f"{_MOMENTS}{number}/{name}": value for name, value in moments.items()}
    with publishing(path) as temporary:
        save_file(
            {name: value.contiguous() for name, value in tensors.items()},
            temporary,
            metadata={"allbrains.progress": json.dumps(asdict(progress))},
        )


def resume(path: Path, network: nn.Module, optimiser: torch.optim.Optimizer, of: str) -> TrainingProgress:
    """Fill network and optimiser from a run's state, where there is one, and return where it stands.

    Raises:
        ConfigurationError: the state is of another run.
        CorpusError: it is damaged.
    """
    if not path.exists():
        return TrainingProgress(of=of)
    try:
        with safe_open(path, framework="pt") as file:
            progress = TrainingProgress(**json.loads((file.metadata() or {})["allbrains.progress"]))
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        raise CorpusError(
            f"{path} is no checkpoint that can be read: {error}; delete it to begin anew"
        ) from error
    if progress.of != of:
        raise ConfigurationError(
            f"{path.parent} holds a run with other settings or samples: use another --to, or delete it"
        )
    network.load_state_dict(_under(_NET, tensors))
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in _under(_MOMENTS, tensors).items():
        number, _, key = name.partition("/")
        moments.setdefault(int(number), {})[key] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})
    return progress


def save_weights(path: Path, network: nn.Module, about: Mapping[str, str]) -> None:
    """Write a network's weights, with texts that say what it is."""
    weights = {name: value.contiguous() for name, value in network.state_dict().items()}
    with publishing(path) as temporary:
        save_file(weights, temporary, metadata=dict(about))


def load_weights(path: Path, network: nn.Module) -> None:
    """Fill a network.

    Raises:
        CorpusError: the file is damaged, or of another network.
    """
    try:
        network.load_state_dict(load_file(path))
    except (SafetensorError, OSError, RuntimeError) as error:
        raise CorpusError(f"{path} doesn't hold these weights: {error}") from error


def next_epoch(progress: TrainingProgress, line: dict[str, Any]) -> TrainingProgress:
    """Return where a run stands after an epoch; its validation loss is in the line."""
    loss = line["validation_loss"]
    better = loss < progress.best_loss
    return replace(
        progress,
        epoch=progress.epoch + 1,
        batches=0,
        loss=0.0,
        best_loss=loss if better else progress.best_loss,
        best_epoch=progress.epoch if better else progress.best_epoch,
        history=[*progress.history, line],
    )


def _under(head: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(head): value for name, value in tensors.items() if name.startswith(head)}
